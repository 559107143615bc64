/**
 * Metropolis-adjusted Langevin steps at a fixed time t (`malaStep`): p_t is stationary exactly, for every step size, so
 * that as a corrector it mends without an error of its own, and alone (`annealed`) it has none but that of mixing.
 *
 * Needs log p_t up to a constant that may depend on t, and a model whose score is that density's: exact models have both.
 * The default ε = σ(t)² is what a density of Lipschitz constant 1/σ² bears in few dimensions; in d dimensions ε of the
 * order of σ² d^{−1/3} keeps the acceptance. At a time without noise the corrector does nothing.
 */
import { DomainError, fold, requireInteger, requirePositive, ShapeError, shown } from '@diff/core';
import { conversion } from '@diff/score';
import * as tf from '@tensorflow/tfjs-core';
import type { Corrector, CorrectorContext } from './corrector.ts';
import type { StepSize } from './langevin-corrector.ts';
import { type MalaState, malaStep } from './mala-step.ts';
import { requireFiniteUpdate, weighted } from './update.ts';

export interface MalaCorrectorOptions {
  /** log p_t at x [n, …event] up to a constant, [n]; a new tensor: `model.logDensity` of an exact model. */
  readonly logDensity: (x: tf.Tensor, t: number) => tf.Tensor | Promise<tf.Tensor>;
  /** ε > 0 in squared units of x, or ε(t); default σ(t)². */
  readonly stepSize?: StepSize;
  /** Steps a call; default 1. */
  readonly steps?: number;
  /** Called after each step with 1 for rows that moved and 0 for others, [n], which is gone after the call. */
  readonly onAccept?: (report: {
    readonly t: number;
    readonly accepted: tf.Tensor1D;
  }) => void | Promise<void>;
}

const WHERE = 'malaCorrector';

/**
 * Metropolis-adjusted Langevin corrector.
 *
 * @returns a corrector for `predictorCorrector` and `annealed`, with `steps` + 1 evaluations a call.
 * @throws DomainError for a step size that is not positive; in a run, ShapeError for a density not of shape [n].
 * @example
 * ```ts
 * import { annealed, malaCorrector } from '@diff/samplers';
 * import { gaussianMixture } from '@diff/score';
 * import { edm } from '@diff/sde';
 * const model = gaussianMixture({ process: edm(), means: [[1, 1], [-1, -1]], variance: 0.1 });
 * const sampler = annealed({ corrector: malaCorrector({ logDensity: model.logDensity, steps: 3 }) });
 * ```
 */
export function malaCorrector({
  logDensity,
  stepSize,
  steps = 1,
  onAccept,
}: MalaCorrectorOptions): Corrector {
  if (typeof logDensity !== 'function') {
    throw new DomainError(
      `${WHERE}: logDensity must be a function of x and t, got ${shown(logDensity)}. Pass logDensity of an exact model, or use langevinCorrector.`,
    );
  }
  requireInteger(WHERE, 'steps', steps, 1);
  if (stepSize !== undefined && typeof stepSize !== 'function') requirePositive(WHERE, 'stepSize', stepSize);
  const size = (t: number, sigma: number): number => {
    if (stepSize === undefined) return sigma * sigma;
    return typeof stepSize === 'number' ? stepSize : requirePositive(WHERE, 'stepSize', stepSize(t));
  };

  return {
    name: 'mala',
    nfe: steps + 1,
    check({ process, kind }, t): void {
      const sigma = process.sigma(t);
      if (sigma === 0) return;
      requireFiniteUpdate(WHERE, t, t, {
        epsilon: size(t, sigma),
        ...conversion(process, t, kind, 'score'),
      });
    },
    async correct(context: CorrectorContext): Promise<tf.Tensor> {
      const { process, kind, t, key, firstRow } = context;
      const sigma = process.sigma(t);
      if (sigma === 0) return tf.clone(context.x);
      const q = conversion(process, t, kind, 'score');
      const score = async (x: tf.Tensor): Promise<tf.Tensor> => {
        const prediction = await context.predict(x, t);
        const terms = [[q.p, prediction] as const, [q.x, x] as const];
        const value = weighted(context, terms, q.constant, 0);
        prediction.dispose();
        return value;
      };
      const density = async (x: tf.Tensor): Promise<tf.Tensor> => {
        const value = await logDensity(x, t);
        if (value?.shape?.length === 1 && value.shape[0] === x.shape[0]) return value;
        tf.dispose(value);
        throw new ShapeError(
          `${WHERE}: logDensity must return a tensor of shape [${x.shape[0]}], got ${shown(value)}. Return one number for each row.`,
        );
      };
      const epsilon = size(t, sigma);
      let state: MalaState | undefined;
      try {
        const first = await density(context.x);
        try {
          const at = await score(context.x);
          state = { x: tf.clone(context.x), score: at, logDensity: first };
        } catch (error) {
          first.dispose();
          throw error;
        }
        for (let i = 0; i < steps; i++) {
          const draw = { epsilon, key: fold(key, i), firstRow };
          const moved = await malaStep(state, { ...draw, score, logDensity: density });
          tf.dispose({ ...state });
          state = moved.state;
          try {
            await onAccept?.({ t, accepted: moved.accepted });
          } finally {
            moved.accepted.dispose();
          }
        }
        return tf.clone(state.x);
      } finally {
        if (state) tf.dispose({ ...state });
      }
    },
  };
}
