/**
 * The uniform law on the unit sphere of R^d tilted by exp(κ⟨û, u⟩) (von Mises–Fisher), as functions of κ ≥ 0. With
 * ν = d/2 − 1:
 *
 *   A(κ) = I_{ν+1}(κ)/I_ν(κ)                  mean length:  E[u] = A û       (d = 3: the Langevin function coth κ − 1/κ)
 *   ln C(κ) = ln(Γ(ν+1)(2/κ)^ν I_ν(κ))        normaliser:   E e^{κ⟨û,u⟩}     (d = 3: sinh κ/κ)
 *
 * A is made by eight steps of the backward recurrence R_ν = κ/(2(ν+1) + κ R_{ν+1}), which contracts, from Debye's
 * uniform expansion (Abramowitz & Stegun 9.7.7, 9.7.9) at the order ν + 8; ln C by the same expansion and the product of
 * the ratios, arranged so that every logarithm is of a number of order one. Truncation: 7e-8 relative in A, 6e-7
 * absolute in ln C, for all κ and all d ≥ 1, nothing cancels as κ → 0 or ∞, and both are differentiable.
 */
import * as tf from '@tensorflow/tfjs-core';

/** Steps of the recurrence. */
const STEPS = 8;

/** Σ_k u_k(p)/μ^k of Debye's expansion, as a polynomial in p: A&S 9.3.9. */
function debye(mu: number): readonly number[] {
  const c = Array<number>(10).fill(0);
  c[0] = 1;
  c[1] = 3 / 24 / mu;
  c[3] = -5 / 24 / mu + 30375 / 414720 / mu ** 3;
  c[2] = 81 / 1152 / mu ** 2;
  c[4] = -462 / 1152 / mu ** 2;
  c[6] = 385 / 1152 / mu ** 2;
  c[5] = -369603 / 414720 / mu ** 3;
  c[7] = 765765 / 414720 / mu ** 3;
  c[9] = -425425 / 414720 / mu ** 3;
  return c;
}

/** Σ_k (u_k − v_k)(p)/(μ^k (1 − p²)) as a polynomial in p: what separates I′_μ from √(1+z²)/z·I_μ, A&S 9.3.13. */
function debyeGap(mu: number): readonly number[] {
  const c = Array<number>(8).fill(0);
  c[1] = 1 / 2 / mu;
  c[2] = 9 / 48 / mu ** 2;
  c[3] = 72900 / 414720 / mu ** 3;
  c[4] = -35 / 48 / mu ** 2;
  c[5] = -748440 / 414720 / mu ** 3;
  c[7] = 900900 / 414720 / mu ** 3;
  return c;
}

const horner = (c: readonly number[], p: tf.Tensor): tf.Tensor =>
  c.reduceRight<tf.Tensor>((sum, a) => tf.add(tf.mul(sum, p), a), tf.scalar(0));

export interface SpherePosterior {
  /** A(κ) ∈ [0, 1). */
  readonly meanLength: tf.Tensor;
  /** A(κ)/κ, the variance in each direction across û; 1/d at κ = 0. */
  readonly acrossVariance: tf.Tensor;
  /** ln C(κ) − κ ≤ 0. */
  readonly logNormalizer: tf.Tensor;
}

/**
 * @param kappa any shape, ≥ 0; @param d dimension ≥ 1 of the space that holds the sphere.
 * @returns tensors of kappa's shape (call inside a tidy).
 */
export function spherePosterior(kappa: tf.Tensor, d: number): SpherePosterior {
  const nu = d / 2 - 1;
  const mu = nu + STEPS;
  const z = tf.div(kappa, mu);
  const root = tf.sqrt(tf.add(tf.square(z), 1));
  const p = tf.div(1, root);
  const series = horner(debye(mu), p);
  const w = tf.div(tf.square(z), tf.add(root, 1)); // √(1+z²) − 1
  let ratio = tf.sub(
    tf.div(z, tf.add(root, 1)),
    tf.div(tf.mul(tf.mul(z, p), horner(debyeGap(mu), p)), series),
  );
  const rootKappa = tf.sqrt(tf.add(tf.square(kappa), mu * mu));
  const logSeriesAtOne = Math.log(debye(mu).reduce((a, b) => a + b, 0));
  let logC = tf.sub(tf.div(mu * mu, tf.add(rootKappa, kappa)), mu);
  logC = tf.sub(logC, tf.mul(nu, tf.log1p(tf.div(w, 2))));
  logC = tf.sub(logC, tf.mul(0.25, tf.log1p(tf.square(z))));
  logC = tf.add(logC, tf.sub(tf.log(series), logSeriesAtOne));
  let across = ratio;
  for (let j = STEPS - 1; j >= 0; j--) {
    const order = nu + j + 1;
    const denominator = tf.add(tf.mul(kappa, ratio), 2 * order);
    logC = tf.add(logC, tf.log(tf.div(denominator, tf.mul(order, tf.add(w, 2)))));
    across = tf.div(1, denominator);
    ratio = tf.mul(kappa, across);
  }
  return { meanLength: ratio, acrossVariance: across, logNormalizer: logC };
}
