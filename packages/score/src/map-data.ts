/**
 * A model whose data prediction is passed through a function: x̂0' = f(x̂0, x, t). Whatever the model predicts becomes
 *
 *   x̂0 = a x + b p + c   (`conversion`),   then f,   then the kind that is asked for, again by `conversion`,
 *
 * so that clipping, thresholding or a projection reach every sampler and every noise level without their knowing. The
 * result is consistent: ε̂' = (x − m − α x̂0')/σ belongs to the changed x̂0'. (DDIM pipelines that clip x̂0 and keep the
 * old ε̂ in the same step are something else.)
 */
import { DomainError, requireOneOf, ShapeError, shown } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { conversion } from './convert.ts';
import { applied, convertPrediction, defineModel, requireTime, type ScoreModel, type Time } from './model.ts';
import { PREDICTION_KINDS, type PredictionKind } from './prediction-kind.ts';

export interface MapDataOptions {
  /** What the new model predicts; default 'data', which costs no conversion back. */
  readonly kind?: PredictionKind | undefined;
  /** Default '<model> mapped'. */
  readonly name?: string | undefined;
}

/** Throws unless `model` is a score model. */
export function requireModel(where: string, name: string, model: unknown): asserts model is ScoreModel {
  const { predict, process, kind } = (model ?? {}) as Partial<ScoreModel>;
  const ok =
    typeof predict === 'function' &&
    typeof process?.alpha === 'function' &&
    PREDICTION_KINDS.some((k) => k === kind);
  if (!ok) {
    throw new DomainError(
      `${where}: ${name} must be a score model { process, kind, predict }, got ${shown(model)}. Make one with defineModel().`,
    );
  }
}

/**
 * Passes the data prediction of a model through a function.
 *
 * With one time for all rows and a model that answers at once, the new model answers at once too, and is differentiable
 * where the model and f are.
 *
 * @param f (x̂0, x, t) → a new tensor of x̂0's shape [n, …event]; x̂0 and x stay with the caller. It runs inside a tidy,
 *   so it must be synchronous.
 * @returns a model of kind `kind`.
 * @throws DomainError unless `model` is a model and `f` a function; ShapeError when f changes the shape. Where the
 *   data or the kind asked for is not determined (α = 0, σ = 0), as `conversion`.
 * @example
 * ```ts
 * import { gaussian, mapData } from '@diff/score';
 * import { canonicalOu } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const model = gaussian({ process: canonicalOu({ T: 5 }), mean: [1, 0] });
 * const positive = mapData(model, (data) => tf.relu(data));
 * const score = await positive.score(tf.zeros([4, 2]), 0.5);
 * ```
 */
export function mapData(
  model: ScoreModel,
  f: (data: tf.Tensor, x: tf.Tensor, t: Time) => tf.Tensor,
  { kind = 'data', name }: MapDataOptions = {},
): ScoreModel {
  requireModel('mapData', 'model', model);
  if (typeof f !== 'function') {
    throw new DomainError(`mapData: f must be a function of x̂0, got ${shown(f)}. Pass (data) => tensor.`);
  }
  requireOneOf('mapData', 'kind', kind, PREDICTION_KINDS);
  const { process } = model;
  const title = name ?? `${model.name} mapped`;

  function mapped(data: tf.Tensor, x: tf.Tensor, t: Time): tf.Tensor {
    const out = f(data, x, t);
    if (!Array.isArray(out?.shape) || !tf.util.arraysEqual(out.shape, data.shape)) {
      throw new ShapeError(
        `${title}: the function must return shape [${data.shape.join(', ')}], that of x̂0, got ${shown(out)}. Keep the shape.`,
      );
    }
    return out === data ? tf.clone(out) : out;
  }

  /** The affine map between kinds at one time; itself where there is nothing to do. */
  function converted(
    x: tf.Tensor,
    p: tf.Tensor,
    t: number,
    from: PredictionKind,
    to: PredictionKind,
  ): tf.Tensor {
    return from === to ? p : applied(x, p, conversion(process, t, from, to));
  }

  function atOnce(x: tf.Tensor, prediction: tf.Tensor, t: number): tf.Tensor {
    try {
      return tf.tidy(() =>
        converted(x, mapped(converted(x, prediction, t, model.kind, 'data'), x, t), t, 'data', kind),
      );
    } finally {
      prediction.dispose();
    }
  }

  async function rowByRow(x: tf.Tensor, prediction: tf.Tensor, t: tf.Tensor1D): Promise<tf.Tensor> {
    const owned: tf.Tensor[] = [prediction];
    try {
      const data = await convertPrediction(process, x, prediction, t, model.kind, 'data');
      owned.push(data);
      const changed = tf.tidy(() => mapped(data, x, t));
      owned.push(changed);
      return await convertPrediction(process, x, changed, t, 'data', kind);
    } finally {
      tf.dispose(owned);
    }
  }

  const finish = (x: tf.Tensor, prediction: tf.Tensor, t: Time): tf.Tensor | Promise<tf.Tensor> =>
    typeof t === 'number' ? atOnce(x, prediction, t) : rowByRow(x, prediction, t);

  return defineModel({
    process,
    kind,
    name: title,
    eventShape: model.eventShape,
    predict(x, t, condition) {
      requireTime(title, x, t);
      const own = (p: tf.Tensor): tf.Tensor => (p === x ? tf.clone(p) : p);
      const prediction = model.predict(x, t, condition);
      return prediction instanceof Promise
        ? prediction.then((p) => finish(x, own(p), t))
        : finish(x, own(prediction), t);
    },
  });
}
