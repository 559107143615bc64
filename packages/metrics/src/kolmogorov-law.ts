/**
 * The law of the two-sample Kolmogorov–Smirnov statistic D under equal continuous laws.
 *
 * Exact: all orders of the pooled n + m values are equally likely, so P(D ≥ t) is the chance that a random lattice
 * path from (0, 0) to (n, m) meets a point with |i/n − j/m| ≥ t. Backwards from (i, j) the last step came along i
 * with chance i/(i + j). (Hodges, "The significance probability of the Smirnov two-sample test", Ark. Mat. 3, 1958.)
 *
 * Asymptotic: P(D ≥ t) → 2 Σ_{k ≥ 1} (−1)^{k−1} exp(−2 k² z²), z = t √(nm/(n + m)).
 */

/** P(D ≥ t), exact, in O(nm) time and O(m) memory. t must be a value that D can take. */
export function exactKolmogorovTail(t: number, n: number, m: number): number {
  // |i·m − j·n| ≥ reach in whole numbers: no rounding at the boundary.
  const reach = Math.round(t * n * m);
  const meets = new Float64Array(m + 1);
  for (let i = 0; i <= n; i++) {
    for (let j = 0; j <= m; j++) {
      if (Math.abs(i * m - j * n) >= reach) meets[j] = 1;
      else if (i + j > 0) {
        const fromI = i > 0 ? i * meets[j]! : 0;
        const fromJ = j > 0 ? j * meets[j - 1]! : 0;
        meets[j] = (fromI + fromJ) / (i + j);
      }
    }
  }
  return meets[m]!;
}

/** The limit of P(D ≥ t) for large n and m. */
export function asymptoticKolmogorovTail(t: number, n: number, m: number): number {
  const z = t * Math.sqrt((n * m) / (n + m));
  if (z < 0.2) return 1; // the series needs many terms there, and the sum is 1 to double precision
  let tail = 0;
  for (let k = 1; k <= 100; k++) {
    const term = Math.exp(-2 * k * k * z * z);
    tail += k % 2 ? term : -term;
    if (term < 1e-18 * tail) break;
  }
  return Math.min(1, Math.max(0, 2 * tail));
}
