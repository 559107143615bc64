/**
 * The reverse SDE with as many inner steps in each interval of the grid as a tolerance asks for, in the variables of
 * `additiveStep` (y = (x − m)/α, ς = σ/α), two evaluations an inner step:
 *
 *   'shark'  ShARK; its partner is Euler's step from the same shifted state
 *   'heun'   the stochastic improved Euler scheme (Jolicoeur-Martineau et al. 2021, "Gotta go fast", algorithm 1; Lamba 2003);
 *            its partner is Euler–Maruyama's step
 *
 * The error e = |x' − partner| / (absolute + relative·max(|x|, |x'|)), root mean square over the elements of a row, and
 * then the largest row's or the batch's; accepted where e ≤ 1, with x' as the new state, and the PI control of
 * `adaptiveFlowSampler`.
 *
 * The noise is that of one Brownian path: the run's (`brownian`) or one of the interval's own. A step that is rejected is
 * tried shorter on the same path, so nothing is redrawn until it suits, which would favour small increments and bias the
 * law; and runs at several tolerances converge to one limit, path by path. The path's tolerance bounds the step from below.
 * All rows share their steps, so cutting a batch changes results, within the tolerance.
 */
import { requireInteger, requireOneOf } from '@diff/core';
import type { NoiseLevel } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import {
  type AdaptiveFlowOptions,
  adaptiveTolerance,
  requireNoiseAndSignal,
  stuck,
} from './adaptive-flow-sampler.ts';
import {
  type AdditiveTableau,
  additiveStep,
  formedWithNoise,
  namedWithNoise,
  noisePair,
} from './additive-runge-kutta.ts';
import { type BrownianPath, brownianTree } from './brownian-tree.ts';
import { noiseRatio } from './flow-runge-kutta.ts';
import { noiseLevelFunction } from './noise-level.ts';
import type { RunPlan, Sampler, StepContext } from './sampler.ts';
import { SHARK } from './shark.ts';
import { controlled, type StepControl } from './step-control.ts';
import { requireFiniteUpdate } from './update.ts';

export interface AdaptiveSdeOptions extends AdaptiveFlowOptions {
  /** b ≥ 0, or b(t); default 1. */
  readonly noiseLevel?: NoiseLevel;
  /** Default 'shark'. */
  readonly scheme?: 'shark' | 'heun';
}

interface Memory extends StepControl {
  readonly accepted: number;
  readonly rejected: number;
}

const HEUN: AdditiveTableau = {
  nodes: [0, 1],
  drift: [[], [1]],
  increment: [0, 1],
  area: [0, 0],
  weights: [1 / 2, 1 / 2],
};

const TABLEAUX = { shark: SHARK, heun: HEUN };

/** The run's path, or one for this interval whose shortest step is far below what a tolerance asks for. */
function pathOf({ brownian, key, t, next }: StepContext): BrownianPath {
  if (brownian) return brownian;
  const length = t - next;
  const shortest = Math.max(length * 2 ** -40, Math.min(length * 2 ** -16, 1e-4 * next));
  return brownianTree({ key, from: next, to: t, tolerance: shortest });
}

/**
 * Adaptive steps on the reverse SDE. A tolerance far above the default lets through steps that the explicit schemes do not
 * bear (see `shark`).
 *
 * @param options tolerances default to 1e-2; a small batch at 1e-3 takes some hundreds of steps.
 * @returns a sampler of strong order 1.5 ('heun': 1) in the inner step; `nfe` is the bound that maximumAttempts gives.
 * @throws DomainError for a tolerance of 0 or below; in a run NumericalError where no step size meets the tolerance,
 *   naming time and step size.
 * @example
 * ```ts
 * import { adaptiveSde } from '@diff/samplers';
 * const sampler = adaptiveSde({ relativeTolerance: 0.02, absoluteTolerance: 0.02, noiseLevel: 1 });
 * ```
 */
export function adaptiveSde(options: AdaptiveSdeOptions = {}): Sampler {
  const { scheme = 'shark', norm = 'row', maximumAttempts = 1000, noiseLevel = 1, onAttempt } = options;
  const relative = adaptiveTolerance('adaptiveSde', 'relativeTolerance', options.relativeTolerance ?? 1e-2);
  const absolute = adaptiveTolerance('adaptiveSde', 'absoluteTolerance', options.absoluteTolerance ?? 1e-2);
  requireOneOf('adaptiveSde', 'norm', norm, ['row', 'batch']);
  requireOneOf('adaptiveSde', 'scheme', scheme, ['shark', 'heun']);
  requireInteger('adaptiveSde', 'maximumAttempts', maximumAttempts, 1);
  const b = noiseLevelFunction('adaptiveSde', noiseLevel);
  const tableau = TABLEAUX[scheme];
  const difference = tableau.weights.map((w, j) => w - (j === 0 ? 1 : 0));

  async function measured(error: tf.Tensor, x: tf.Tensor, trial: tf.Tensor): Promise<number> {
    const scalar = tf.tidy(() => {
      const allowed = tf.add(absolute, tf.mul(relative, tf.maximum(tf.abs(x), tf.abs(trial))));
      const rows = tf.mean(tf.reshape(tf.square(tf.div(error, allowed)), [x.shape[0]!, -1]), 1);
      return tf.sqrt(norm === 'row' ? tf.max(rows) : tf.mean(rows));
    });
    try {
      return (await scalar.data())[0]!;
    } finally {
      scalar.dispose();
    }
  }

  /** One inner step: the state that it reaches and its error in tolerances. */
  async function attempt(
    context: StepContext,
    x: tf.Tensor,
    t: number,
    r: number,
  ): Promise<{ readonly trial: tf.Tensor; readonly error: number }> {
    const form = additiveStep(context, tableau, t, r, b);
    const noisy = [...form.stages.map((s) => s.state), form.end].some(
      (s) => s.increment !== 0 || s.area !== 0,
    );
    const pair = noisy ? noisePair(context, x.shape, t, r) : [];
    const predictions: tf.Tensor[] = [];
    const made: tf.Tensor[] = [...pair];
    try {
      for (const { t: time, state } of form.stages) {
        const at = formedWithNoise(state, x, predictions, pair);
        made.push(at);
        predictions.push(await context.predict(at, time));
      }
      const error = formedWithNoise(form.combination(difference), x, predictions, pair);
      made.push(error);
      const trial = formedWithNoise(form.end, x, predictions, pair);
      try {
        return { trial, error: await measured(error, x, trial) };
      } catch (thrown) {
        trial.dispose();
        throw thrown;
      }
    } finally {
      // Predictions are freed at once, so that memory does not grow with the inner steps.
      tf.dispose([...made, ...predictions]);
    }
  }

  return {
    name: `adaptiveSde(${scheme})`,
    order: 2,
    strongOrder: noiseLevel === 0 ? undefined : scheme === 'shark' ? 1.5 : 1,
    stochastic: noiseLevel !== 0,
    nfe: (steps) => steps * maximumAttempts * tableau.nodes.length,
    check(plan: RunPlan): void {
      requireNoiseAndSignal('adaptiveSde', plan);
      for (let i = 0; i + 1 < plan.grid.length; i++) {
        const [t, r] = [plan.grid[i]!, plan.grid[i + 1]!];
        requireFiniteUpdate('adaptiveSde', t, r, namedWithNoise(additiveStep(plan, tableau, t, r, b).end));
      }
    },
    async step(context: StepContext): Promise<tf.Tensor> {
      const { process, history } = context;
      const known = history.get('adaptiveSde') as Memory | undefined;
      const path = pathOf(context);
      const onPath = { ...context, brownian: path };
      const goal = noiseRatio(process, context.next);
      let [t, ratio, x] = [context.t, noiseRatio(process, context.t), context.x];
      let memory = known ?? {
        size: 0.1 * ratio,
        lastError: 1,
        afterRejection: false,
        accepted: 0,
        rejected: 0,
      };
      let error = 0;
      try {
        for (let attempts = 0; ratio > goal; attempts++) {
          if (attempts >= maximumAttempts) {
            const why = `more than ${maximumAttempts} inner steps were needed`;
            throw stuck('adaptiveSde', why, context, t, memory.size, error);
          }
          const left = ratio - goal;
          const ends = memory.size * 1.01 >= left;
          const size = ends ? left : Math.min(memory.size, left / 2);
          const r = ends ? context.next : process.timeOfLambda(-Math.log(ratio - size));
          if (!(memory.size >= 1e-7 * ratio) || (!ends && t - r < path.tolerance)) {
            throw stuck('adaptiveSde', 'the step size fell to nothing', context, t, memory.size, error);
          }
          const made = await attempt(onPath, x, t, r);
          error = made.error;
          const accepted = error <= 1;
          memory = {
            // The noise in the estimate makes it of order 1.5 in the step.
            ...controlled(memory, size, error, 1.5),
            accepted: memory.accepted + (accepted ? 1 : 0),
            rejected: memory.rejected + (accepted ? 0 : 1),
          };
          history.set('adaptiveSde', memory);
          onAttempt?.({ t, next: r, error, accepted: memory.accepted, rejected: memory.rejected });
          if (!accepted) {
            made.trial.dispose();
            continue;
          }
          if (x !== context.x) x.dispose();
          x = made.trial;
          ratio = ends ? goal : ratio - size;
          t = r;
        }
        return x;
      } catch (thrown) {
        if (x !== context.x) x.dispose();
        throw thrown;
      }
    },
  };
}
