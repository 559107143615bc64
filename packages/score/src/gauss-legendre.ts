/**
 * Gauss–Legendre quadrature on [−1, 1], float64: nodes by Newton's method on P_n from Tricomi's approximation. Exact
 * for polynomials of degree 2n − 1.
 */

export interface QuadratureRule {
  /** Ascending, in (−1, 1). */
  readonly nodes: readonly number[];
  /** Positive, sum 2. */
  readonly weights: readonly number[];
}

/** The rule with n ≥ 1 nodes. */
export function gaussLegendre(n: number): QuadratureRule {
  const nodes: number[] = [];
  const weights: number[] = [];
  for (let i = n - 1; i >= 0; i--) {
    let x = Math.cos((Math.PI * (i + 0.75)) / (n + 0.5));
    let slope = 0;
    for (let iteration = 0; iteration < 100; iteration++) {
      let p = 1;
      let previous = 0;
      for (let k = 0; k < n; k++) [p, previous] = [((2 * k + 1) * x * p - k * previous) / (k + 1), p];
      slope = (n * (x * p - previous)) / (x * x - 1);
      const step = p / slope;
      x -= step;
      if (Math.abs(step) < 1e-16) break;
    }
    nodes.push(x);
    weights.push(2 / ((1 - x * x) * slope * slope));
  }
  return { nodes, weights };
}
