/**
 * ln(eʸ − 1) and its inverse ln(1 + eᶻ), without overflow or cancellation.
 *
 * The half log-SNR of variance-preserving processes is −½ ln(e^B − 1), so this pair carries λ and its inverse.
 */

/** ln(eʸ − 1) for y ≥ 0; −∞ at 0. */
export function logExpm1(y: number): number {
  return y > Math.LN2 ? y + Math.log1p(-Math.exp(-y)) : Math.log(Math.expm1(y));
}

/** ln(1 + eᶻ), the inverse of `logExpm1`. */
export function softplus(z: number): number {
  return z > 0 ? z + Math.log1p(Math.exp(-z)) : Math.log1p(Math.exp(z));
}

/** d − ln(1 + d) for d ≥ 0, without cancellation. */
export function lessLog1p(d: number): number {
  if (d > 0.1) return d - Math.log1p(d);
  // d²/2 − d³/3 + d⁴/4 − …
  let [sum, power] = [0, d];
  for (let n = 2; n < 20; n++) {
    power *= -d;
    sum -= power / n;
  }
  return sum;
}
