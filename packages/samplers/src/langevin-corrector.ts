/**
 * Langevin steps at a fixed time t (Song et al. 2021, Algorithms 4 and 5; MATH 6.18):
 *
 *   x ← x + ε score(x, t) + √(2ε) ξ
 *
 * with ε given, as a number or a function of t, or from a signal-to-noise ratio r between |ε score| and |√(2ε) ξ|:
 *
 *   'expected'  ε   = 2 r² σ²                           uses E|score|² ≤ d/σ²; one number for all rows (the default)
 *   'row'       ε_i = min(2 r² d/|score_i|², σ²)        each row its own; rows stay independent
 *   'batch'     ε   = 2 r² (mean|ξ_i| / mean|score_i|)²  as score_sde does: every row then depends on its batch
 *
 * Unadjusted: its stationary law is p_t up to O(ε). With 'row' the step depends on the state, which adds a bias of
 * its own that no smaller r takes away: rows stay longer where they move less, and the stationary law is p_t/ε, hence
 * p_t |score|² where the bound σ² does not act. A Gaussian so gets up to 1 + 2/d times its variance: 3 times on the line,
 * twice in the plane, nothing to speak of in images. At a time without noise (σ = 0), where the score is not defined by
 * every prediction, the corrector does nothing.
 */
import {
  combine,
  DomainError,
  fold,
  normal,
  requireInteger,
  requireOneOf,
  requirePositive,
} from '@diff/core';
import { conversion } from '@diff/score';
import * as tf from '@tensorflow/tfjs-core';
import type { Corrector, CorrectorContext } from './corrector.ts';
import { requireFiniteUpdate, weighted } from './update.ts';

/** A positive number, or a function of forward time. */
export type StepSize = number | ((t: number) => number);

export interface LangevinCorrectorOptions {
  /** ε > 0 in squared units of x. Give this or `signalToNoise`. */
  readonly stepSize?: StepSize;
  /** r > 0; the literature uses 0.05 to 0.2. */
  readonly signalToNoise?: StepSize;
  /** Which norms the ratio is taken of; default 'expected'. */
  readonly norms?: 'expected' | 'row' | 'batch';
  /** Langevin steps a call; default 1. */
  readonly steps?: number;
}

/** The option as a function of t whose values are checked; a number is checked at once. */
function checked(name: string, value: StepSize): (t: number) => number {
  if (typeof value === 'function') return (t) => requirePositive('langevinCorrector', name, value(t));
  requirePositive('langevinCorrector', name, value);
  return () => value;
}

const rowNorms = (x: tf.Tensor): tf.Tensor1D =>
  tf.sqrt(tf.sum(tf.square(tf.reshape(x, [x.shape[0]!, -1])), 1));

/**
 * Langevin corrector.
 *
 * @returns a corrector for `predictorCorrector`, with `steps` evaluations a call.
 * @throws DomainError unless exactly one of stepSize and signalToNoise is given, and positive.
 * @example
 * ```ts
 * import { langevinCorrector } from '@diff/samplers';
 * const corrector = langevinCorrector({ signalToNoise: 0.16, steps: 1 });
 * ```
 */
export function langevinCorrector(options: LangevinCorrectorOptions): Corrector {
  const { stepSize, signalToNoise, norms = 'expected', steps = 1 } = options;
  if ((stepSize === undefined) === (signalToNoise === undefined)) {
    throw new DomainError(
      `langevinCorrector: exactly one of stepSize and signalToNoise must be given, got ${stepSize === undefined ? 'neither' : 'both'}. Try { signalToNoise: 0.16 }.`,
    );
  }
  requireOneOf('langevinCorrector', 'norms', norms, ['expected', 'row', 'batch']);
  requireInteger('langevinCorrector', 'steps', steps, 1);
  const size = stepSize === undefined ? undefined : checked('stepSize', stepSize);
  const ratio = signalToNoise === undefined ? undefined : checked('signalToNoise', signalToNoise);

  /** ε where it is one number known beforehand. */
  const fixed = (t: number, sigma: number): number | undefined =>
    size?.(t) ?? (norms === 'expected' ? 2 * (ratio!(t) * sigma) ** 2 : undefined);

  /** A step whose ε is found from the score's norms, on the device. */
  function measured(context: CorrectorContext, prediction: tf.Tensor, sigma: number): tf.Tensor {
    const { process, kind, x, t, key, firstRow } = context;
    const r = ratio!(t);
    const q = conversion(process, t, kind, 'score');
    return tf.tidy(() => {
      const score = weighted(
        context,
        [
          [q.p, prediction],
          [q.x, x],
        ],
        q.constant,
        0,
      );
      const n = x.shape[0]!;
      if (norms === 'row') {
        const most = 2 * r * r * (x.size / n);
        const squared = tf.maximum(tf.square(rowNorms(score)), most / sigma ** 2);
        const epsilon = tf.div(most, squared);
        return combine(
          [
            [1, x],
            [epsilon, score],
          ],
          { noise: [tf.sqrt(tf.mul(2, epsilon)), key], firstRow },
        );
      }
      const noise = normal(key, x.shape, { firstRow });
      const quotient = tf.div(tf.mean(rowNorms(noise)), tf.mean(rowNorms(score)));
      const epsilon = tf.mul(tf.fill([n], 2 * r * r), tf.square(quotient));
      return combine([
        [1, x],
        [epsilon, score],
        [tf.sqrt(tf.mul(2, epsilon)), noise],
      ]);
    });
  }

  async function once(context: CorrectorContext): Promise<tf.Tensor> {
    const { process, kind, x, t } = context;
    const sigma = process.sigma(t);
    const prediction = await context.predict(x, t);
    try {
      const epsilon = fixed(t, sigma);
      if (epsilon === undefined) return measured(context, prediction, sigma);
      const q = conversion(process, t, kind, 'score');
      const terms: [number, tf.Tensor][] = [
        [1 + epsilon * q.x, x],
        [epsilon * q.p, prediction],
      ];
      return weighted(context, terms, epsilon * q.constant, Math.sqrt(2 * epsilon));
    } finally {
      prediction.dispose();
    }
  }

  return {
    name: 'langevin',
    nfe: steps,
    check({ process, kind }, t): void {
      const sigma = process.sigma(t);
      if (sigma === 0) return;
      const epsilon = fixed(t, sigma) ?? ratio!(t);
      requireFiniteUpdate('langevinCorrector', t, t, {
        epsilon,
        ...conversion(process, t, kind, 'score'),
      });
    },
    async correct(context: CorrectorContext): Promise<tf.Tensor> {
      if (context.process.sigma(context.t) === 0) return tf.clone(context.x);
      let x = context.x;
      try {
        for (let i = 0; i < steps; i++) {
          const moved = await once({ ...context, x, key: fold(context.key, i) });
          if (x !== context.x) x.dispose();
          x = moved;
        }
        return x;
      } catch (error) {
        if (x !== context.x) x.dispose();
        throw error;
      }
    },
  };
}
