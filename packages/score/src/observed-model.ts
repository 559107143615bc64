/**
 * A model steered by an observation y of x₀: what all such guidance shares. By Bayes' rule the score changes by
 * ∇ log p_t(y | x), times a weight, wherever the noise level lies in the interval; each kind of guidance has its own
 * stand-in for that gradient, found at one time for all rows.
 */
import { combine, DomainError, shown, type Weight } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { conversion } from './convert.ts';
import { type GuidanceInterval, type GuidanceWeight, guidanceStrength } from './guidance-strength.ts';
import { requireModel } from './map-data.ts';
import { timesOf } from './marginal.ts';
import { applied, type Condition, defineModel, requireTime, type ScoreModel, type Time } from './model.ts';
import type { Observation } from './observation.ts';

export interface ObservationGuidanceOptions {
  /** A model that answers at once and is differentiable in x, as networks and exact models are. */
  readonly model: ScoreModel;
  readonly observation: Observation;
  /** Multiplies the gradient, a number or a function of t; default 1, which is Bayes' rule. */
  readonly weight?: GuidanceWeight | undefined;
  /** The noise levels at which to guide; default all. */
  readonly interval?: GuidanceInterval | undefined;
  /** Default '<model> observed'. */
  readonly name?: string | undefined;
}

/** A prediction and what the score of it changes by: `change`, row by row times `factor`. */
interface Steered {
  readonly prediction: tf.Tensor;
  readonly change: tf.Tensor;
  readonly factor?: tf.Tensor | undefined;
}

/** The model at one time, as differentiable functions of the state. */
interface ModelAt {
  readonly t: number;
  predict(x: tf.Tensor): tf.Tensor;
  /** x̂0 from the state and what was predicted there. */
  data(x: tf.Tensor, prediction: tf.Tensor): tf.Tensor;
}

/**
 * The model whose score changes by `steer`, which is called inside a tidy.
 *
 * @throws DomainError for something that is no model, no observation, no weight or no interval.
 */
export function observedModel(
  where: string,
  { model, observation, weight = 1, interval, name }: ObservationGuidanceOptions,
  steer: (x: tf.Tensor, at: ModelAt) => Steered,
): ScoreModel {
  requireModel(where, 'model', model);
  if (typeof observation?.weightedSquares !== 'function') {
    throw new DomainError(
      `${where}: observation must be an observation, got ${shown(observation)}. Make one with maskedObservation(), linearObservation() or nonlinearObservation().`,
    );
  }
  const { process, kind } = model;
  const strength = guidanceStrength(where, process, { weight, interval });
  const title = name ?? `${model.name} observed`;

  function modelAt(t: number, condition: Condition | undefined): ModelAt {
    const toData = conversion(process, t, kind, 'data');
    return {
      t,
      predict(x) {
        const p = model.predict(x, t, condition);
        if (!(p instanceof Promise)) return p;
        p.then(
          (late) => late !== x && late.dispose(),
          () => undefined,
        );
        throw new DomainError(
          `${title}: the model must answer at once, with a tensor, for a gradient to go through it, got a promise from '${model.name}'. Steer the network or exact model itself, and guide or convert the steered model.`,
        );
      },
      data: (x, prediction) => applied(x, prediction, toData),
    };
  }

  async function unsteered(x: tf.Tensor, t: Time, condition: Condition | undefined): Promise<tf.Tensor> {
    const prediction = await model.predict(x, t, condition);
    return prediction === x ? tf.clone(x) : prediction;
  }

  function steered(
    x: tf.Tensor,
    t: number,
    condition: Condition | undefined,
  ): tf.Tensor | Promise<tf.Tensor> {
    const w = strength(t);
    if (w === 0) return unsteered(x, t, condition);
    return tf.tidy(() => {
      const { prediction, change, factor } = steer(x, modelAt(t, condition));
      const gain = w * conversion(process, t, 'score', kind).p;
      const terms: [Weight, tf.Tensor][] = [
        [1, prediction],
        [factor ? tf.mul(factor, gain) : gain, change],
      ];
      return combine(terms);
    });
  }

  async function rowByRow(
    x: tf.Tensor,
    t: tf.Tensor1D,
    condition: Condition | undefined,
  ): Promise<tf.Tensor> {
    const times = await timesOf(t);
    if (times.every((time) => strength(time) === 0)) return unsteered(x, t, condition);
    const rows: tf.Tensor[] = [];
    try {
      for (const [i, time] of times.entries()) {
        const [row, own] = [tf.slice(x, [i], [1]), condition && tf.slice(condition, [i], [1])];
        try {
          rows.push(await steered(row, time, own));
        } finally {
          tf.dispose([row, ...(own ? [own] : [])]);
        }
      }
      return tf.concat(rows, 0);
    } finally {
      tf.dispose(rows);
    }
  }

  return defineModel({
    process,
    kind,
    name: title,
    eventShape: model.eventShape,
    predict(x: tf.Tensor, t: Time, condition?: Condition) {
      requireTime(title, x, t);
      return typeof t === 'number' ? steered(x, t, condition) : rowByRow(x, t, condition);
    },
  });
}
