/**
 * A network, a process and a preconditioning make a score model of kind 'data':
 * D(x, t) = c_skip (x − m) + c_out F(c_in (x − m), c_noise), see `preconditioning`.
 */
import { combine, requireShape, type Weight } from '@diff/core';
import type { LinearProcess } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { type Condition, defineModel, requireTime, type ScoreModel } from './model.ts';
import type { Network } from './network.ts';
import {
  type Preconditioning,
  type PreconditioningName,
  preconditioning as preconditioningOf,
  type Scalings,
} from './preconditioning.ts';

/** A score model with a network inside, which `train` can train. */
export interface NetworkModel extends ScoreModel {
  readonly network: Network;
  readonly preconditioning: Preconditioning;
  /** The scalings at time t, float64. */
  scalings(t: number): Scalings;
}

export interface PreconditionOptions {
  readonly network: Network;
  readonly process: LinearProcess;
  /** A name or a rule of your own; default 'edm'. */
  readonly preconditioning?: PreconditioningName | Preconditioning;
  /** Standard deviation of the data; default 0.5. */
  readonly sigmaData?: number;
  readonly name?: string;
}

/**
 * Makes a score model of kind 'data' from a network.
 *
 * @returns the model; its `predict` is synchronous for a number t, and reads t back for a tensor [n].
 * @throws DomainError, ShapeError
 * @example
 * ```ts
 * import { key, normal } from '@diff/core';
 * import { mlp, precondition } from '@diff/score';
 * import { edm } from '@diff/sde';
 * import '@tensorflow/tfjs-backend-cpu';
 * const network = mlp({ eventShape: [2], width: 16, key: key(1) });
 * const model = precondition({ network, process: edm(), sigmaData: 1 });
 * const denoised = await model.denoise(normal(key(2), [10, 2]), 0.5);
 * ```
 */
export function precondition(options: PreconditionOptions): NetworkModel {
  const { network, process, sigmaData = 0.5, name = 'network' } = options;
  const rule = preconditioningOf(options.preconditioning, sigmaData);
  const scalings = (t: number): Scalings =>
    rule.scalings({ t, alpha: process.alpha(t), sigma: process.sigma(t) });

  const denoised = (
    x: tf.Tensor,
    noiseLevel: tf.Tensor1D,
    condition: Condition | undefined,
    weights: { readonly skip: Weight; readonly out: Weight; readonly input: Weight },
    centred: tf.Tensor,
  ): tf.Tensor => {
    const f = network.apply(combine([[weights.input, centred]]), noiseLevel, condition);
    requireShape(name, "the network's output", f, x.shape);
    return combine([
      [weights.skip, centred],
      [weights.out, f],
    ]);
  };

  const atOneTime = (x: tf.Tensor, t: number, condition?: Condition): tf.Tensor =>
    tf.tidy(() => {
      const { skip, out, input, noiseLevel } = scalings(t);
      const mean = process.mean(t);
      const centred = mean === 0 ? x : combine([[1, x]], { constant: -mean });
      return denoised(x, tf.fill([x.shape[0] ?? 0], noiseLevel), condition, { skip, out, input }, centred);
    });

  const atManyTimes = async (x: tf.Tensor, t: tf.Tensor1D, condition?: Condition): Promise<tf.Tensor> => {
    // A time equal to T may round above it in float32.
    const times = Array.from(await t.data(), (time) =>
      time > process.T && time <= process.T * (1 + 2 ** -23) ? process.T : time,
    );
    const rows = times.map(scalings);
    const means = times.map((time) => process.mean(time));
    return tf.tidy(() => {
      const column = (of: (s: Scalings) => number): tf.Tensor1D => tf.tensor1d(rows.map(of), 'float32');
      const centred = means.every((m) => m === 0)
        ? x
        : combine([
            [1, x],
            [tf.tensor1d(means.map((m) => -m)), tf.onesLike(x)],
          ]);
      return denoised(
        x,
        column((s) => s.noiseLevel),
        condition,
        { skip: column((s) => s.skip), out: column((s) => s.out), input: column((s) => s.input) },
        centred,
      );
    });
  };

  const model = defineModel({
    process,
    kind: 'data',
    name,
    ...(network.eventShape ? { eventShape: network.eventShape } : {}),
    predict: (x, t, condition) => {
      requireTime(name, x, t);
      if (network.eventShape) requireShape(name, 'x', x, [-1, ...network.eventShape]);
      return typeof t === 'number' ? atOneTime(x, t, condition) : atManyTimes(x, t, condition);
    },
  });
  return { ...model, network, preconditioning: rule, scalings };
}
