/**
 * Restart sampling (Xu, Deng, Cheng, Tian, Liu, Jaakkola 2023, algorithm 2). A deterministic run down to the noise level
 * ς_min = σ/α, then K times in turn
 *
 *   up    y ← y + s √(ς_max² − ς_min²) ξ                     all of the way at once, y = (x − m)/α
 *   down  `steps` steps of the sampler from ς_max to ς_min   on a grid with ς^{1/7} equally spaced
 *
 * and on. The noise forgets the errors that the run has made so far (by contraction of the laws above ς_max), and the
 * deterministic steps make few new ones: the better part of both. Going up is exact for s = 1, so the order is the
 * sampler's. K = 0 is the plain sampler, bit for bit.
 *
 * A restart takes place at the time of the grid whose λ is nearest to that of `from`. A multistep sampler starts afresh
 * after each, as what it remembers belongs to another path. Noise that the sampler draws on the way down, and that of
 * going up, comes from the key even in a run on a Brownian path.
 */
import { DomainError, fold, requireInteger, shown } from '@diff/core';
import type { LinearProcess } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { requireNoiseScale } from './ancestral-step.ts';
import { innerStep } from './inner-step.ts';
import type { RunPlan, Sampler, StepContext } from './sampler.ts';
import { decayed } from './transition.ts';
import { weighted } from './update.ts';

export interface RestartInterval {
  /** Noise level σ/α > 0 from which the run goes up; the nearest time of the grid is taken. */
  readonly from: number;
  /** Noise level σ/α to which it goes, above `from`. */
  readonly upTo: number;
  /** How often; K ≥ 0. */
  readonly iterations: number;
  /** Steps of each way down; default 3. */
  readonly steps?: number;
}

export interface RestartOptions {
  /** Makes all steps; `heun()` in the paper. */
  readonly sampler: Sampler;
  readonly intervals: readonly RestartInterval[];
  /** Factor on the noise, ≥ 0; default 1. */
  readonly noiseScale?: number;
}

const STEPS = 3;

/** From the process's time of the level `upTo` down to r, `steps` steps. */
function wayDown(process: LinearProcess, upTo: number, r: number, steps: number): number[] {
  const start =
    -Math.log(upTo) <= process.lambda(process.T) ? process.T : process.timeOfLambda(-Math.log(upTo));
  const root = (t: number): number => Math.exp(-process.lambda(t) / 7);
  const [a, b] = [root(start), root(r)];
  return Array.from({ length: steps + 1 }, (_, i) => {
    if (i === 0) return start;
    return i === steps ? r : process.timeOfLambda(-7 * Math.log(a + (i / steps) * (b - a)));
  });
}

/** Indices of the grid at which restarts take place, with what happens there. */
function places(
  { process, grid }: Pick<RunPlan, 'process' | 'grid'>,
  intervals: readonly RestartInterval[],
): Map<number, RestartInterval> {
  const out = new Map<number, RestartInterval>();
  for (const interval of intervals) {
    if (interval.iterations === 0) continue;
    const want = -Math.log(interval.from);
    let nearest = -1;
    for (let i = 1; i < grid.length; i++) {
      if (process.sigma(grid[i]!) === 0) break;
      const gap = (j: number): number => Math.abs(process.lambda(grid[j]!) - want);
      if (nearest < 0 || gap(i) < gap(nearest)) nearest = i;
    }
    const level = nearest < 0 ? Number.POSITIVE_INFINITY : Math.exp(-process.lambda(grid[nearest]!));
    if (out.has(nearest) || !(level < interval.upTo) || grid[nearest]! >= process.T) {
      throw new DomainError(
        `restart: each interval must have a time of the grid of its own with a noise level near 'from' and below 'upTo', got ${interval.from} to ${interval.upTo}, for which the nearest level of the grid is ${level}. Use a finer grid or other levels.`,
      );
    }
    out.set(nearest, interval);
  }
  return out;
}

function requireInterval(interval: RestartInterval): void {
  const { from, upTo, iterations, steps = STEPS } = interval ?? {};
  if (!(typeof from === 'number' && typeof upTo === 'number' && from > 0 && upTo > from)) {
    throw new DomainError(
      `restart: an interval must have levels 0 < from < upTo, got ${shown(from)} and ${shown(upTo)}. Give σ/α, for example 0.1 and 0.5.`,
    );
  }
  requireInteger('restart', 'iterations', iterations);
  requireInteger('restart', 'steps', steps, 1);
}

/**
 * A sampler with restarts.
 *
 * @returns a sampler of the same order; `nfe` adds iterations × steps of the sampler for each interval.
 * @throws DomainError for levels out of order, negative counts, or intervals that the grid cannot tell apart.
 * @example
 * ```ts
 * import { heun, restart } from '@diff/samplers';
 * const sampler = restart({ sampler: heun(), intervals: [{ from: 0.06, upTo: 0.3, iterations: 10, steps: 3 }] });
 * console.log(sampler.nfe(18)); // 36 + 10·6
 * ```
 */
export function restart({ sampler, intervals, noiseScale = 1 }: RestartOptions): Sampler {
  if (typeof sampler?.step !== 'function') {
    throw new DomainError(
      `restart: sampler must be a sampler, got ${shown(sampler)}. Pass for example heun().`,
    );
  }
  if (!Array.isArray(intervals)) {
    throw new DomainError(
      `restart: intervals must be a list, got ${shown(intervals)}. Pass for example [{ from: 0.1, upTo: 0.5, iterations: 4 }].`,
    );
  }
  intervals.forEach(requireInterval);
  requireNoiseScale('restart', noiseScale);
  /** Where the restarts of a grid take place; the same for all steps of a run. */
  const found = new WeakMap<
    readonly number[],
    { process: LinearProcess; at: Map<number, RestartInterval> }
  >();
  const placesOf = ({ process, grid }: Pick<RunPlan, 'process' | 'grid'>): Map<number, RestartInterval> => {
    const known = found.get(grid);
    if (known?.process === process) return known.at;
    const at = places({ process, grid }, intervals);
    found.set(grid, { process, at });
    return at;
  };
  const some = intervals.some((interval) => interval.iterations > 0);
  /** Evaluations that a start costs beyond those of the steps; an end that saves some does so once. */
  const startup = Math.max(0, 2 * sampler.nfe(16) - sampler.nfe(32));

  /** The interval once down from its top, up again, and so on. */
  async function around(context: StepContext, x: tf.Tensor, interval: RestartInterval): Promise<tf.Tensor> {
    const { process, next, key, firstRow } = context;
    const grid = wayDown(process, interval.upTo, next, interval.steps ?? STEPS);
    const [top] = grid as [number];
    const carry = process.alpha(top) / process.alpha(next);
    const up = decayed(2, process.lambda(next) - process.lambda(top));
    const noise = noiseScale * process.sigma(top) * Math.sqrt(up);
    let state = x;
    const move = (to: tf.Tensor): void => {
      if (to !== state) state.dispose();
      state = to;
    };
    const history = new Map<string, unknown>();
    try {
      for (let k = 0; k < interval.iterations; k++) {
        const draws = fold(key, k);
        const constant = process.mean(top) - carry * process.mean(next);
        move(weighted({ key: fold(draws, 0), firstRow }, [[carry, state]], constant, noise));
        for (let i = 0; i + 1 < grid.length; i++) {
          const [t, r] = [grid[i]!, grid[i + 1]!];
          const step = { grid, t, next: r, index: i, steps: grid.length - 1, history, brownian: undefined };
          move(await innerStep(sampler, { ...context, ...step, x: state, key: fold(draws, i + 1) }));
        }
        forget(history);
      }
      return state;
    } catch (thrown) {
      state.dispose();
      throw thrown;
    } finally {
      forget(history);
    }
  }

  return {
    name: `restart(${sampler.name})`,
    order: sampler.order,
    strongOrder: some ? undefined : sampler.strongOrder,
    stochastic: some || sampler.stochastic,
    nfe: (steps) =>
      intervals.reduce(
        (sum, { iterations, steps: down = STEPS }) => sum + iterations * sampler.nfe(down) + startup,
        sampler.nfe(steps),
      ),
    check(plan: RunPlan): void {
      sampler.check?.(plan);
      for (const [index, { upTo, steps = STEPS }] of placesOf(plan)) {
        sampler.check?.({ ...plan, grid: wayDown(plan.process, upTo, plan.grid[index]!, steps) });
      }
    },
    async step(context: StepContext): Promise<tf.Tensor> {
      const { index, grid, history } = context;
      const at = placesOf(context);
      const start = Math.max(0, ...[...at.keys()].filter((i) => i <= index));
      const own = { grid: grid.slice(start), index: index - start, steps: context.steps - start };
      const x = await sampler.step({ ...context, ...own });
      const interval = at.get(index + 1);
      if (!interval) return x;
      forget(history);
      return around({ ...context, key: fold(context.key, 1) }, x, interval);
    },
  };
}

function forget(history: Map<string, unknown>): void {
  tf.dispose([...history.values()] as tf.TensorContainer);
  history.clear();
}
