/**
 * The probability flow from data to noise, for samplers that only know the way down. In y = (x − m)/α, ς = σ/α it is
 * dy/dς = ε̂(y, ς). Reflected, u = c − ς with any c above the largest ς, it is
 *
 *   dy/du = −ε̂(y, c − u),
 *
 * the flow of a model on the process σ(u) = u that predicts the noise −ε̂: u falls while ς rises. Every deterministic
 * sampler runs on it; a method that is a formula in ς, such as DDIM, Heun or a Runge–Kutta method, is then the same
 * formula upwards.
 */
import { combine, DomainError } from '@diff/core';
import { conversion, defineModel, type ScoreModel } from '@diff/score';
import { edm, type LinearProcess } from '@diff/sde';
import type * as tf from '@tensorflow/tfjs-core';

export interface AscendingFlow {
  /** Predicts −ε̂ for y at u. */
  readonly model: ScoreModel;
  /** u, descending: the grid upwards. */
  readonly grid: readonly number[];
  /** Forward time of each entry of `grid`, ascending. */
  readonly times: readonly number[];
  /** Forward time that belongs to any u. */
  timeOf(u: number): number;
}

/** y of a state at time t; owned by the caller. */
export function toFlow(process: LinearProcess, x: tf.Tensor, t: number): tf.Tensor {
  const alpha = process.alpha(t);
  return combine([[1 / alpha, x]], { constant: -process.mean(t) / alpha + 0 });
}

/** The state at time t of a y; owned by the caller. */
export function fromFlow(process: LinearProcess, y: tf.Tensor, t: number): tf.Tensor {
  return combine([[process.alpha(t), y]], { constant: process.mean(t) });
}

/** Throws unless α > 0 on the grid: y is not defined where there is no signal. */
export function requireSignal(where: string, process: LinearProcess, grid: readonly number[]): void {
  const t = grid.find((time) => process.alpha(time) === 0);
  if (t !== undefined) {
    throw new DomainError(
      `${where}: alpha must be positive at every time of the grid, got 0 at t = ${t}. Start the grid below that time.`,
    );
  }
}

/** The flow of a model upwards through a grid. */
export function ascendingFlow(model: ScoreModel, grid: readonly number[]): AscendingFlow {
  const { process, kind, name, eventShape } = model;
  const times = [...grid].reverse();
  const levels = times.map((t) => process.sigma(t) / process.alpha(t));
  // Above the largest level by about the smallest one, so that u ends above 0.
  const reach = levels.at(-1)! + (levels[0]! > 0 ? levels[0]! : levels[1]!);
  const timeAt = new Map(levels.map((level, i) => [reach - level, times[i]!]));
  const timeOf = (u: number): number => timeAt.get(u) ?? process.timeOfLambda(-Math.log(reach - u));

  async function predict(y: tf.Tensor, u: number | tf.Tensor1D, condition?: tf.Tensor): Promise<tf.Tensor> {
    const t = timeOf(u as number);
    const q = conversion(process, t, kind, 'noise');
    const x = fromFlow(process, y, t);
    try {
      const p = await model.predict(x, t, condition);
      const terms: [number, tf.Tensor][] = [[-q.p, p]];
      if (q.x !== 0) terms.push([-q.x, x]);
      const slope = combine(terms, { constant: -q.constant + 0 });
      if (p !== x) p.dispose();
      return slope;
    } finally {
      x.dispose();
    }
  }

  return {
    model: defineModel({
      process: edm({ T: reach - levels[0]! }),
      kind: 'noise',
      name: `${name} (upwards: σ/α is ${reach} − t)`,
      ...(eventShape ? { eventShape } : {}),
      predict,
    }),
    grid: levels.map((level) => reach - level),
    times,
    timeOf,
  };
}
