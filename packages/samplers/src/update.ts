/**
 * One update as scalars: x' = x·X + prediction·P + constant + noise·ξ.
 *
 * A method is written in centred terms, X_r − m_r = carry·(X_t − m_t) + gain·Q + noise·ξ, with Q the quantity that
 * it holds (score, noise, data). Every model's prediction P is affine in Q, so the two become one `combine`,
 * whatever the model predicts, and all rounding of the schedule stays in float64.
 */
import { combine, DomainError } from '@diff/core';
import { conversion, type PredictionKind } from '@diff/score';
import type * as tf from '@tensorflow/tfjs-core';
import type { RunPlan, StepContext } from './sampler.ts';
import type { Transition } from './transition.ts';

export interface Update {
  readonly x: number;
  readonly prediction: number;
  readonly constant: number;
  readonly noise: number;
}

/** An update in centred terms. */
export interface HeldUpdate {
  readonly carry: number;
  readonly gain: number;
  readonly noise: number;
}

/** Writes an update that holds `held` in terms of what the model predicts at time t. */
export function resolve(
  { process, kind }: Pick<RunPlan, 'process' | 'kind'>,
  t: number,
  { meanT, meanR }: Pick<Transition, 'meanT' | 'meanR'>,
  held: PredictionKind,
  { carry, gain, noise }: HeldUpdate,
): Update {
  const q = conversion(process, t, kind, held);
  return {
    x: carry + gain * q.x,
    prediction: gain * q.p,
    constant: meanR - carry * meanT + gain * q.constant,
    noise,
  };
}

/** Throws unless all coefficients are finite: the formula of this step is then defined. */
export function requireFiniteUpdate(
  where: string,
  t: number,
  r: number,
  coefficients: Readonly<Record<string, number>>,
): void {
  for (const [name, value] of Object.entries(coefficients)) {
    if (!Number.isFinite(value)) {
      throw new DomainError(
        `${where}: the step from t = ${t} to ${r} must have finite coefficients, got ${value} for '${name}'. ` +
          'Start the grid below a time without signal (α = 0), end it above one without noise (σ = 0), or hold another quantity.',
      );
    }
  }
}

/**
 * Where ξ comes from: the key, or, in a run on a Brownian path, the increment over the step, (W(next) − W(t))/√|t − next|.
 *
 * That is exact in law for every sampler. Along the path it is exact where the noise of the SDE is a plain increment
 * (Euler–Maruyama, g constant over the step); where it is ∫ w dB with a weight w that varies over the step by O(h), it
 * is off by √h·O(h) with mean 0 for each step, so by O(h) in all, as strong order 1 allows.
 */
type NoiseSource = Pick<StepContext, 'key' | 'firstRow'> &
  Partial<Pick<StepContext, 'brownian' | 't' | 'next'>>;

/** Σ wᵢ xᵢ + constant + c ξ in one pass; terms of weight 0 are left out. */
export function weighted(
  context: NoiseSource,
  terms: readonly (readonly [number, tf.Tensor])[],
  constant: number,
  noise: number,
): tf.Tensor {
  const present = terms.filter(([w]) => w !== 0);
  const { key, firstRow, brownian, t, next } = context;
  const list = present.length > 0 ? present : terms.slice(0, 1);
  if (brownian && t !== undefined && next !== undefined && noise !== 0) {
    const increment = brownian.increment(t, next, list[0]![1].shape, firstRow);
    const scale = noise / Math.sqrt(Math.abs(t - next));
    try {
      return combine([...list, [scale, increment]], { constant });
    } finally {
      increment.dispose();
    }
  }
  return combine(list, {
    constant,
    firstRow,
    ...(noise === 0 ? {} : { noise: [noise, key] as const }),
  });
}

/** Applies an update to the context's state. */
export function apply(context: StepContext, update: Update, prediction: tf.Tensor): tf.Tensor {
  return weighted(
    context,
    [
      [update.x, context.x],
      [update.prediction, prediction],
    ],
    update.constant,
    update.noise,
  );
}
