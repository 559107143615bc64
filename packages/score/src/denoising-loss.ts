/**
 * Denoising score matching (Vincent 2011; S3 (4.10)): with X_t = α X₀ + m + σ ε,
 *
 *   L = (1/n) Σ_i w(t_i) |D(X_{t_i}, t_i) − X₀|²/d,
 *
 * whose gradient in the weights is that of explicit score matching, because both losses differ by a constant.
 * For a preconditioned network D = c_skip (x − m) + c_out F this is w c_out² |F − target|² with
 *
 *   F's input  c_in (α X₀ + σ ε),    target = ((1 − c_skip α) X₀ − c_skip σ ε)/c_out,
 *
 * two calls of `combine` that make the same noise from the same key; all coefficients are float64 until there.
 */
import { combine, DomainError, type Key, ShapeError, shown, type Weight } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Condition } from './model.ts';
import type { NetworkModel } from './precondition.ts';
import { type Weighting, type WeightingName, weighting as weightingOf } from './weighting.ts';

/** What the network sees of one batch; all tensors are owned by the caller. */
export interface DenoisingBatch {
  readonly input: tf.Tensor;
  readonly noiseLevel: tf.Tensor1D;
  readonly target: tf.Tensor;
  /** w c_out²/(n d), [n]. */
  readonly weight: tf.Tensor1D;
}

export interface BatchOptions {
  readonly model: NetworkModel;
  /** Data [n, …event]. */
  readonly x0: tf.Tensor;
  /** Forward time of each row. */
  readonly times: ArrayLike<number>;
  /** A key, or standard normal noise of x0's shape. */
  readonly noise: Key | tf.Tensor;
  readonly weighting: Weighting;
}

/** Noised inputs, targets and weights of one batch. */
export function denoisingBatch({ model, x0, times, noise, weighting }: BatchOptions): DenoisingBatch {
  const n = x0.shape[0] ?? 0;
  if (times.length !== n) {
    throw new ShapeError(
      `denoisingLoss: times must hold one time for each of the ${n} rows of x0, got ${times.length}. Pass as many times as rows.`,
    );
  }
  const table = Array.from({ length: 6 }, () => new Float32Array(n));
  const [signal, spread, level, clean, blur, weight] = table as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const { process } = model;
  for (let i = 0; i < n; i++) {
    const t = times[i]!;
    const { skip, out, input, noiseLevel } = model.scalings(t);
    const alpha = process.alpha(t);
    const sigma = process.sigma(t);
    signal[i] = input * alpha;
    spread[i] = input * sigma;
    level[i] = noiseLevel;
    clean[i] = (1 - skip * alpha) / out;
    blur[i] = (-skip * sigma) / out;
    weight[i] = (weighting(t) * out * out) / x0.size;
    if (!table.every((column) => Number.isFinite(column[i]!))) {
      throw new DomainError(
        `denoisingLoss: the loss must be finite at every training time, got alpha = ${alpha}, sigma = ${sigma} at t = ${t}, where this weighting or preconditioning is not. Keep times away from the end where alpha or sigma is 0.`,
      );
    }
  }
  const mix = (a: Float32Array, b: Float32Array): tf.Tensor => {
    const [wa, wb]: [Weight, Weight] = [tf.tensor1d(a), tf.tensor1d(b)];
    if (!('words' in noise)) {
      return combine([
        [wa, x0],
        [wb, noise],
      ]);
    }
    return combine([[wa, x0]], { noise: [wb, noise] });
  };
  const [input, target] = tf.tidy(() => [mix(signal, spread), mix(clean, blur)]) as [tf.Tensor, tf.Tensor];
  return { input, target, noiseLevel: tf.tensor1d(level), weight: tf.tensor1d(weight) };
}

/** Σ_i weight_i |F_i − target_i|², a scalar, with its gradient in F. */
function weightedSquaredError(f: tf.Tensor, target: tf.Tensor, weight: tf.Tensor1D): tf.Scalar {
  if (!tf.util.arraysEqual(f.shape, target.shape)) {
    throw new ShapeError(
      `denoisingLoss: the network's output must have the shape of its input, ${shown(target)}, got ${shown(f)}. Mend its last layer.`,
    );
  }
  const loss = tf.customGrad((x, save) => {
    const difference = tf.sub(x as tf.Tensor, target);
    const weighted = combine([[weight, difference]]);
    (save as tf.GradSaveFunc)([weighted]);
    return {
      value: tf.sum(tf.mul(difference, weighted)),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.mul(saved[0]!, tf.mul(2, dy)),
    };
  });
  return loss(f) as tf.Scalar;
}

/** The loss of a prepared batch, differentiable in the network's variables. */
export function batchLoss(model: NetworkModel, batch: DenoisingBatch, condition?: Condition): tf.Scalar {
  const f = model.network.apply(batch.input, batch.noiseLevel, condition);
  return weightedSquaredError(f, batch.target, batch.weight);
}

export interface DenoisingLossOptions {
  readonly model: NetworkModel;
  /** Data [n, …event]. */
  readonly x0: tf.Tensor;
  /** Forward time of each row. */
  readonly times: ArrayLike<number>;
  /** A key, or standard normal noise of x0's shape. */
  readonly noise: Key | tf.Tensor;
  readonly condition?: Condition;
  /** Default 'edm'. */
  readonly weighting?: WeightingName | Weighting;
}

/**
 * The denoising score matching loss of one batch, as a function of the network's variables.
 *
 * @returns scalar, owned by the caller; differentiate it with `tf.variableGrads`.
 * @throws ShapeError, DomainError
 * @example
 * ```ts
 * import { key, normal } from '@diff/core';
 * import { denoisingLoss, mlp, precondition, sampleTimes, uniformTimes } from '@diff/score';
 * import { variancePreserving } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const process = variancePreserving();
 * const model = precondition({ network: mlp({ eventShape: [2], width: 16, key: key(1) }), process });
 * const times = sampleTimes(uniformTimes({ process }), key(2), 32);
 * const loss = () => denoisingLoss({ model, x0: normal(key(3), [32, 2]), times, noise: key(4), weighting: 'noise' });
 * const { value, grads } = tf.variableGrads(loss);
 * ```
 */
export function denoisingLoss(options: DenoisingLossOptions): tf.Scalar {
  const { model, x0, times, noise, condition, weighting = 'edm' } = options;
  const { process, preconditioning } = model;
  return tf.tidy(() => {
    const w = weightingOf(weighting, { process, sigmaData: preconditioning.sigmaData });
    return batchLoss(model, denoisingBatch({ model, x0, times, noise, weighting: w }), condition);
  });
}
