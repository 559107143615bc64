/**
 * Samplers that evaluate the model once a step and remember earlier evaluations. With z = x − m and D_j the held
 * quantity at grid[index − j], a step is one linear form, after another one that corrects the present state if the
 * method has a corrector:
 *
 *   z_{i+1} = carry·z_{i−base} + Σ_j gains[j]·D_{i−j} + noise·ξ
 *   z_i ←     carry·z_{i−1}    + Σ_j gains[j]·D_{i−j} + noise·ξ      (ξ of the step that led to i)
 *
 * One `predict` a step, and one `combine` for each form: every D is affine in a remembered state and prediction. Where
 * something else moved the state since the predictor reached it (a Langevin corrector, known elements put in), the
 * correction is added to the state that it made, as the difference to what the predictor had reached.
 */
import type { Key } from '@diff/core';
import { type Affine, conversion, type PredictionKind } from '@diff/score';
import type { LinearProcess } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import type { RunPlan, Sampler, StepContext } from './sampler.ts';
import { requireFiniteUpdate, weighted } from './update.ts';

/** What a form may hold: a prediction, or the direction ε̂ − x̂0 of straight lines from noise to data. */
type HeldQuantity = PredictionKind | 'straight';

export interface MultistepForm {
  /** How many grid times back the state lies that the step goes on from; default 0. */
  readonly base?: number;
  readonly carry: number;
  /** The quantity D of this form; default the method's. */
  readonly hold?: HeldQuantity;
  /** gains[j] is the weight of D at grid[index − j]. */
  readonly gains: readonly number[];
  readonly noise: number;
}

export interface MultistepMethod {
  readonly name: string;
  readonly order: number;
  readonly strongOrder?: number | undefined;
  readonly stochastic: boolean;
  readonly hold: HeldQuantity;
  /** How many earlier evaluations the forms reach back to. */
  readonly memory: number;
  /** From grid[index] to grid[index + 1]. */
  predictor(plan: RunPlan, index: number): MultistepForm;
  /** From grid[index − 1] to grid[index] once more, now with D at grid[index] known; undefined: no correction. */
  corrector?(plan: RunPlan, index: number): MultistepForm | undefined;
}

interface Memory {
  /** Where the model was evaluated, and what it said. */
  readonly at: tf.Tensor;
  readonly prediction: tf.Tensor;
  /** The state from which the step went on: `at`, or what the corrector made of it. */
  readonly state: tf.Tensor;
  readonly key: Key;
}

const HISTORY = 'multistep';
/** Where the last predictor went, of methods with a corrector. */
const REACHED = 'multistep reached';

interface Linear {
  readonly carry: number;
  /** Weights of the state and the prediction in each D. */
  readonly terms: readonly { readonly x: number; readonly prediction: number }[];
  readonly constant: number;
}

function quantity(process: LinearProcess, t: number, kind: PredictionKind, hold: HeldQuantity): Affine {
  if (hold !== 'straight') return conversion(process, t, kind, hold);
  const [noise, data] = [conversion(process, t, kind, 'noise'), conversion(process, t, kind, 'data')];
  return { x: noise.x - data.x, p: noise.p - data.p, constant: noise.constant - data.constant };
}

/** Writes a form that ends at grid[to] in states and predictions. */
function linear(
  { process, kind, grid }: RunPlan,
  method: MultistepMethod,
  form: MultistepForm,
  index: number,
  to: number,
): Linear {
  const { base = 0, carry, gains, hold = method.hold } = form;
  let constant = process.mean(grid[to]!) - carry * process.mean(grid[index - base]!);
  const terms = gains.map((gain, j) => {
    if (gain === 0) return { x: 0, prediction: 0 };
    const q = quantity(process, grid[index - j]!, kind, hold);
    constant += gain * q.constant;
    return { x: gain * q.x, prediction: gain * q.p };
  });
  return { carry, terms, constant };
}

function correctorForm(method: MultistepMethod, plan: RunPlan, index: number): MultistepForm | undefined {
  const form = index > 0 ? method.corrector?.(plan, index) : undefined;
  return form && { ...form, base: 1 };
}

/** Puts an evaluation before the earlier ones and lets go of those older than `memory`. Tensors stay the caller's. */
export function remember(
  history: Map<string, unknown>,
  memory: number,
  { at, prediction, state, key }: Memory,
): void {
  const past = (history.get(HISTORY) ?? []) as readonly Memory[];
  const own = { at: tf.clone(at), prediction: tf.clone(prediction), state: tf.clone(state), key };
  const all = [own, ...past];
  history.set(HISTORY, all.slice(0, memory));
  tf.dispose(all.slice(memory).flatMap((m) => [m.at, m.prediction, m.state]));
}

/** A sampler from the coefficients of its forms. */
export function multistepSampler(method: MultistepMethod): Sampler {
  const { name, order, strongOrder, stochastic, memory } = method;

  function requireFinite(plan: RunPlan, form: MultistepForm, index: number, to: number): void {
    const [t, r] = [plan.grid[index]!, plan.grid[to]!];
    requireFiniteUpdate(name, t, r, { carry: form.carry, noise: form.noise });
    const { terms, constant } = linear(plan, method, form, index, to);
    requireFiniteUpdate(name, t, r, { constant });
    for (const term of terms) requireFiniteUpdate(name, t, r, { ...term });
  }

  function evaluate(
    context: StepContext,
    form: MultistepForm,
    to: number,
    past: readonly Memory[],
    key: Key,
    moved: readonly (readonly [number, tf.Tensor])[] = [],
  ): tf.Tensor {
    const { grid, firstRow, brownian } = context;
    const { carry, terms, constant } = linear(context, method, form, context.index, to);
    const weights = new Map<tf.Tensor, number>();
    const add = (tensor: tf.Tensor, w: number): unknown =>
      weights.set(tensor, (weights.get(tensor) ?? 0) + w);
    add(past[form.base ?? 0]!.state, carry);
    for (const [w, tensor] of moved) add(tensor, w);
    terms.forEach(({ x, prediction }, j) => {
      if (x !== 0) add(past[j]!.at, x);
      if (prediction !== 0) add(past[j]!.prediction, prediction);
    });
    const list = [...weights].map(([tensor, w]) => [w, tensor] as const);
    const draw = { key, firstRow, brownian, t: grid[to - 1]!, next: grid[to]! };
    return weighted(draw, list, constant, form.noise);
  }

  return {
    name,
    order,
    strongOrder,
    stochastic,
    nfe: (steps) => steps,
    check(plan: RunPlan): void {
      for (let i = 0; i + 1 < plan.grid.length; i++) {
        const correction = correctorForm(method, plan, i);
        if (correction) requireFinite(plan, correction, i, i);
        requireFinite(plan, method.predictor(plan, i), i, i + 1);
      }
    },
    async step(context: StepContext): Promise<tf.Tensor> {
      const { x, t, index, key, history } = context;
      const prediction = await context.predict(x, t);
      const past = (history.get(HISTORY) ?? []) as readonly Memory[];
      const correction = correctorForm(method, context, index);
      const here: Memory = { at: x, prediction, state: x, key };
      const before = history.get(REACHED) as tf.Tensor | undefined;
      const moved = before && before.dataId !== x.dataId ? [[1, x] as const, [-1, before] as const] : [];
      const corrected =
        correction && evaluate(context, correction, index, [here, ...past], past[0]!.key, moved);
      const state = corrected ?? x;
      try {
        const form = method.predictor(context, index);
        const reached = evaluate(context, form, index + 1, [{ ...here, state }, ...past], key);
        remember(history, memory, { ...here, state });
        if (method.corrector) {
          before?.dispose();
          history.set(REACHED, tf.clone(reached));
        }
        return reached;
      } finally {
        corrected?.dispose();
      }
    },
  };
}
