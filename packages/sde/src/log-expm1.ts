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
