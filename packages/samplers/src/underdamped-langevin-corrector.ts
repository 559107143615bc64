/**
 * Underdamped Langevin corrector (Chen et al. 2023, DPUM's corrector; MATH §5): at a fixed time t, a fresh velocity
 * v ~ N(0, I), then `steps` exact steps of dx = v ds, dv = (score − γ v) ds + √(2γ) dB with the score held over each
 * (`underdampedStep`). It keeps p_t up to O(h²) for a fixed number of steps; with momentum the √ of the time that
 * overdamped Langevin needs is enough.
 *
 * For an L-smooth score γ is of the order of √L and the whole time of 1/√L; L ≈ 1/σ² where little signal is left, which
 * is the default: γ = 2/σ(t), h = σ(t)/(4·steps). At a time without noise the corrector does nothing.
 *
 * The law of v is the same at all times, so it may be kept from call to call too: `velocity: 'kept'`, with which
 * `annealed` is annealed underdamped Langevin dynamics. The bias is then O(h), as that of `underdampedLangevin`.
 */
import { fold, normal, requireInteger, requireOneOf, requirePositive } from '@diff/core';
import { conversion } from '@diff/score';
import * as tf from '@tensorflow/tfjs-core';
import type { Corrector, CorrectorContext } from './corrector.ts';
import type { StepSize } from './langevin-corrector.ts';
import { movedPosition, movedVelocity } from './underdamped-move.ts';
import { underdampedStep } from './underdamped-step.ts';
import { requireFiniteUpdate } from './update.ts';

export interface UnderdampedLangevinCorrectorOptions {
  /** h > 0, time of one step in units of x (v has unit variance), or h(t); default σ(t)/(4·steps). */
  readonly stepSize?: StepSize;
  /** γ > 0, or γ(t); default 2/σ(t). */
  readonly friction?: StepSize;
  /** Steps a call; default 1. */
  readonly steps?: number;
  /** 'fresh' (default): drawn anew in each call. 'kept': goes on from the last call of the run. */
  readonly velocity?: 'fresh' | 'kept';
}

const WHERE = 'underdampedLangevinCorrector';
/** In the run's history. */
const VELOCITY = 'underdampedVelocity';

function checked(name: string, value: StepSize): (t: number) => number {
  if (typeof value === 'function') return (t) => requirePositive(WHERE, name, value(t));
  requirePositive(WHERE, name, value);
  return () => value;
}

/**
 * Underdamped Langevin corrector.
 *
 * @returns a corrector for `predictorCorrector` and `dpum`, with `steps` evaluations a call.
 * @throws DomainError for a step size or friction that is not positive.
 * @example
 * ```ts
 * import { underdampedLangevinCorrector } from '@diff/samplers';
 * const corrector = underdampedLangevinCorrector({ steps: 2 });
 * ```
 */
export function underdampedLangevinCorrector({
  stepSize,
  friction,
  steps = 1,
  velocity = 'fresh',
}: UnderdampedLangevinCorrectorOptions = {}): Corrector {
  requireInteger(WHERE, 'steps', steps, 1);
  requireOneOf(WHERE, 'velocity', velocity, ['fresh', 'kept']);
  const kept = velocity === 'kept';
  const size = stepSize === undefined ? undefined : checked('stepSize', stepSize);
  const damping = friction === undefined ? undefined : checked('friction', friction);
  const hOf = (t: number, sigma: number): number => size?.(t) ?? sigma / (4 * steps);
  const gammaOf = (t: number, sigma: number): number => damping?.(t) ?? 2 / sigma;
  return {
    name: 'underdampedLangevin',
    nfe: steps,
    order: kept ? 1 : 2,
    check({ process, kind }, t): void {
      const sigma = process.sigma(t);
      if (sigma === 0) return;
      requireFiniteUpdate(WHERE, t, t, {
        ...underdampedStep(hOf(t, sigma), gammaOf(t, sigma)),
        ...conversion(process, t, kind, 'score'),
      });
    },
    async correct(context: CorrectorContext): Promise<tf.Tensor> {
      const { process, kind, t, key, firstRow } = context;
      const sigma = process.sigma(t);
      if (sigma === 0) return tf.clone(context.x);
      const w = underdampedStep(hOf(t, sigma), gammaOf(t, sigma));
      const q = conversion(process, t, kind, 'score');
      let x = context.x;
      const last = context.history.get(VELOCITY) as tf.Tensor | undefined;
      let v = kept && last ? tf.clone(last) : normal(fold(key, 0), x.shape, { firstRow });
      try {
        for (let i = 0; i < steps; i++) {
          const state = { x, v, prediction: await context.predict(x, t) };
          const draws = { first: fold(key, 2 * i + 1), second: fold(key, 2 * i + 2), firstRow };
          const position = movedPosition(w, q, state, draws);
          if (kept || i + 1 < steps) {
            v = movedVelocity(w, q, state, draws);
            state.v.dispose();
          }
          state.prediction.dispose();
          if (x !== context.x) x.dispose();
          x = position;
        }
        if (kept) {
          last?.dispose();
          context.history.set(VELOCITY, tf.clone(v));
        }
        return x;
      } catch (error) {
        if (x !== context.x) x.dispose();
        throw error;
      } finally {
        v.dispose();
      }
    },
  };
}
