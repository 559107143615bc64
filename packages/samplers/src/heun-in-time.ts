/**
 * Second-order Runge–Kutta steps on the probability flow in the process's own time, dx/dt = v = f x + c − ½ g² score:
 *
 *   x₁ = x + ρ Δ v(x, t),   x' = x + Δ ((1 − 1/2ρ) v(x, t) + (1/2ρ) v(x₁, t + ρ Δ)),   Δ = r − t
 *
 * with ρ = 1 Heun's method, ρ = ½ the midpoint's and ρ = ⅔ Ralston's (Karras et al. 2022, appendix D.2, algorithm 3, whose
 * α is ρ). Unlike `heun()` it depends on how time and scale were chosen: with it, σ(t) and s(t) = α(t) are part of the
 * method, which is what that paper's comparison is about. Where α = 1 and σ(t) = t it is the same as `heun()`.
 *
 * Order 2; a step to σ = 0 is Euler's. Needs α > 0 and finite f and g at all times that it visits.
 */
import { DomainError, shown } from '@diff/core';
import { conversion } from '@diff/score';
import type * as tf from '@tensorflow/tfjs-core';
import type { RunPlan, Sampler, StepContext } from './sampler.ts';
import { requireFiniteUpdate, weighted } from './update.ts';

/** v = x·X + p·P + constant. */
interface Velocity {
  readonly x: number;
  readonly p: number;
  readonly constant: number;
}

function velocity({ process, kind }: Pick<RunPlan, 'process' | 'kind'>, t: number): Velocity {
  const q = conversion(process, t, kind, 'score');
  const half = -0.5 * process.diffusion(t) ** 2;
  return {
    x: process.drift(t) + half * q.x,
    p: half * q.p,
    constant: process.offset(t) + half * q.constant,
  };
}

/**
 * Second-order Runge–Kutta in the process's own time.
 *
 * @param options.node ρ in (0, 1], where in the step the second evaluation lies; default 1.
 * @returns a deterministic sampler of order 2 with two evaluations a step.
 * @throws DomainError unless 0 < node ≤ 1.
 * @example
 * ```ts
 * import { heunInTime } from '@diff/samplers';
 * const sampler = heunInTime({ node: 0.5 });
 * ```
 */
export function heunInTime({ node = 1 }: { readonly node?: number } = {}): Sampler {
  if (typeof node !== 'number' || !(node > 0 && node <= 1)) {
    throw new DomainError(
      `heunInTime: node must lie in (0, 1], got ${shown(node)}. Use 1 for Heun's method, 0.5 for the midpoint's.`,
    );
  }
  const inner = (t: number, r: number): number => (node === 1 ? r : t + node * (r - t));
  const last = 1 / (2 * node);
  return {
    name: 'heunInTime',
    order: 2,
    stochastic: false,
    nfe: (steps) => 2 * steps,
    check(plan: RunPlan): void {
      for (let i = 0; i + 1 < plan.grid.length; i++) {
        const [t, r] = [plan.grid[i]!, plan.grid[i + 1]!];
        requireFiniteUpdate('heunInTime', t, r, { ...velocity(plan, t) });
        if (plan.process.sigma(r) > 0)
          requireFiniteUpdate('heunInTime', t, r, { ...velocity(plan, inner(t, r)) });
      }
    },
    async step(context: StepContext): Promise<tf.Tensor> {
      const { x, t, next, process } = context;
      const delta = next - t;
      const v = velocity(context, t);
      const prediction = await context.predict(x, t);
      const euler = (size: number): tf.Tensor =>
        weighted(
          context,
          [
            [1 + size * v.x, x],
            [size * v.p, prediction],
          ],
          size * v.constant,
          0,
        );
      if (process.sigma(next) === 0) return euler(delta);
      const time = inner(t, next);
      const trial = euler(node * delta);
      try {
        const w = velocity(context, time);
        const second = await context.predict(trial, time);
        const [a, b] = [(1 - last) * delta, last * delta];
        return weighted(
          context,
          [
            [1 + a * v.x, x],
            [a * v.p, prediction],
            [b * w.x, trial],
            [b * w.p, second],
          ],
          a * v.constant + b * w.constant,
          0,
        );
      } finally {
        trial.dispose();
      }
    },
  };
}
