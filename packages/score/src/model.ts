/**
 * A score model: a prediction and its kind.
 *
 * `predict` is all that a model must bring; `score`, `denoise` and `noise` follow from it by `conversion`. With
 * t a tensor [n] every row has its own time, its own float64 coefficients and so its own weights in `combine`.
 */
import { combine, DomainError, requireOneOf, ShapeError, shown, type Weight } from '@diff/core';
import type { LinearProcess } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { type Affine, conversion } from './convert.ts';
import { timesOf } from './marginal.ts';
import { PREDICTION_KINDS, type PredictionKind } from './prediction-kind.ts';

/** What a prediction is conditioned on; the first axis is the row, e.g. int32 labels [n]. */
export type Condition = tf.Tensor;

/** A forward time for all rows, or one for each row [n]. */
export type Time = number | tf.Tensor1D;

/** What samplers, guidance and training ask of a model. */
export interface ScoreModel {
  /** The forward process whose score this is. */
  readonly process: LinearProcess;
  /** What `predict` returns. */
  readonly kind: PredictionKind;
  /** For messages and tables. */
  readonly name: string;
  /** Shape of one row of x, where the model has a fixed one. */
  readonly eventShape?: readonly number[];
  /** x [n, …event], t number or [n] → prediction of x's shape, owned by the caller. */
  predict(x: tf.Tensor, t: Time, condition?: Condition): tf.Tensor | Promise<tf.Tensor>;
  /** ∇ log p_t(x), of x's shape, owned by the caller. */
  score(x: tf.Tensor, t: Time, condition?: Condition): Promise<tf.Tensor>;
  /** E[X₀ | X_t = x], of x's shape, owned by the caller. */
  denoise(x: tf.Tensor, t: Time, condition?: Condition): Promise<tf.Tensor>;
  /** E[ε | X_t = x], of x's shape, owned by the caller. */
  noise(x: tf.Tensor, t: Time, condition?: Condition): Promise<tf.Tensor>;
}

/** What a model is made from. */
export interface ModelDefinition {
  readonly process: LinearProcess;
  readonly kind: PredictionKind;
  readonly predict: ScoreModel['predict'];
  /** Default 'model'. */
  readonly name?: string;
  readonly eventShape?: readonly number[] | undefined;
}

/** Σ over x, prediction and constant with one weight, or one weight per row; inside a tidy. */
export function applied(x: tf.Tensor, prediction: tf.Tensor, maps: Affine | readonly Affine[]): tf.Tensor {
  if (!Array.isArray(maps)) {
    const { x: wx, p: wp, constant } = maps as Affine;
    return combine(
      [
        [wx, x],
        [wp, prediction],
      ],
      { constant },
    );
  }
  const rows = maps as readonly Affine[];
  const weight = (of: (map: Affine) => number): Weight => tf.tensor1d(rows.map(of), 'float32');
  const terms: [Weight, tf.Tensor][] = [
    [weight((m) => m.x), x],
    [weight((m) => m.p), prediction],
  ];
  if (rows.some((m) => m.constant !== 0)) terms.push([weight((m) => m.constant), tf.onesLike(x)]);
  return combine(terms);
}

/** Throws unless t is a number or a tensor [n] for the n rows of x. */
export function requireTime(where: string, x: tf.Tensor, t: Time): void {
  if (typeof t === 'number') {
    if (!Number.isFinite(t)) {
      throw new DomainError(`${where}: t must be a finite number, got ${t}. Pass a time in [0, T].`);
    }
  } else if (t?.rank !== 1 || t.shape[0] !== x.shape[0]) {
    throw new ShapeError(
      `${where}: t must be a number or a tensor of shape [${x.shape[0]}] (one time per row), got ${shown(t)}. Pass one time, or one for each row.`,
    );
  }
}

/**
 * Converts a prediction of kind `from` into kind `to`, in one pass.
 *
 * @param x state [n, …]; @param prediction of the same shape; @param t number or [n].
 * @returns tensor of x's shape, owned by the caller; the inputs stay with the caller.
 * @throws DomainError where `conversion` does.
 * @example
 * ```ts
 * import { convertPrediction } from '@diff/score';
 * import { canonicalOu } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const [process, x] = [canonicalOu(), tf.ones([4, 2])];
 * const denoised = await convertPrediction(process, x, tf.neg(x), 0.3, 'score', 'data');
 * ```
 */
export async function convertPrediction(
  process: LinearProcess,
  x: tf.Tensor,
  prediction: tf.Tensor,
  t: Time,
  from: PredictionKind,
  to: PredictionKind,
): Promise<tf.Tensor> {
  requireTime('convertPrediction', x, t);
  if (from === to) return tf.clone(prediction);
  const maps =
    typeof t === 'number'
      ? conversion(process, t, from, to)
      : (await timesOf(t)).map((time) => conversion(process, time, from, to));
  return tf.tidy(() => applied(x, prediction, maps));
}

/**
 * Makes a score model from a prediction: any function of (x, t, condition), synchronous or not.
 *
 * @param definition `predict` must return a new tensor of x's shape; the caller disposes of it.
 * @returns the model, with `score`, `denoise` and `noise` derived.
 * @throws DomainError for an unknown kind.
 * @example
 * ```ts
 * import { defineModel } from '@diff/score';
 * import { canonicalOu } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * // data ~ N(0, I) stays N(0, I) under the canonical OU process
 * const model = defineModel({ process: canonicalOu({ T: 5 }), kind: 'score', predict: (x) => tf.neg(x) });
 * const denoised = await model.denoise(tf.ones([4, 2]), 0.3);
 * ```
 */
export function defineModel({
  process,
  kind,
  predict,
  name = 'model',
  eventShape,
}: ModelDefinition): ScoreModel {
  requireOneOf('defineModel', 'kind', kind, PREDICTION_KINDS);
  const as =
    (to: PredictionKind) =>
    async (x: tf.Tensor, t: Time, condition?: Condition): Promise<tf.Tensor> => {
      requireTime(name, x, t);
      const prediction = await predict(x, t, condition);
      if (kind === to) return prediction;
      try {
        return await convertPrediction(process, x, prediction, t, kind, to);
      } finally {
        prediction.dispose();
      }
    };
  return {
    process,
    kind,
    name,
    ...(eventShape ? { eventShape } : {}),
    predict,
    score: as('score'),
    denoise: as('data'),
    noise: as('noise'),
  };
}
