/**
 * Integrals of polynomials against an exponential, from which every exponential multistep weight is made:
 *
 *   m_n(a) = ∫_0^1 a e^{−a(1−s)} sⁿ ds,   m_0 = 1 − e^{−a},   m_n = 1 − (n/a) m_{n−1}
 *          = a Σ_j (−a)^j n!/(n+j+1)!
 *
 * a > 0 where data are held, a < 0 where noise is. The recursion loses digits for small a, the series for large: each
 * is used where it keeps 15 digits. (m_n is a combination of the φ-functions of exponential integrators; Hochbruck &
 * Ostermann 2010, eq. 2.10.)
 */

/** m_0 … m_{count−1} at a ≠ 0. */
export function exponentialMoments(a: number, count: number): number[] {
  const moments: number[] = [];
  for (let n = 0; n < count; n++) {
    if (n === 0) moments.push(-Math.expm1(-a));
    else moments.push(Math.abs(a) < 2 ? series(a, n) : 1 - (n / a) * moments[n - 1]!);
  }
  return moments;
}

function series(a: number, n: number): number {
  let term = a / (n + 1);
  let sum = term;
  for (let j = 1; j < 40; j++) {
    term *= -a / (n + j + 1);
    sum += term;
  }
  return sum;
}

/**
 * Weights w with Σ_j w_j f(s_j) = Σ_n c_n m_n, c being the coefficients of the polynomial through (s_j, f(s_j)).
 * Exact moments make it the integral of that polynomial; methods that simplify theirs pass other moments.
 */
export function interpolationWeights(nodes: readonly number[], moments: readonly number[]): number[] {
  return nodes.map((own, j) => {
    let basis = [1];
    nodes.forEach((other, i) => {
      if (i === j) return;
      // basis ← basis · (s − other)/(own − other)
      const next = new Array<number>(basis.length + 1).fill(0);
      basis.forEach((c, n) => {
        next[n + 1]! += c / (own - other);
        next[n]! -= (c * other) / (own - other);
      });
      basis = next;
    });
    return basis.reduce((sum, c, n) => sum + c * moments[n]!, 0);
  });
}
