/**
 * Euler's step with churn as diffusers makes it: the model is asked at σ, before the noise is raised to σ̂ = (1 + γ) σ,
 * and its answer is used at σ̂. With x̂ = x + s √(σ̂² − σ²) ξ (variance-exploding, α = 1):
 *
 *   x' = (σ_r/σ̂) x̂ + (1 − σ_r/σ̂) x̂0,   x̂0 read off x̂ and the prediction made at x
 *
 * Karras et al. 2022 ask at σ̂ (`edmStochastic()`), which this agrees with where γ = 0 only.
 */
import type { PredictionKind } from '@diff/score';
import { multistepSampler } from '../multistep.ts';
import type { Sampler } from '../sampler.ts';
import type { ConfigReader } from './config-reader.ts';
import type { SchedulerCall } from './scheduler-options.ts';

export interface Churn {
  readonly churn: number;
  readonly from: number;
  readonly upTo: number;
  readonly noiseScale: number;
}

/** The churn that is asked for; undefined for none. */
export function churnOf(config: ConfigReader, call: SchedulerCall): Churn | undefined {
  const {
    s_churn: churn = 0,
    s_tmin: from = 0,
    s_tmax: upTo = Number.POSITIVE_INFINITY,
    s_noise: noiseScale = 1,
  } = call;
  if (!(churn >= 0 && from >= 0 && upTo >= 0 && noiseScale >= 0 && Number.isFinite(churn + noiseScale))) {
    config.refuse(
      's_churn, s_tmin, s_tmax and s_noise must be numbers of at least 0',
      `${churn}, ${from}, ${upTo}, ${noiseScale}`,
      'Leave them out for no churn.',
    );
  }
  return churn > 0 ? { churn, from, upTo, noiseScale } : undefined;
}

/** x̂0 = x·x̂ + prediction·P at σ̂ for a prediction made at σ. */
export type Reading = (
  sigma: number,
  raised: number,
) => {
  readonly x: number;
  /** Weight of x, where the prediction was made. */
  readonly at: number;
  readonly prediction: number;
};

/** How the k-diffusion schedulers read x̂0: noise at σ̂, velocity at σ. */
export function readingOf(kind: PredictionKind): Reading {
  if (kind === 'noise') return (_sigma, raised) => ({ x: 1, at: 0, prediction: -raised });
  if (kind === 'data') return () => ({ x: 0, at: 0, prediction: 1 });
  return (sigma) => ({ x: 1 / (1 + sigma * sigma), at: 0, prediction: -sigma / (1 + sigma * sigma) });
}

/** @param sigmas of the run with its end; γ counts `list` levels, the library's own list. */
export function churnedSteps(
  { churn, from, upTo, noiseScale }: Churn,
  sigmas: readonly number[],
  list: number,
  kind: PredictionKind,
  reading: Reading,
): Sampler {
  return multistepSampler({
    name: 'euler with churn',
    order: 1,
    strongOrder: 1,
    stochastic: noiseScale > 0,
    hold: kind,
    memory: 0,
    predictor(_plan, index) {
      const [sigma, next] = [sigmas[index]!, sigmas[index + 1]!];
      const gamma = sigma >= from && sigma <= upTo ? Math.min(churn / (list - 1), Math.SQRT2 - 1) : 0;
      const raised = sigma * (1 + gamma);
      const { x, at, prediction } = reading(sigma, raised);
      const [keep, gain] = [next / raised, 1 - next / raised];
      const onRaised = keep + gain * x;
      return {
        carry: onRaised + gain * at,
        gains: [gain * prediction],
        noise: onRaised * noiseScale * Math.sqrt(raised * raised - sigma * sigma),
      };
    },
  });
}
