/**
 * DPM-Solver-12 and -23 with adaptive steps in λ (Lu et al. 2022, appendix C) and PID control, as k-diffusion's
 * `sample_dpm_adaptive`. An inner step of length h in λ from ς_t to ς_r = ς_t e^{−h}, with Δ = ς_r − ς_t and
 * ε̂₁, ε̂₂ at e^{−r₁h} ς_t, e^{−r₂h} ς_t, is in y = (x − m)/α
 *
 *   order 2   low y + Δ ε̂,                         high y + Δ ε̂₁                              r₁ = 1/2
 *   order 3   low y + Δ (3ε̂₁ − ε̂)/2,               high y + Δ ε̂ − (ς_r/r₂)((e^h − 1)/h − 1)(ε̂₂ − ε̂)   r = 1/3, 2/3
 *
 * e = |low − high|/max(absolute, relative·max(|low|, |low before|)), root mean square; with v = 1/e the step size is
 * multiplied by 1 + atan(v^{b₁} v_1^{b₂} v_2^{b₃} − 1), b = (p + i + d, −p − 2d, d)/q with q the order, or 1.5 in a step with η > 0,
 * v_1 and v_2 those of the last two accepted steps, and the step is accepted where that factor is at least 0.81.
 *
 * With η > 0 a step goes down to ς_d of `ancestralStep`, but not below the level ς_e at which the grid ends (the model is
 * not asked there), and once accepted up again to ς_r with fresh noise √(ς_r² − ς_d²), which the error does not see. So there
 * is less noise than η says where ς_d would lie below ς_e, and none in the step that ends the grid; a grid that is crossed in
 * one step is crossed without noise. That leaves the law as it is: its error is that of the ways down. Steps on a Brownian
 * path (`brownian`) must not fall below its tolerance to have their law.
 *
 * Order 2 or 3, as many evaluations an inner step. The grid must end at σ > 0 and start at α > 0.
 */
import {
  DomainError,
  fold,
  NumericalError,
  requireFinite,
  requireInteger,
  requireOneOf,
  requirePositive,
  shown,
} from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { type AdaptiveFlowOptions, requireNoiseAndSignal } from './adaptive-flow-sampler.ts';
import { ancestralStep, checkedEta } from './ancestral-step.ts';
import { type ButcherTableau, flowStep, formed, named, noiseRatio } from './flow-runge-kutta.ts';
import type { RunPlan, Sampler, StepContext } from './sampler.ts';
import { decayed } from './transition.ts';
import { requireFiniteUpdate, weighted } from './update.ts';

export interface DpmAdaptiveOptions extends AdaptiveFlowOptions {
  /** 2 or 3; default 3. */
  readonly order?: 2 | 3;
  /** First step in λ; default 0.05. */
  readonly initialStep?: number;
  /** Coefficients of the controller; default 0, 1, 0. */
  readonly proportional?: number;
  readonly integral?: number;
  readonly derivative?: number;
  /**
   * Share of fresh noise η in [0, 1], or η(t); default 0, deterministic. No step goes below the end of the grid to make room
   * for noise: towards the end there is less of it, and none in the last inner step.
   */
  readonly eta?: number | ((t: number) => number);
  /** Factor on the fresh noise, ≥ 0; default 1. */
  readonly noiseScale?: number;
}

interface Memory {
  readonly h: number;
  /** 1/e of the last two accepted steps. */
  readonly inverse: readonly [number, number] | undefined;
  readonly accepted: number;
  readonly rejected: number;
}

/** The step as a tableau, and the weights of its low-order partner. */
function tableauOf(order: 2 | 3, ratio: number, h: number): { high: ButcherTableau; low: readonly number[] } {
  const delta = ratio * Math.expm1(-h);
  const node = (r: number): number => Math.expm1(-r * h) / Math.expm1(-h);
  if (order === 2) {
    const c = node(1 / 2);
    return { high: { nodes: [0, c], stages: [[], [c]], weights: [0, 1] }, low: [1, 0] };
  }
  const [c1, c2] = [node(1 / 3), node(2 / 3)];
  const slope = (r: number): number => -ratio * Math.exp(-r * h) * (Math.expm1(r * h) / (r * h) - 1);
  const [k, w] = [(2 * slope(2 / 3)) / delta, (1.5 * slope(1)) / delta];
  return {
    high: { nodes: [0, c1, c2], stages: [[], [c1], [c2 - k, k]], weights: [1 - w, 0, w] },
    low: [-1 / 2, 3 / 2, 0],
  };
}

/**
 * DPM-Solver with adaptive steps.
 *
 * @param options tolerances default to 0.05 (relative) and 0.0078 (absolute); the rest as for `dormandPrince`.
 * @returns a sampler of order 2 or 3, deterministic unless eta > 0; `nfe` is the bound that maximumAttempts gives.
 * @throws DomainError for another order or norm, an eta outside [0, 1], a tolerance of 0 or below, or a coefficient that is
 *   not finite; in a run NumericalError where no step size meets the tolerance, naming time and step size.
 * @example
 * ```ts
 * import { dpmAdaptive } from '@diff/samplers';
 * const sampler = dpmAdaptive({ order: 3, relativeTolerance: 0.01, absoluteTolerance: 0.001 });
 * ```
 */
export function dpmAdaptive(options: DpmAdaptiveOptions = {}): Sampler {
  const { order = 3, norm = 'row', maximumAttempts = 1000, initialStep = 0.05, onAttempt } = options;
  const { proportional = 0, integral = 1, derivative = 0, eta = 0, noiseScale = 1 } = options;
  const etaAt = checkedEta('dpmAdaptive', eta, noiseScale);
  const noisy = eta !== 0 && noiseScale > 0;
  if (order !== 2 && order !== 3) {
    throw new DomainError(`dpmAdaptive: order must be 2 or 3, got ${shown(order)}. Use 3.`);
  }
  const relative = requirePositive('dpmAdaptive', 'relativeTolerance', options.relativeTolerance ?? 0.05);
  const absolute = requirePositive('dpmAdaptive', 'absoluteTolerance', options.absoluteTolerance ?? 0.0078);
  requirePositive('dpmAdaptive', 'initialStep', initialStep);
  requireInteger('dpmAdaptive', 'maximumAttempts', maximumAttempts, 1);
  requireOneOf('dpmAdaptive', 'norm', norm, ['row', 'batch']);
  for (const [name, value] of Object.entries({ proportional, integral, derivative })) {
    requireFinite('dpmAdaptive', name, value);
  }
  /** The exponents of v, v_1 and v_2 in a step with that share of noise. */
  const exponents = (share: number): readonly [number, number, number] => {
    const q = share === 0 ? order : 1.5;
    return [(proportional + integral + derivative) / q, -(proportional + 2 * derivative) / q, derivative / q];
  };

  async function measured(difference: tf.Tensor, low: tf.Tensor, before: tf.Tensor): Promise<number> {
    const scalar = tf.tidy(() => {
      const allowed = tf.maximum(absolute, tf.mul(relative, tf.maximum(tf.abs(low), tf.abs(before))));
      const rows = tf.mean(tf.reshape(tf.square(tf.div(difference, allowed)), [low.shape[0]!, -1]), 1);
      return tf.sqrt(norm === 'row' ? tf.max(rows) : tf.mean(rows));
    });
    try {
      return (await scalar.data())[0]!;
    } finally {
      scalar.dispose();
    }
  }

  /** From the state at d up to r > d with the noise of the step from t. */
  function raised(
    { process, key, firstRow, brownian }: StepContext,
    x: tf.Tensor,
    { t, d, r, draw }: { t: number; d: number; r: number; draw: number },
  ): tf.Tensor {
    const carry = process.alpha(r) / process.alpha(d);
    const up = decayed(2, process.lambda(d) - process.lambda(r));
    const source = { key: fold(key, draw), firstRow, brownian, t, next: r };
    const noise = noiseScale * process.sigma(r) * Math.sqrt(up);
    return weighted(source, [[carry, x]], process.mean(r) - carry * process.mean(d), noise);
  }

  function stuck(why: string, { index, steps }: StepContext, t: number, h: number): NumericalError {
    return new NumericalError(
      `dpmAdaptive: ${why} at t = ${t} in step ${index + 1} of ${steps}, got an inner step of ${h} in λ. ` +
        'Raise the tolerances or maximumAttempts, check the model there for NaN, or end the grid earlier.',
    );
  }

  return {
    name: 'dpmAdaptive',
    order,
    strongOrder: noisy ? 1 : undefined,
    stochastic: noisy,
    nfe: (steps) => steps * maximumAttempts * order,
    check(plan: RunPlan): void {
      requireNoiseAndSignal('dpmAdaptive', plan);
      for (let i = 0; i + 1 < plan.grid.length; i++) {
        const [t, r] = [plan.grid[i]!, plan.grid[i + 1]!];
        const ratio = noiseRatio(plan.process, t);
        const { high } = tableauOf(order, ratio, plan.process.lambda(r) - plan.process.lambda(t));
        requireFiniteUpdate('dpmAdaptive', t, r, named(flowStep(plan, high, t, r).end));
      }
    },
    async step(context: StepContext): Promise<tf.Tensor> {
      const { process, next, history } = context;
      const goal = process.lambda(next);
      const end = context.grid.at(-1)!;
      const lambdaEnd = process.lambda(end);
      let memory = (history.get('dpmAdaptive') as Memory | undefined) ?? {
        h: initialStep,
        inverse: undefined,
        accepted: 0,
        rejected: 0,
      };
      let [t, x] = [context.t, context.x];
      let before = tf.clone(x);
      let first: tf.Tensor | undefined;
      const made: tf.Tensor[] = [];
      try {
        for (let attempts = 0; t !== next; attempts++) {
          if (attempts >= maximumAttempts) {
            throw stuck(`more than ${maximumAttempts} inner steps were needed`, context, t, memory.h);
          }
          if (!(memory.h >= 1e-7)) throw stuck('the step size fell to nothing', context, t, memory.h);
          const left = goal - process.lambda(t);
          const ends = memory.h >= left - 1e-5;
          const h = ends ? left : memory.h;
          const r = ends ? next : process.timeOfLambda(process.lambda(t) + h);
          // Down to ς_d, and after the step is accepted up again to ς_r with noise.
          const share = etaAt(t);
          const lambdaDown = Math.min(lambdaEnd, process.lambda(r) - Math.log(ancestralStep(share, h).down));
          const d = share === 0 ? r : lambdaDown === lambdaEnd ? end : process.timeOfLambda(lambdaDown);
          const way = share === 0 ? h : lambdaDown - process.lambda(t);
          const { high, low } = tableauOf(order, noiseRatio(process, t), way);
          const form = flowStep(context, high, t, d);
          first ??= await context.predict(x, t);
          const predictions = [first];
          for (const stage of form.stages.slice(1)) {
            const at = formed(context, stage.state, x, predictions);
            made.push(at);
            predictions.push(await context.predict(at, stage.t));
          }
          const reached = formed(context, form.end, x, predictions);
          const lowStep = flowStep(context, { ...high, weights: low }, t, d);
          const partner = formed(context, lowStep.end, x, predictions);
          // Not the difference of the two states, in which float32 would lose it.
          const gap = form.combination(high.weights.map((w, j) => w - low[j]!));
          const difference = formed(context, gap, x, predictions);
          made.push(reached, partner, difference);
          const error = await measured(difference, partner, before);
          const v = 1 / (error + 1e-8);
          const [v1, v2] = memory.inverse ?? [v, v];
          const [b1, b2, b3] = exponents(share);
          const factor = Number.isFinite(error) ? 1 + Math.atan(v ** b1 * v1 ** b2 * v2 ** b3 - 1) : 0.1;
          const accepted = factor >= 0.81;
          memory = {
            // A last step that was cut to fit says little about the next interval's, which starts as this one meant to.
            h: memory.h * factor,
            inverse: accepted ? [v, v1] : [v1, v2],
            accepted: memory.accepted + (accepted ? 1 : 0),
            rejected: memory.rejected + (accepted ? 0 : 1),
          };
          history.set('dpmAdaptive', memory);
          onAttempt?.({ t, next: r, error, accepted: memory.accepted, rejected: memory.rejected });
          tf.dispose(predictions.slice(1));
          if (accepted) {
            first.dispose();
            first = undefined;
            before.dispose();
            before = partner;
            if (x !== context.x) x.dispose();
            x = d === r ? reached : raised(context, reached, { t, d, r, draw: memory.accepted });
            t = r;
          }
          tf.dispose(made.splice(0).filter((tensor) => tensor !== x && tensor !== before));
        }
        return x;
      } catch (thrown) {
        tf.dispose(made.filter((tensor) => tensor !== x && tensor !== before));
        if (x !== context.x) x.dispose();
        throw thrown;
      } finally {
        before.dispose();
      }
    },
  };
}
