/**
 * The one loop behind `sample` and `trajectory`: checks what came in, draws the initial noise, makes the steps,
 * counts evaluations, watches for NaN, and leaves no tensor behind however it ends.
 */
import {
  createPacer,
  DomainError,
  fold,
  type Key,
  normal,
  requireInteger,
  requireKey,
  ShapeError,
  shown,
} from '@diff/core';
import { type Condition, PREDICTION_KINDS, type ScoreModel } from '@diff/score';
import * as tf from '@tensorflow/tfjs-core';
import { createFiniteWatch } from './finite-watch.ts';
import type { Sampler, StepContext } from './sampler.ts';

/** What `onStep` is told after each step. */
export interface StepReport {
  /** Steps made so far, 1 … steps. */
  readonly step: number;
  readonly steps: number;
  /** The time that the step left and the time that it reached. */
  readonly t: number;
  readonly next: number;
  /** Model evaluations so far. */
  readonly nfe: number;
  /** State at `next`; belongs to the run and is gone after the callback (and what it returns) is over. */
  readonly x: tf.Tensor;
}

export interface SampleOptions {
  readonly model: ScoreModel;
  readonly sampler: Sampler;
  /** Forward times, strictly descending, from within (0, T] to at least 0. Its length is the number of steps + 1. */
  readonly grid: readonly number[];
  /** [n, …event], n ≥ 1 rows. */
  readonly shape: readonly number[];
  /** Names all noise of the run: the same key gives the same samples. */
  readonly key: Key;
  /** Passed to every evaluation; its first axis is the row. */
  readonly condition?: Condition | undefined;
  /** Row of the noise streams at which this batch begins; default 0. A piece of a larger batch passes its offset. */
  readonly firstRow?: number | undefined;
  /** State at grid[0]; default prior.mean + prior.std·ξ. Stays the caller's. */
  readonly initial?: tf.Tensor | undefined;
  /** Called after every step; if it returns a promise, the run waits for it. */
  readonly onStep?: ((report: StepReport) => void | Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Throws for whatever can be known to be wrong before the first evaluation. */
export function checkRun(where: string, options: SampleOptions): void {
  const { model, sampler, grid, shape, key, condition, firstRow = 0, initial } = options;
  const isModel =
    typeof model?.predict === 'function' &&
    typeof model.process?.alpha === 'function' &&
    PREDICTION_KINDS.includes(model.kind);
  if (!isModel) {
    throw new DomainError(
      `${where}: model must be a score model { process, kind, predict }, got ${shown(model)}. Make one with defineModel().`,
    );
  }
  if (typeof sampler?.step !== 'function') {
    throw new DomainError(
      `${where}: sampler must be a sampler, got ${shown(sampler)}. Make one with a factory, for example ddim().`,
    );
  }
  checkRows(where, shape, model.eventShape);
  checkTimes(where, grid, model.process.T);
  requireKey(where, key);
  requireInteger(where, 'firstRow', firstRow);
  if (initial && !tf.util.arraysEqual(initial.shape, [...shape])) {
    throw new ShapeError(
      `${where}: initial must have the shape of the run, [${shape.join(', ')}], got ${shown(initial)}. Make the two agree.`,
    );
  }
  if (condition && condition.shape[0] !== shape[0]) {
    throw new ShapeError(
      `${where}: condition must have one entry for each of the ${shape[0]} rows, got ${shown(condition)}. Repeat or slice it.`,
    );
  }
  sampler.check?.({ process: model.process, kind: model.kind, grid });
}

/** Throws unless `shape` is [n ≥ 1, …event] and fits the model's event shape. */
export function checkRows(where: string, shape: readonly number[], eventShape?: readonly number[]): void {
  const ok =
    Array.isArray(shape) && shape.length >= 2 && shape.every((s) => Number.isSafeInteger(s) && s >= 1);
  if (!ok) {
    throw new ShapeError(
      `${where}: shape must be the number of rows and then the shape of a row, positive integers, got ${shown(shape)}. Pass for example [1000, 2].`,
    );
  }
  if (eventShape && !tf.util.arraysEqual(shape.slice(1), [...eventShape])) {
    throw new ShapeError(
      `${where}: shape must be [n, ${eventShape.join(', ')}] for this model, got ${shown(shape)}. Use the model's event shape.`,
    );
  }
}

function checkTimes(where: string, grid: readonly number[], horizon: number): void {
  const hint = 'Make a grid with uniformGrid(), logSnrGrid() or another of @diff/sde.';
  if (!Array.isArray(grid) || grid.length < 2 || !grid.every((t) => Number.isFinite(t))) {
    throw new DomainError(
      `${where}: grid must be a list of at least two finite times, got ${shown(grid)}. ${hint}`,
    );
  }
  const at = grid.findIndex((t, i) => i > 0 && !(t < grid[i - 1]!));
  if (at > 0) {
    throw new DomainError(
      `${where}: grid must be strictly descending, got ${grid[at - 1]} followed by ${grid[at]} at index ${at}. ${hint}`,
    );
  }
  if (grid[0]! > horizon) {
    throw new DomainError(
      `${where}: grid must start within (0, T = ${horizon}], got ${grid[0]}. Start at T, or build the process with a longer horizon.`,
    );
  }
  if (grid.at(-1)! < 0) {
    throw new DomainError(
      `${where}: grid must end at a time of at least 0, got ${grid.at(-1)}. End it at 0 or a small positive time.`,
    );
  }
}

export interface Run {
  readonly steps: number;
  /** Steps made so far. */
  readonly step: number;
  readonly nfe: number;
  /** Time of the present state. */
  readonly t: number;
  /** Present state; belongs to the run. */
  readonly x: tf.Tensor;
  /** Makes one step and reports it. The last one also waits until all of the run is known to be finite. */
  advance(): Promise<void>;
  /** Hands the present state over to the caller. */
  take(): tf.Tensor;
  /** Disposes of everything that the run still owns. */
  close(): Promise<void>;
}

/** Starts a run whose options have passed `checkRun`. Whoever starts it must close it. */
export function startRun(where: string, options: SampleOptions): Run {
  const { model, sampler, grid, shape, condition, firstRow = 0, initial, onStep, signal } = options;
  const runKey = options.key;
  const { process, kind } = model;
  const steps = grid.length - 1;
  const pacer = createPacer({ signal });
  const watch = createFiniteWatch();
  const history = new Map<string, unknown>();
  let predictions: tf.Tensor[] = [];
  let nfe = 0;
  let step = 0;
  let x: tf.Tensor | undefined = initial
    ? tf.clone(initial)
    : tf.tidy(() => {
        const noise = normal(fold(runKey, 0), shape, { firstRow });
        return tf.add(tf.mul(noise, process.prior.std), process.prior.mean);
      });

  async function predict(at: tf.Tensor, t: number): Promise<tf.Tensor> {
    signal?.throwIfAborted();
    nfe++;
    const returned = await model.predict(at, t, condition);
    const prediction = returned === at ? tf.clone(at) : returned;
    if (!Array.isArray(prediction?.shape)) {
      throw new ShapeError(
        `${where}: the prediction of model '${model.name}' must be a tensor of shape [${at.shape.join(', ')}], got ${shown(returned)}. Return a tensor from predict.`,
      );
    }
    predictions.push(prediction);
    if (!tf.util.arraysEqual(prediction.shape, at.shape)) {
      throw new ShapeError(
        `${where}: the prediction of model '${model.name}' must have the shape of its input, [${at.shape.join(', ')}], got ${shown(prediction)}. Mend the model's predict.`,
      );
    }
    const number = step + 1;
    watch.add(
      prediction,
      (sum) =>
        `${where}: the prediction of model '${model.name}' must be finite, got a sum of ${sum} in step ${number} of ${steps}, at t = ${t}. ` +
        'Check the model at that time, its weights and its input scale.',
    );
    return prediction;
  }

  return {
    steps,
    get step() {
      return step;
    },
    get nfe() {
      return nfe;
    },
    get t() {
      return grid[step]!;
    },
    get x() {
      return x!;
    },
    async advance() {
      await pacer.turn();
      const [t, next] = [grid[step]!, grid[step + 1]!];
      const context: StepContext = {
        process,
        kind,
        grid,
        x: x!,
        t,
        next,
        index: step,
        steps,
        key: fold(runKey, step + 1),
        firstRow,
        history,
        predict,
      };
      const reached = await sampler.step(context);
      if (reached !== x) x!.dispose();
      x = reached;
      tf.dispose(predictions.splice(0).filter((p) => p !== reached));
      step++;
      if (step === steps) {
        watch.add(
          x,
          (sum) =>
            `${where}: the final state must be finite, got a sum of ${sum} after step ${steps} of ${steps}, at t = ${next}, with finite predictions of model '${model.name}'. Use smaller steps or another sampler.`,
        );
        await watch.settle();
      } else {
        await watch.check();
      }
      await onStep?.({ step, steps, t, next, nfe, x });
    },
    take() {
      const taken = x!;
      x = undefined;
      return taken;
    },
    async close() {
      tf.dispose(predictions);
      predictions = [];
      x?.dispose();
      x = undefined;
      tf.dispose([...history.values()] as tf.TensorContainer);
      history.clear();
      await watch.close();
    },
  };
}
