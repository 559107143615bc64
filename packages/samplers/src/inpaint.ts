/**
 * Inpainting by replacement (Song et al. 2021, appendix I.2): after each step from t to r the seen elements are replaced
 * by what they would be at r,
 *
 *   x_r ← M (α_r k + m_r + σ_r ξ) + (1 − M) x_r,
 *
 * so that the model fills in the others around them. With `resamplings` U > 1 (RePaint: Lugmayr et al. 2022, algorithm 1)
 * the state then goes back up to t by the forward process, x_t = (α_t/α_r)(x_r − m_r) + m_t + √(σ_t² − (α_t/α_r)² σ_r²) ξ,
 * and the step is made again, U times in all, which lets both parts agree.
 *
 * No gradient is needed and the seen elements come out exactly (where the grid ends at σ = 0). It is *not* exact
 * sampling of the others given the seen ones, not even for Gaussians: at each time the seen elements are drawn afresh,
 * independently of the path so far. Measured for two standard normals of correlation 0.8 with the first one seen, 200 steps
 * of DDPM on VP and 2,000 samples: the second has 0.61 of the right mean and a variance of 0.48 for 0.36 at U = 1, 0.89
 * and 0.39 at U = 4, 0.98 and 0.36 at U = 16; DDIM is further off (0.44 and 0.60 at U = 1).
 */
import { combine, DomainError, fold, type Key, requireInteger, ShapeError, shown } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { innerStep } from './inner-step.ts';
import { noMemory } from './no-memory.ts';
import type { RunPlan, Sampler, StepContext } from './sampler.ts';

export interface InpaintOptions {
  /** Makes the steps; deterministic or stochastic. */
  readonly sampler: Sampler;
  /** 1 (or true) where x₀ is known and 0 where not: of an event's shape, or [n, …event]. Stays the caller's. */
  readonly mask: tf.Tensor;
  /** The data there; anything where the mask is 0. Of an event's shape, or [n, …event]. Stays the caller's. */
  readonly known: tf.Tensor;
  /** U, how often each step is made; default 1. More than 1 needs a sampler that does not remember earlier steps. */
  readonly resamplings?: number | undefined;
}

/** Throws unless x broadcasts against [n, …event]. */
function requireFit(name: string, x: tf.Tensor, shape: readonly number[]): void {
  const own = x?.shape;
  const skipped = shape.length - (own?.length ?? 0);
  const fits =
    Array.isArray(own) &&
    (skipped === 0 || skipped === 1) &&
    own.every((size, i) => size === shape[skipped + i] || (size === 1 && skipped + i === 0));
  if (!fits) {
    throw new ShapeError(
      `inpaint: ${name} must have the shape of a row, [${shape.slice(1).join(', ')}], or of the batch, [${shape.join(', ')}], got ${shown(x)}. Reshape it.`,
    );
  }
}

/**
 * A sampler that keeps known elements of the data, and fills in the others.
 *
 * @returns a stochastic sampler with `resamplings` times the evaluations; end its grid at 0 for known elements that come
 *   out exactly.
 * @throws DomainError unless `sampler` is a sampler and `resamplings` a positive integer; from the run for a sampler that
 *   remembers earlier steps, where there is more than one; ShapeError for tensors that do not fit the rows.
 * @example
 * ```ts
 * import { key } from '@diff/core';
 * import { ddpm, inpaint, sample } from '@diff/samplers';
 * import { gaussianMixture } from '@diff/score';
 * import { logSnrGrid, variancePreserving } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const process = variancePreserving();
 * const model = gaussianMixture({ process, means: [[1, 1], [-1, -1]], variance: 0.05 });
 * const sampler = inpaint({
 *   sampler: ddpm(),
 *   mask: tf.tensor1d([1, 0]),
 *   known: tf.tensor1d([0.9, 0]), // the second coordinate is to be found: it will be near 1
 *   resamplings: 4,
 * });
 * const grid = [...logSnrGrid({ process, steps: 30, end: 0.001 }), 0];
 * const samples = await sample({ model, sampler, grid, shape: [8, 2], key: key(1) });
 * ```
 */
export function inpaint({ sampler, mask, known, resamplings = 1 }: InpaintOptions): Sampler {
  if (typeof sampler?.step !== 'function') {
    throw new DomainError(
      `inpaint: sampler must be a sampler, got ${shown(sampler)}. Make one with a factory, for example ddpm().`,
    );
  }
  requireInteger('inpaint', 'resamplings', resamplings, 1);
  const refusal = `inpaint: resamplings above 1 need a sampler whose steps do not depend on earlier ones, got ${sampler.name}. Use for example ddpm() or ddim(), or resamplings: 1.`;

  /** The known elements under the noise of time r, in their places. */
  function replaced({ process, next: r, firstRow }: StepContext, x: tf.Tensor, key: Key): tf.Tensor {
    return tf.tidy(() => {
      const whole = tf.broadcastTo(tf.cast(known, 'float32'), x.shape);
      const noisy = combine([[process.alpha(r), whole]], {
        constant: process.mean(r),
        noise: [process.sigma(r), key],
        firstRow,
      });
      return tf.where(tf.cast(tf.broadcastTo(mask, x.shape), 'bool'), noisy, x);
    });
  }

  /** From r back up to t. */
  function raised({ process, t, next: r, firstRow }: StepContext, x: tf.Tensor, key: Key): tf.Tensor {
    const ratio = process.alpha(t) / process.alpha(r);
    const noise = Math.sqrt(Math.max(0, process.sigma(t) ** 2 - (ratio * process.sigma(r)) ** 2));
    const constant = process.mean(t) - ratio * process.mean(r);
    return combine([[ratio, x]], { constant, noise: [noise, key], firstRow });
  }

  return {
    name: `inpaint(${sampler.name}${resamplings > 1 ? `, ${resamplings} times` : ''})`,
    order: sampler.order,
    stochastic: true,
    nfe: (steps) => resamplings * sampler.nfe(steps),
    check: (plan: RunPlan) => sampler.check?.(plan),
    async step(context: StepContext): Promise<tf.Tensor> {
      requireFit('mask', mask, context.x.shape);
      requireFit('known', known, context.x.shape);
      const history = resamplings === 1 ? context.history : noMemory(refusal);
      let x = context.x;
      for (let pass = 0; ; pass++) {
        const passKey = fold(context.key, pass);
        const owned: tf.Tensor[] = x === context.x ? [] : [x];
        try {
          const stepped = await innerStep(sampler, {
            ...context,
            x,
            history,
            key: fold(passKey, 0),
            // The path has one increment for the step, which the first pass has used.
            brownian: pass === 0 ? context.brownian : undefined,
          });
          if (stepped !== context.x) owned.push(stepped);
          const filled = replaced(context, stepped, fold(passKey, 1));
          if (pass === resamplings - 1) return filled;
          owned.push(filled);
          x = raised(context, filled, fold(passKey, 2));
        } finally {
          tf.dispose(owned);
        }
      }
    },
  };
}
