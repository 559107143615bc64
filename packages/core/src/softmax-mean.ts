/**
 * `softmaxMean`: the posterior mean and log-density of an isotropic Gaussian mixture seen through Gaussian noise.
 *
 *   v_ik = variance_k + noiseVariance_i
 *   ℓ_ik = logWeights_k − (d/2) ln(2π v_ik) − |x_i − c_k|²/(2 v_ik)
 *   logDensity_i = log Σ_k exp ℓ_ik,   r_ik = exp(ℓ_ik − logDensity_i)
 *   mean_i = Σ_k r_ik (c_k + (variance_k/v_ik)(x_i − c_k)),   or Σ_k r_ik values_k where values are given
 *
 * With blend [a, b], a x_i + b mean_i in place of mean_i: scores, noise and velocities are such sums, and come out of the
 * same pass.
 *
 * This is E[X₀ | X₀ + ς ξ = x] for X₀ ~ Σ w_k N(c_k, variance_k I) and ς² = noiseVariance: exact scores, empirical
 * scores (variance 0), tilted measures, and Nadaraya–Watson regression (with values). Streaming: no backend keeps
 * an n × K table; the reference works through blocks of rows.
 */
import * as tf from '@tensorflow/tfjs-core';
import { requireFinite } from './checks.ts';
import { DomainError, ShapeError, shown } from './errors.ts';
import { type NamedTensors, registerReferenceGradient, runOp } from './kernel.ts';

export interface SoftmaxMeanOptions {
  /** ς² ≥ 0: one number, or [n] with one for each row. */
  readonly noiseVariance: number | tf.Tensor;
  /** Variance of each component ≥ 0: one number (default 0), or [K]. variance + noiseVariance must be > 0. */
  readonly variance?: number | tf.Tensor;
  /** Log-weights [K]; default equal weights −ln K. They need not be normalised; −∞ leaves a component out. */
  readonly logWeights?: tf.Tensor;
  /** Average these [K, m] instead of the components' posterior means. */
  readonly values?: tf.Tensor;
  /** [a, b]: a·x + b·mean is returned as the mean. Values then have rows of d. */
  readonly blend?: readonly [x: number, mean: number];
}

export interface SoftmaxMeanResult {
  /** [n, d], or [n, m] with values. */
  readonly mean: tf.Tensor2D;
  /** [n], in nats. */
  readonly logDensity: tf.Tensor1D;
}

type SoftmaxMeanAttrs = {
  readonly variance: number | null;
  readonly noiseVariance: number | null;
  readonly blend: readonly [x: number, mean: number] | null;
};

/** Elements of the largest intermediate tensor of the reference. */
const BLOCK_ELEMENTS = 2 ** 22;

function block(
  x: tf.Tensor,
  inputs: NamedTensors,
  attrs: SoftmaxMeanAttrs,
  noiseVariance: tf.Tensor | number,
): tf.Tensor[] {
  const { centres, logWeights, values } = inputs;
  const [n, d] = x.shape as [number, number];
  const k = centres!.shape[0]!;
  const variance = inputs.variance ? tf.reshape(inputs.variance, [1, k]) : tf.scalar(attrs.variance ?? 0);
  const v = tf.add(
    variance,
    typeof noiseVariance === 'number' ? noiseVariance : tf.reshape(noiseVariance, [n, 1]),
  );
  const difference = tf.sub(tf.reshape(x, [n, 1, d]), tf.reshape(centres!, [1, k, d]));
  const logits = tf.sub(
    tf.sub(tf.reshape(logWeights!, [1, k]), tf.mul(d / 2, tf.log(tf.mul(2 * Math.PI, v)))),
    tf.div(tf.sum(tf.square(difference), 2), tf.mul(2, v)),
  );
  const logDensity = tf.logSumExp(logits, 1);
  // Not exp(logits − logDensity): where logits are large, their difference has lost the digits that make Σ r = 1.
  const r = tf.softmax(logits, 1);
  const blended = (mean: tf.Tensor): tf.Tensor =>
    attrs.blend ? tf.add(tf.mul(x, attrs.blend[0]), tf.mul(mean, attrs.blend[1])) : mean;
  if (values) return [blended(tf.matMul(r, values as tf.Tensor2D)), logDensity];
  const gain = tf.mul(r, tf.div(variance, v));
  const mean = tf.add(tf.matMul(tf.sub(r, gain), centres as tf.Tensor2D), tf.mul(x, tf.sum(gain, 1, true)));
  return [blended(mean), logDensity];
}

function reference(inputs: NamedTensors, attrs: SoftmaxMeanAttrs): tf.Tensor[] {
  const x = inputs.x!;
  const [n, d] = x.shape as [number, number];
  const k = inputs.centres!.shape[0]!;
  const rows = Math.max(1, Math.floor(BLOCK_ELEMENTS / (k * Math.max(d, 1))));
  if (n <= rows) return block(x, inputs, attrs, inputs.noiseVariance ?? attrs.noiseVariance!);
  const pieces: tf.Tensor[][] = [];
  for (let start = 0; start < n; start += rows) {
    const size = Math.min(rows, n - start);
    pieces.push(
      tf.tidy(() =>
        block(
          tf.slice(x, [start, 0], [size, d]),
          inputs,
          attrs,
          inputs.noiseVariance ? tf.slice(inputs.noiseVariance, start, size) : attrs.noiseVariance!,
        ),
      ),
    );
  }
  return [0, 1].map((i) =>
    tf.concat(
      pieces.map((p) => p[i]!),
      0,
    ),
  );
}

registerReferenceGradient<SoftmaxMeanAttrs>(
  'DiffSoftmaxMean',
  (attrs) => (inputs) => reference(inputs, attrs),
);

function checkVariance(name: string, value: number | tf.Tensor, length: number, what: string): void {
  if (typeof value === 'number') {
    requireFinite('softmaxMean', name, value);
    if (value < 0) {
      throw new DomainError(
        `softmaxMean: ${name} must not be negative, got ${value}. Pass a variance, not a deviation's sign.`,
      );
    }
  } else if (value.rank !== 1 || value.shape[0] !== length) {
    throw new ShapeError(
      `softmaxMean: ${name} must be a number or a tensor of shape [${length}] (one per ${what}), got ${shown(value)}. Reshape it.`,
    );
  }
}

/**
 * Posterior mean and log-density of a mixture of isotropic Gaussians under Gaussian noise.
 *
 * @param x points [n, d]; @param centres [K, d].
 * @returns `{ mean, logDensity }`, both owned by the caller.
 * @throws ShapeError, DomainError
 * @example
 * ```ts
 * import { softmaxMean } from '@diff/core';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const { mean, logDensity } = softmaxMean(tf.zeros([5, 2]), tf.tensor2d([[1, 0], [-1, 0]]), { noiseVariance: 0.25 });
 * ```
 */
export function softmaxMean(
  x: tf.Tensor,
  centres: tf.Tensor,
  options: SoftmaxMeanOptions,
): SoftmaxMeanResult {
  const { noiseVariance, variance = 0, logWeights, values, blend } = options;
  if (x.rank !== 2 || centres.rank !== 2 || x.shape[1] !== centres.shape[1]) {
    throw new ShapeError(
      `softmaxMean: x and centres must have shapes [n, d] and [K, d], got ${shown(x)} and ${shown(centres)}. Reshape them to rows of one length.`,
    );
  }
  const n = x.shape[0]!;
  const k = centres.shape[0]!;
  if (k === 0)
    throw new ShapeError('softmaxMean: centres must have at least one row, got none. Pass a component.');
  checkVariance('noiseVariance', noiseVariance, n, 'row');
  checkVariance('variance', variance, k, 'component');
  if (typeof noiseVariance === 'number' && typeof variance === 'number' && noiseVariance + variance <= 0) {
    throw new DomainError(
      'softmaxMean: variance + noiseVariance must be positive, got 0. Stop at a time with noise, or give the components a width.',
    );
  }
  if (logWeights && (logWeights.rank !== 1 || logWeights.shape[0] !== k)) {
    throw new ShapeError(
      `softmaxMean: logWeights must have shape [${k}], got ${shown(logWeights)}. Pass one per component.`,
    );
  }
  if (values && (values.rank !== 2 || values.shape[0] !== k)) {
    throw new ShapeError(
      `softmaxMean: values must have shape [${k}, m], got ${shown(values)}. Pass a row per component.`,
    );
  }
  if (blend) {
    blend.forEach((weight, i) => {
      requireFinite('softmaxMean', `blend[${i}]`, weight);
    });
    if (values && values.shape[1] !== x.shape[1]) {
      throw new ShapeError(
        `softmaxMean: values to blend with x must have shape [${k}, ${x.shape[1]}], got ${shown(values)}. Give them rows as long as those of x, or leave blend out.`,
      );
    }
  }
  const [mean, logDensity] = tf.tidy(() => {
    const inputs: Record<string, tf.Tensor> = {
      x,
      centres,
      logWeights: logWeights ?? tf.fill([k], -Math.log(k)),
    };
    if (typeof variance !== 'number') inputs.variance = variance;
    if (typeof noiseVariance !== 'number') inputs.noiseVariance = noiseVariance;
    if (values) inputs.values = values;
    const attrs: SoftmaxMeanAttrs = {
      variance: typeof variance === 'number' ? variance : null,
      noiseVariance: typeof noiseVariance === 'number' ? noiseVariance : null,
      blend: blend ?? null,
    };
    return runOp('DiffSoftmaxMean', inputs, { ...attrs }, (named) => reference(named, attrs));
  });
  return { mean: mean as tf.Tensor2D, logDensity: logDensity as tf.Tensor1D };
}
