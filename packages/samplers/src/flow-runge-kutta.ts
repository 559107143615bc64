/**
 * Explicit Runge–Kutta methods on the probability flow in y = (x − m)/α, ς = σ/α, where it reads dy/dς = ε̂ (MATH §2;
 * Karras et al. 2022, eq. 1 with s = α): the linear part is exact, and a constant ε̂ is integrated without error.
 *
 * With Δ = ς_r − ς_t < 0, stage i stands at ς_i = ς_t + c_i Δ, that is at time t_i, in the state
 *
 *   x_i = m_i + (α_i/α_t)(x − m_t) + α_i Δ Σ_j a_ij ε̂_j,      ε̂_j = q_x x_j + q_p P_j + q_c   at t_j
 *
 * All x_i are affine in x and the predictions P_j; their coefficients are worked out in float64, so that a stage is
 * one `predict` and one `combine`, whatever the model predicts, and no earlier stage state is kept.
 */
import { conversion } from '@diff/score';
import type * as tf from '@tensorflow/tfjs-core';
import type { RunPlan, StepContext } from './sampler.ts';
import { weighted } from './update.ts';

/** Nodes c, and one row of a for each stage; a last row at c = 1 without a stage of its own is `weights`. */
export interface ButcherTableau {
  readonly nodes: readonly number[];
  readonly stages: readonly (readonly number[])[];
  readonly weights: readonly number[];
}

/** x·X + Σ p_j P_j + constant. */
export interface StageForm {
  readonly x: number;
  readonly p: readonly number[];
  readonly constant: number;
}

export interface FlowStep {
  /** Time and state of each stage. */
  readonly stages: readonly { readonly t: number; readonly state: StageForm }[];
  /** The state at r. */
  readonly end: StageForm;
  /** α_r Δ Σ_j w_j ε̂_j for other weights w: error estimates. */
  combination(weights: readonly number[]): StageForm;
}

/** ς = σ/α. */
export function noiseRatio(process: RunPlan['process'], t: number): number {
  return process.sigma(t) / process.alpha(t);
}

/** The coefficients of one step of `tableau` from t to r; both must have α > 0. */
export function flowStep(
  { process, kind }: Pick<RunPlan, 'process' | 'kind'>,
  tableau: ButcherTableau,
  t: number,
  r: number,
): FlowStep {
  const [start, delta] = [noiseRatio(process, t), noiseRatio(process, r) - noiseRatio(process, t)];
  const noises: StageForm[] = [];
  const sum = (scale: number, weights: readonly number[], x: number, constant: number): StageForm => {
    const p = new Array<number>(weights.length).fill(0);
    let [carry, offset] = [x, constant];
    for (const [j, w] of weights.entries()) {
      if (w === 0) continue;
      const e = noises[j]!;
      carry += scale * w * e.x;
      offset += scale * w * e.constant;
      for (const [l, v] of e.p.entries()) p[l] = (p[l] ?? 0) + scale * w * v;
    }
    return { x: carry, p, constant: offset };
  };
  const state = (time: number, weights: readonly number[]): StageForm => {
    const carry = process.alpha(time) / process.alpha(t);
    return sum(process.alpha(time) * delta, weights, carry, process.mean(time) - carry * process.mean(t));
  };
  const stages = tableau.nodes.map((c, i) => {
    const time = c === 0 ? t : c === 1 ? r : process.timeOfLambda(-Math.log(start + c * delta));
    const form = state(time, tableau.stages[i]!);
    const q = conversion(process, time, kind, 'noise');
    noises.push({
      x: q.x * form.x,
      p: [...form.p.map((v) => q.x * v), ...new Array<number>(i - form.p.length).fill(0), q.p],
      constant: q.x * form.constant + q.constant,
    });
    return { t: time, state: form };
  });
  return {
    stages,
    end: state(r, tableau.weights),
    combination: (weights) => sum(process.alpha(r) * delta, weights, 0, 0),
  };
}

/** The numbers of a form under names, for checks. */
export function named(form: StageForm): Record<string, number> {
  const weights = form.p.map((v, j): [string, number] => [`prediction ${j + 1}`, v]);
  return { x: form.x, constant: form.constant, ...Object.fromEntries(weights) };
}

/** Applies a form to the state at the step's start and the predictions so far. */
export function formed(
  context: Pick<StepContext, 'key' | 'firstRow'>,
  form: StageForm,
  x: tf.Tensor,
  predictions: readonly tf.Tensor[],
): tf.Tensor {
  const terms: (readonly [number, tf.Tensor])[] = [[form.x, x]];
  for (const [j, w] of form.p.entries()) terms.push([w, predictions[j]!]);
  return weighted(context, terms, form.constant, 0);
}
