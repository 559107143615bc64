/**
 * Stochastic Runge–Kutta methods for additive noise, on the reverse process in y = (x − m)/α and ς = σ/α, where it reads
 *
 *   dy = (1 + b²) ε̂ dς + b dW,   W a Brownian motion in the clock ς²
 *
 * (`exponentialIntegrator`; ς falls). With Δ = ς_r − ς_t, V = ς_t² − ς_r², the increment √V ξ and the space-time Lévy area
 * √(V/12) η of W over the step, ξ and η independent standard normals, stage i stands at ς_t + c_i Δ in the state
 *
 *   y_i = y + Δ Σ_j a_ij (1 + b_j²) ε̂_j + b_t (u_i √V ξ + v_i √(V/12) η)
 *   y'  = y + Δ Σ_j w_j (1 + b_j²) ε̂_j + ½(b_t + b_r) √V ξ − (b_r − b_t) √(V/12) η
 *
 * with b_j taken at the stage. The noise at the end is ∫ b dW for b linear in the clock, exact in law.
 *
 * Strong order 1.5 where Σ w c = ½ and the stages see the mean of the path over the step, Σ w_i (u_i ξ-part, v_i η-part) =
 * (½, 1); and then weak order 2. At b = 0 it is the deterministic method of the same tableau.
 *
 * Explicit in ε̂, so steps must not be long. At ς far above the spread of the data ε̂ is the distance of y from the data over
 * ς, and with k = 1 + b², ς_r = (1 − q) ς_t a step of two stages takes that distance to R times it,
 *
 *   R = 1 − k q (1 − (k − 1) q/(2 (1 − c q))),   where (1 − q)^k is exact,
 *
 * which grows against ς where ς_t/ς_r > (k + 2c)/(k + 2c − 2), and at all where q > 1/(c + ½b²). A method that integrates this
 * part exactly (`seeds2`, `dpmSolver`) has no such limit.
 */
import { combine, fold, normal } from '@diff/core';
import { conversion } from '@diff/score';
import * as tf from '@tensorflow/tfjs-core';
import { noiseRatio, type StageForm } from './flow-runge-kutta.ts';
import type { RunPlan, StepContext } from './sampler.ts';

export interface AdditiveTableau {
  /** c. */
  readonly nodes: readonly number[];
  /** a. */
  readonly drift: readonly (readonly number[])[];
  /** u, of the increment. */
  readonly increment: readonly number[];
  /** v, of the area. */
  readonly area: readonly number[];
  /** w. */
  readonly weights: readonly number[];
}

/** x·X + Σ p_j P_j + constant + increment·ξ + area·η. */
interface NoisyForm extends StageForm {
  readonly increment: number;
  readonly area: number;
}

interface AdditiveStep {
  readonly stages: readonly { readonly t: number; readonly state: NoisyForm }[];
  readonly end: NoisyForm;
  /** α_r Δ Σ_j w_j (1 + b_j²) ε̂_j for other weights w: error estimates. */
  combination(weights: readonly number[]): NoisyForm;
}

/** The coefficients of one step from t to r; α > 0 at both. */
export function additiveStep(
  { process, kind }: Pick<RunPlan, 'process' | 'kind'>,
  tableau: AdditiveTableau,
  t: number,
  r: number,
  b: (t: number) => number,
): AdditiveStep {
  const [start, finish] = [noiseRatio(process, t), noiseRatio(process, r)];
  const delta = finish - start;
  const deviation = Math.sqrt((start - finish) * (start + finish));
  const drifts: NoisyForm[] = [];
  const sum = (scale: number, weights: readonly number[], from: NoisyForm): NoisyForm => {
    const p = [...from.p, ...new Array<number>(weights.length - from.p.length).fill(0)];
    let { x, constant, increment, area } = from;
    for (const [j, w] of weights.entries()) {
      if (w === 0) continue;
      const d = drifts[j]!;
      x += scale * w * d.x;
      constant += scale * w * d.constant;
      increment += scale * w * d.increment;
      area += scale * w * d.area;
      for (const [l, v] of d.p.entries()) p[l] = (p[l] ?? 0) + scale * w * v;
    }
    return { x, p, constant, increment, area };
  };
  const state = (time: number, weights: readonly number[], increment: number, area: number): NoisyForm => {
    const alpha = process.alpha(time);
    const carry = alpha / process.alpha(t);
    const noise = alpha * deviation;
    return sum(alpha * delta, weights, {
      x: carry,
      p: [],
      constant: process.mean(time) - carry * process.mean(t),
      increment: noise * increment,
      area: (noise * area) / Math.sqrt(12),
    });
  };
  const level = b(t);
  const stages = tableau.nodes.map((c, i) => {
    const time = c === 0 ? t : c === 1 ? r : process.timeOfLambda(-Math.log(start + c * delta));
    const form = state(time, tableau.drift[i]!, level * tableau.increment[i]!, level * tableau.area[i]!);
    const q = conversion(process, time, kind, 'noise');
    const gain = 1 + b(time) ** 2;
    drifts.push({
      x: gain * q.x * form.x,
      p: [...form.p.map((v) => gain * q.x * v), ...new Array<number>(i - form.p.length).fill(0), gain * q.p],
      constant: gain * (q.x * form.constant + q.constant),
      increment: gain * q.x * form.increment,
      area: gain * q.x * form.area,
    });
    return { t: time, state: form };
  });
  const change = level === 0 && b(r) === 0 ? 0 : b(r) - level;
  return {
    stages,
    end: state(r, tableau.weights, level + change / 2, -change),
    combination: (weights) =>
      sum(process.alpha(r) * delta, weights, { x: 0, p: [], constant: 0, increment: 0, area: 0 }),
  };
}

/**
 * ξ and η of the step from t to r: two draws of the key, or, on a Brownian path B in time, from its increment and area.
 * W has the weight g/α in time: ∫ (g/α) dB is a combination of the two that is linear in the change of g/α over the step,
 * up to O(h^{5/2}) with mean 0; η is what is orthogonal to it. So the pair is exact in law.
 */
export function noisePair(
  { key, firstRow, brownian, process }: Pick<StepContext, 'key' | 'firstRow' | 'brownian' | 'process'>,
  shape: readonly number[],
  t: number,
  r: number,
): readonly [tf.Tensor, tf.Tensor] {
  if (!brownian)
    return [normal(fold(key, 0), shape, { firstRow }), normal(fold(key, 1), shape, { firstRow })];
  const [weightT, weightR] = [t, r].map((u) => process.diffusion(u) / process.alpha(u)) as [number, number];
  const angle = Math.atan2(weightT - weightR, Math.sqrt(3) * (weightT + weightR));
  const [cos, sin, h] = [Math.cos(angle), Math.sin(angle), Math.abs(t - r)];
  const [increment, area] = brownian.incrementAndArea(t, r, shape, firstRow);
  const [first, second] = [1 / Math.sqrt(h), Math.sqrt(12 / h)];
  try {
    return [
      combine([
        [cos * first, increment],
        [sin * second, area],
      ]),
      combine([
        [-sin * first, increment],
        [cos * second, area],
      ]),
    ];
  } finally {
    tf.dispose([increment, area]);
  }
}

/** Applies a form; `pair` may be left out where there is no noise. */
export function formedWithNoise(
  form: NoisyForm,
  x: tf.Tensor,
  predictions: readonly tf.Tensor[],
  pair: readonly tf.Tensor[],
): tf.Tensor {
  const terms: (readonly [number, tf.Tensor])[] = [[form.x, x]];
  for (const [j, w] of form.p.entries()) terms.push([w, predictions[j]!]);
  if (pair.length > 0) terms.push([form.increment, pair[0]!], [form.area, pair[1]!]);
  const present = terms.filter(([w]) => w !== 0);
  return combine(present.length > 0 ? present : terms.slice(0, 1), { constant: form.constant });
}

/** The numbers of a form under names, for checks. */
export function namedWithNoise({ x, p, constant, increment, area }: NoisyForm): Record<string, number> {
  const weights = p.map((v, j): [string, number] => [`prediction ${j + 1}`, v]);
  return { x, constant, increment, area, ...Object.fromEntries(weights) };
}
