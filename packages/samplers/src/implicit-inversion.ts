/**
 * Exact inversion of a one-step sampler (Pan et al. 2023, "Effective real image editing with accelerated iterative
 * diffusion inversion"; Meiri et al. 2023, "Fixed-point inversion"): the state x_t from which the step to r leads to a
 * given x_r solves x_r = Φ(x_t). In y = (x − m)/α,
 *
 *   y_t ← y_t + f(y_t),   f(y_t) = y_r − Φ(y_t),      from y_t = y_r.
 *
 * For DDIM this is y_t = y_r + (ς_t − ς_r) ε̂(y_t, t), solved by substitution; its first iterate is the usual explicit
 * inversion with the model at t. It contracts where |1 − ∂Φ/∂y| < 1: for log-concave data always, by about 1 − ς_r/ς_t an
 * iteration, for several modes if the steps are short enough. From the second iteration on, each row is accelerated by
 * Anderson's method of depth 1 (Walker & Ni 2011): with Δ the change since the iteration before,
 *
 *   y_t ← y_t + f − θ (Δy + Δf),      θ = ⟨f, Δf⟩/|Δf|².
 */
import { combine, NumericalError } from '@diff/core';
import type { LinearProcess } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { fromFlow, toFlow } from './ascending-flow.ts';
import { innerStep } from './inner-step.ts';
import { noMemory } from './no-memory.ts';
import type { Sampler, StepContext } from './sampler.ts';

export interface FixedPointOptions {
  /** Largest |y_r − Φ(y_t)| relative to |y_t|, root mean squares over a row, > 0; default 1e-6. */
  readonly tolerance: number;
  /** Iterations allowed in one step. */
  readonly iterations: number;
}

/** An iterate and its residual f. */
interface Iterate {
  readonly y: tf.Tensor;
  readonly f: tf.Tensor;
}

/** Σ over each row of a product, [n]. */
function rowProducts(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  return tf.sum(tf.reshape(tf.mul(a, b), [a.shape[0]!, -1]), 1);
}

/** The largest |f|/|y| of the rows, on the host. */
async function residualOf({ y, f }: Iterate): Promise<number> {
  const worst = tf.tidy(() => tf.max(tf.sqrt(tf.divNoNan(rowProducts(f, f), rowProducts(y, y)))));
  try {
    return (await worst.data())[0]!;
  } finally {
    worst.dispose();
  }
}

/** The next y. */
function accelerated({ y, f }: Iterate, before: Iterate | undefined): tf.Tensor {
  if (!before) return tf.add(y, f);
  return tf.tidy(() => {
    const change = tf.sub(f, before.f);
    const theta = tf.divNoNan(rowProducts(f, change), rowProducts(change, change));
    const keep = tf.sub(1, theta);
    return combine([
      [keep, y],
      [keep, f],
      [theta, before.y],
      [theta, before.f],
    ]);
  });
}

/**
 * The state from which one step of the sampler leads to `context.x`.
 *
 * @param context the step to invert, from `context.t` down to `context.next`, but with x the state at its end.
 * @returns the state at `context.t`, owned by the caller.
 * @throws DomainError for a sampler with a memory; NumericalError when the iteration does not converge.
 */
export async function invertStep(
  sampler: Sampler,
  context: Omit<StepContext, 'history'> & { readonly process: LinearProcess },
  { tolerance, iterations }: FixedPointOptions,
): Promise<tf.Tensor> {
  const { process, x: end, t, next } = context;
  const goal = toFlow(process, end, next);
  const history = noMemory(
    `invert: an exact inversion needs a sampler whose steps do not depend on earlier ones, got ${sampler.name}. Use for example ddim(), heun() or rungeKutta4(), or method 'explicit'.`,
  );
  let y = tf.clone(goal);
  let before: Iterate | undefined;
  let residual = Number.POSITIVE_INFINITY;

  /** f(y). */
  async function residualAt(at: tf.Tensor): Promise<tf.Tensor> {
    const owned: tf.Tensor[] = [fromFlow(process, at, t)];
    try {
      const stepped = await innerStep(sampler, { ...context, x: owned[0]!, history });
      owned.push(stepped);
      const reached = toFlow(process, stepped, next);
      owned.push(reached);
      return tf.sub(goal, reached);
    } finally {
      tf.dispose(owned);
    }
  }

  try {
    for (let i = 0; i < iterations; i++) {
      const f = await residualAt(y);
      try {
        residual = await residualOf({ y, f });
        if (residual <= tolerance) {
          f.dispose();
          return fromFlow(process, y, t);
        }
      } catch (error) {
        f.dispose();
        throw error;
      }
      const better = accelerated({ y, f }, before);
      if (before) tf.dispose([before.y, before.f]);
      before = { y, f };
      y = better;
    }
  } finally {
    tf.dispose(before ? [goal, y, before.y, before.f] : [goal, y]);
  }
  throw new NumericalError(
    `invert: the fixed-point iteration must converge to ${tolerance}, got a residual of ${residual} after ${iterations} iterations at t = ${t}, going to ${next}. ` +
      'Use a finer grid, allow more iterations, or a larger tolerance.',
  );
}
