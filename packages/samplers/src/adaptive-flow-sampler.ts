/**
 * An embedded Runge–Kutta pair on the probability flow in y = (x − m)/α, ς = σ/α, dy/dς = ε̂, with as many inner steps
 * in each interval of the grid as the tolerance asks for.
 *
 * The error estimate of an inner step is e = α_r Δ Σ_j (w_j − ŵ_j) ε̂_j, measured against absolute + relative·max(|x|,
 * |x'|) element by element; a row's error is the root mean square of its elements, and the step's the largest of the
 * rows' ('row', the default) or the root mean square of them ('batch'). All rows share their steps, so cutting a batch
 * changes results, within the tolerance. The step size and e_last are carried from interval to interval.
 *
 * One scalar travels to the host, asynchronously, for each inner step: how far it may go depends on it. The last stage
 * of an accepted step is the first of the next.
 */
import { combine, DomainError, NumericalError, requireInteger, requireOneOf, shown } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import {
  type ButcherTableau,
  flowStep,
  formed,
  named,
  noiseRatio,
  type StageForm,
} from './flow-runge-kutta.ts';
import type { RunPlan, Sampler, StepContext } from './sampler.ts';
import { controlled, type StepControl } from './step-control.ts';
import { requireFiniteUpdate } from './update.ts';

/** What `onAttempt` is told after each inner step. */
export interface AttemptReport {
  /** The inner step went from time t to next < t … */
  readonly t: number;
  readonly next: number;
  /** … with this error in units of the tolerance: accepted where it is at most 1. */
  readonly error: number;
  /** Inner steps of the run so far. */
  readonly accepted: number;
  readonly rejected: number;
}

export interface AdaptiveFlowOptions {
  /** Error allowed relative to |x|, > 0; default 1e-4. Float32 states carry errors of about 1e-6. */
  readonly relativeTolerance?: number;
  /** Error allowed besides, > 0; default 1e-4. */
  readonly absoluteTolerance?: number;
  /** Largest of the rows' errors, or the root mean square over the batch; default 'row'. */
  readonly norm?: 'row' | 'batch';
  /** Inner steps allowed in one interval of the grid, rejected ones too; default 1000. */
  readonly maximumAttempts?: number;
  /** Called after each inner step. */
  readonly onAttempt?: (report: AttemptReport) => void;
}

export interface EmbeddedPair {
  readonly name: string;
  readonly order: number;
  /** First same as last: the last stage is the state at the end. */
  readonly tableau: ButcherTableau;
  /** w − ŵ. */
  readonly error: readonly number[];
  /** Order of the error estimate in the step size. */
  readonly errorOrder: number;
}

interface Memory extends StepControl {
  readonly accepted: number;
  readonly rejected: number;
}

/** Throws unless a tolerance is above 0. */
export function adaptiveTolerance(where: string, name: string, value: number): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) {
    throw new DomainError(
      `${where}: ${name} must be a finite number above 0, got ${shown(value)}. Try 1e-4; float32 states carry errors of about 1e-6.`,
    );
  }
  return value;
}

/** What an adaptive run says that cannot go on. */
export function stuck(
  where: string,
  why: string,
  { index, steps }: Pick<StepContext, 'index' | 'steps'>,
  t: number,
  size: number,
  error: number,
): NumericalError {
  return new NumericalError(
    `${where}: ${why} at t = ${t} in step ${index + 1} of ${steps}, got an inner step of ${size} in σ/α with an error of ${error} tolerances. ` +
      'Raise the tolerances or maximumAttempts, check the model there for NaN, or end the grid earlier.',
  );
}

/** Throws unless σ > 0 and α > 0 at all times of the grid. */
export function requireNoiseAndSignal(
  where: string,
  { process, grid }: Pick<RunPlan, 'process' | 'grid'>,
): void {
  for (const t of grid) {
    const what = process.sigma(t) === 0 ? 'sigma' : process.alpha(t) === 0 ? 'alpha' : undefined;
    if (what) {
      throw new DomainError(
        `${where}: ${what} must be positive at every time of the grid, got 0 at t = ${t}. Move that end of the grid away from it.`,
      );
    }
  }
}

export function adaptiveFlowSampler(pair: EmbeddedPair, options: AdaptiveFlowOptions): Sampler {
  const { name, tableau } = pair;
  const { norm = 'row', maximumAttempts = 1000, onAttempt } = options;
  const relative = adaptiveTolerance(name, 'relativeTolerance', options.relativeTolerance ?? 1e-4);
  const absolute = adaptiveTolerance(name, 'absoluteTolerance', options.absoluteTolerance ?? 1e-4);
  requireOneOf(name, 'norm', norm, ['row', 'batch']);
  requireInteger(name, 'maximumAttempts', maximumAttempts, 1);
  const stages = tableau.nodes.length;

  /** The estimated error in units of the tolerance. */
  async function measured(
    form: StageForm,
    x: tf.Tensor,
    trial: tf.Tensor,
    predictions: readonly tf.Tensor[],
  ): Promise<number> {
    const scalar = tf.tidy(() => {
      const terms: [number, tf.Tensor][] = [[form.x, x]];
      for (const [j, w] of form.p.entries()) terms.push([w, predictions[j]!]);
      const error = combine(terms, { constant: form.constant });
      const allowed = tf.add(absolute, tf.mul(relative, tf.maximum(tf.abs(x), tf.abs(trial))));
      const squares = tf.reshape(tf.square(tf.div(error, allowed)), [x.shape[0]!, -1]);
      const rows = tf.mean(squares, 1);
      return tf.sqrt(norm === 'row' ? tf.max(rows) : tf.mean(rows));
    });
    try {
      return (await scalar.data())[0]!;
    } finally {
      scalar.dispose();
    }
  }

  return {
    name,
    order: pair.order,
    stochastic: false,
    nfe: (steps) => steps * (1 + maximumAttempts * (stages - 1)),
    check({ process, kind, grid }: RunPlan): void {
      requireNoiseAndSignal(name, { process, grid });
      for (let i = 0; i + 1 < grid.length; i++) {
        const [t, r] = [grid[i]!, grid[i + 1]!];
        requireFiniteUpdate(name, t, r, named(flowStep({ process, kind }, tableau, t, r).end));
      }
    },
    async step(context: StepContext): Promise<tf.Tensor> {
      const { process, history } = context;
      const memoryKey = `${name} control`;
      const known = history.get(memoryKey) as Memory | undefined;
      const goal = noiseRatio(process, context.next);
      let t = context.t;
      let ratio = noiseRatio(process, t);
      // The first step of a run: the flow changes on the scale of ς.
      let memory: Memory = known ?? {
        size: 0.1 * ratio,
        lastError: 1,
        afterRejection: false,
        accepted: 0,
        rejected: 0,
      };
      let x = context.x;
      let first: tf.Tensor | undefined;
      let error = 0;
      let trial: tf.Tensor | undefined;
      try {
        for (let attempts = 0; ratio > goal; attempts++) {
          if (attempts >= maximumAttempts) {
            throw stuck(
              name,
              `more than ${maximumAttempts} inner steps were needed`,
              context,
              t,
              memory.size,
              error,
            );
          }
          if (memory.size < 1e-7 * ratio) {
            throw stuck(name, 'the step size fell to nothing', context, t, memory.size, error);
          }
          // No sliver is left for the end.
          const left = ratio - goal;
          const size = memory.size * 1.01 >= left ? left : Math.min(memory.size, left / 2);
          const r = size === left ? context.next : process.timeOfLambda(-Math.log(ratio - size));
          const form = flowStep(context, tableau, t, r);
          first ??= await context.predict(x, t);
          const predictions = [first];
          for (const stage of form.stages.slice(1)) {
            trial?.dispose();
            trial = formed(context, stage.state, x, predictions);
            predictions.push(await context.predict(trial, stage.t));
          }
          error = await measured(form.combination(pair.error), x, trial!, predictions);
          const accepted = error <= 1;
          memory = {
            ...controlled(memory, size, error, pair.errorOrder),
            accepted: memory.accepted + (accepted ? 1 : 0),
            rejected: memory.rejected + (accepted ? 0 : 1),
          };
          history.set(memoryKey, memory);
          onAttempt?.({ t, next: r, error, accepted: memory.accepted, rejected: memory.rejected });
          // Predictions are freed at once, so that memory does not grow with the inner steps.
          tf.dispose(predictions.slice(1, -1));
          if (accepted) {
            first.dispose();
            first = predictions.at(-1)!;
            if (x !== context.x) x.dispose();
            x = trial!;
            trial = undefined;
            ratio = size === left ? goal : ratio - size;
            t = r;
          } else {
            tf.dispose([trial!, predictions.at(-1)!]);
            trial = undefined;
          }
        }
        return x;
      } catch (thrown) {
        trial?.dispose();
        if (x !== context.x) x.dispose();
        throw thrown;
      }
    },
  };
}
