/**
 * The one loop behind `sample` and `trajectory`: draws the initial noise, makes the steps, counts evaluations, watches
 * for NaN, and leaves no tensor behind however it ends.
 */
import { createPacer, fold, normal, ShapeError, shown } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { createFiniteWatch } from './finite-watch.ts';
import type { SampleOptions } from './sample-options.ts';
import type { StepContext } from './sampler.ts';

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
  const { model, sampler, grid, shape, condition, firstRow = 0, initial, brownian, onStep, signal } = options;
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
    // A step may evaluate thousands of times.
    await pacer.turn();
    await watch.pass();
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
        brownian,
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
