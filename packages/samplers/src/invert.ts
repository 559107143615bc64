/**
 * From data to noise by the probability flow: the noise from which a deterministic sampler makes given data ("DDIM
 * inversion": Song, Meng, Ermon 2021, §4.3), for editing, interpolation and likelihoods.
 *
 * `explicit` runs the sampler upwards (`ascending-flow.ts`): as many evaluations as the way down, and a round trip whose
 * error is of the sampler's order in the steps. `implicit` inverts each step of the way down by iteration
 * (`implicit-inversion.ts`): several evaluations a step, and a round trip that is exact to the tolerance however coarse
 * the grid is.
 */
import {
  DomainError,
  key,
  requireInteger,
  requireOneOf,
  requirePositive,
  ShapeError,
  shown,
} from '@diff/core';
import type { Condition, ScoreModel } from '@diff/score';
import type * as tf from '@tensorflow/tfjs-core';
import { ascendingFlow, fromFlow, requireSignal, toFlow } from './ascending-flow.ts';
import { checkRun } from './check-run.ts';
import { invertStep } from './implicit-inversion.ts';
import { startRun } from './run.ts';
import type { SampleOptions, StepReport } from './sample-options.ts';
import type { Sampler } from './sampler.ts';

export interface InvertOptions {
  readonly model: ScoreModel;
  /** A deterministic sampler. */
  readonly sampler: Sampler;
  /** The grid of the way down, descending; the inversion runs through it from its last time to its first. */
  readonly grid: readonly number[];
  /** Data, or states at the grid's last time, [n, …event]; stays the caller's. */
  readonly x0: tf.Tensor;
  readonly condition?: Condition | undefined;
  /** Default 'explicit'. */
  readonly method?: 'explicit' | 'implicit' | undefined;
  /** Of the implicit method: the largest residual of a step relative to the state, > 0; default 1e-6. */
  readonly tolerance?: number | undefined;
  /** Of the implicit method: iterations allowed in a step; default 100. */
  readonly iterations?: number | undefined;
  /** Called after every step, here with next > t; if it returns a promise, the run waits for it. */
  readonly onStep?: ((report: StepReport) => void | Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

function checkInversion(options: InvertOptions): void {
  const { model, sampler, grid, x0, condition, method = 'explicit' } = options;
  if (!Array.isArray(x0?.shape) || x0.rank < 1) {
    throw new ShapeError(
      `invert: x0 must be a tensor of shape [n, …event], got ${shown(x0)}. Pass one row per sample.`,
    );
  }
  requireOneOf('invert', 'method', method, ['explicit', 'implicit']);
  requirePositive('invert', 'tolerance', options.tolerance ?? 1e-6);
  requireInteger('invert', 'iterations', options.iterations ?? 100, 1);
  if (sampler?.stochastic === true) {
    throw new DomainError(
      `invert: sampler must be deterministic, got ${sampler.name}. Use for example ddim(), heun() or rungeKutta4().`,
    );
  }
  // Whether the sampler's own formulas are finite matters to the way down, and is asked below.
  const { check: _, ...unchecked } = sampler ?? {};
  checkRun('invert', {
    model,
    sampler: unchecked as Sampler,
    grid,
    shape: x0.shape,
    key: key(0),
    condition,
  });
  requireSignal('invert', model.process, grid);
  if (method === 'implicit') {
    const end = grid.at(-1)!;
    if (model.process.sigma(end) === 0) {
      throw new DomainError(
        `invert: an exact inversion needs sigma > 0 at the grid's last time, got 0 at t = ${end}: a step to it forgets where it came from. End the grid earlier.`,
      );
    }
    sampler.check?.({ process: model.process, kind: model.kind, grid });
  }
}

/** The way up as a run of its own, in y and u. */
async function explicit(options: InvertOptions): Promise<tf.Tensor> {
  const { model, sampler, grid, x0, condition, onStep, signal } = options;
  const { process } = model;
  const flow = ascendingFlow(model, grid);
  const { times } = flow;
  sampler.check?.({ process: flow.model.process, kind: 'noise', grid: flow.grid });

  async function report({ step, steps, nfe, x: y }: StepReport): Promise<void> {
    const [t, next] = [times[step - 1]!, times[step]!];
    const x = fromFlow(process, y, next);
    try {
      await onStep!({ step, steps, t, next, nfe, x });
    } finally {
      x.dispose();
    }
  }

  const initial = toFlow(process, x0, times[0]!);
  const upwards: SampleOptions = {
    model: flow.model,
    sampler,
    grid: flow.grid,
    shape: x0.shape,
    key: key(0),
    condition,
    initial,
    onStep: onStep && report,
    signal,
  };
  const run = startRun('invert', upwards);
  initial.dispose();
  try {
    while (run.step < run.steps) await run.advance();
    return fromFlow(process, run.x, times.at(-1)!);
  } finally {
    await run.close();
  }
}

/** A sampler whose steps undo those of another; run upwards by the driver, it takes its times from the grid. */
async function implicit(options: InvertOptions): Promise<tf.Tensor> {
  const { model, sampler, grid, x0, condition, onStep, signal, tolerance = 1e-6, iterations = 100 } = options;
  const steps = grid.length - 1;
  const undoing: Sampler = {
    name: `${sampler.name} undone`,
    order: sampler.order,
    stochastic: false,
    nfe: (count) => iterations * sampler.nfe(count),
    step: ({ index, history: _, ...context }) => {
      const own = steps - 1 - index;
      const [t, next] = [grid[own]!, grid[own + 1]!];
      return invertStep(sampler, { ...context, t, next, index: own, grid }, { tolerance, iterations });
    },
  };
  const upwards: SampleOptions = {
    model,
    sampler: undoing,
    grid: [...grid].reverse(),
    shape: x0.shape,
    key: key(0),
    condition,
    initial: x0,
    onStep,
    signal,
  };
  const run = startRun('invert', upwards);
  try {
    while (run.step < run.steps) await run.advance();
    return run.take();
  } finally {
    await run.close();
  }
}

/**
 * Takes data up the probability flow to the noise that they come from.
 *
 * @returns the state at grid[0], [n, …event], owned by the caller; `sample` with it as `initial`, the same sampler and
 *   grid leads back to x0: within an error of the sampler's order for 'explicit', within the tolerance for 'implicit'.
 *   Samplers that are formulas in σ/α (ddim, probabilityFlow, heun, midpoint, rungeKutta4, dormandPrince, …) keep their
 *   order and their constants upwards; those that extrapolate in log σ/α are made for the way down.
 * @throws ShapeError, DomainError as `sample`, for a sampler that is stochastic, a grid that starts without signal, or,
 *   for 'implicit', one that ends without noise or a sampler that remembers earlier steps; NumericalError when the
 *   iteration does not converge, naming time and residual; the signal's reason if aborted.
 * @example
 * ```ts
 * import { key, normal } from '@diff/core';
 * import { ddim, invert, sample } from '@diff/samplers';
 * import { gaussianMixture } from '@diff/score';
 * import { logSnrGrid, variancePreserving } from '@diff/sde';
 * import '@tensorflow/tfjs-backend-cpu';
 * const process = variancePreserving();
 * const model = gaussianMixture({ process, means: [[1, 0], [-1, 0]], variance: 0.1 });
 * const grid = logSnrGrid({ process, steps: 20, end: 0.01 });
 * const x0 = await model.sample(key(1), 4);
 * const run = { model, sampler: ddim(), grid };
 * const initial = await invert({ ...run, x0, method: 'implicit' });
 * const again = await sample({ ...run, shape: [4, 2], key: key(2), initial }); // x0, to float32
 * ```
 */
export async function invert(options: InvertOptions): Promise<tf.Tensor> {
  checkInversion(options);
  options.signal?.throwIfAborted();
  return options.method === 'implicit' ? implicit(options) : explicit(options);
}
