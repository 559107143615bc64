/**
 * The stochastic sampler of Karras et al. 2022 (Algorithm 2): before each step the noise level ς = σ/α is raised by
 * "churn", then a deterministic step goes down from there. With y = (x − m)/α and N steps,
 *
 *   γ = min(churn/N, √2 − 1) where ς_min ≤ ς_t ≤ ς_max, else 0
 *   ς̂ = (1 + γ) ς_t,   ŷ = y + s √(ς̂² − ς_t²) ξ,   y' = step of `solver` from ς̂ to ς_r
 *
 * A level above that of the process's horizon is held at the horizon. Where γ = 0 the step is the solver's own.
 * (Algorithm 3 of the paper's appendix, the ablation sampler, is this with `heunInTime`, or with Euler–Maruyama at b = 0.)
 * k-diffusion's churned `sample_euler`, `sample_heun` and `sample_dpm_2` are these with the three solvers.
 *
 * Raising is exact for s = 1: X at ς_t with noise added has the law at ς̂. So in the law at the grid's times the order
 * is the solver's; with s ≠ 1 the method does not converge to the data law. One more `combine` than the solver.
 */
import { DomainError, requireOneOf, shown } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { requireNoiseScale } from './ancestral-step.ts';
import { ddim } from './ddim.ts';
import { dpm2 } from './dpm2.ts';
import { heun } from './heun.ts';
import { noMemory } from './no-memory.ts';
import type { RunPlan, Sampler, StepContext } from './sampler.ts';
import { requireFiniteUpdate, weighted } from './update.ts';

export interface EdmStochasticOptions {
  /** Total churn of a run, ≥ 0 (S_churn); a step raises its noise level by churn/steps, at most by √2 − 1. */
  readonly churn: number;
  /** Least noise level σ/α at which noise is added (S_tmin); default 0. */
  readonly from?: number;
  /** Largest noise level at which noise is added (S_tmax); default ∞. */
  readonly upTo?: number;
  /** Factor on the added noise, ≥ 0 (S_noise); default 1. */
  readonly noiseScale?: number;
  /** The deterministic step; default 'heun'. A sampler that does not remember earlier steps, such as `heunInTime()`, may stand here too. */
  readonly solver?: 'euler' | 'heun' | 'dpm2' | Sampler;
}

interface Raise {
  /** The raised time. */
  readonly t: number;
  readonly x: number;
  readonly constant: number;
  readonly noise: number;
}

const SOLVERS = { euler: () => ddim(), heun, dpm2 };

function solverOf(solver: keyof typeof SOLVERS | Sampler): Sampler {
  if (typeof solver !== 'object') {
    requireOneOf('edmStochastic', 'solver', solver, ['euler', 'heun', 'dpm2']);
    return SOLVERS[solver]();
  }
  if (typeof solver?.step !== 'function' || solver.stochastic) {
    throw new DomainError(
      `edmStochastic: solver must be a deterministic sampler, got ${shown(solver)}. Pass for example heunInTime().`,
    );
  }
  return solver;
}

function requireLevel(name: string, value: unknown): void {
  if (typeof value !== 'number' || !(value >= 0)) {
    throw new DomainError(
      `edmStochastic: ${name} must be a number of at least 0, got ${shown(value)}. Give a noise level σ/α.`,
    );
  }
}

/**
 * EDM's sampler with churn, on any linear process.
 *
 * @returns a sampler with the evaluations of its solver: two a step for 'heun' and 'dpm2', one for 'euler'.
 * @throws DomainError for a negative churn, level or scale, and for an unknown solver; in a run for one that remembers
 *   earlier steps.
 * @example
 * ```ts
 * import { edmStochastic } from '@diff/samplers';
 * const sampler = edmStochastic({ churn: 40, from: 0.05, upTo: 50, noiseScale: 1.003 });
 * ```
 */
export function edmStochastic({
  churn,
  from = 0,
  upTo = Number.POSITIVE_INFINITY,
  noiseScale = 1,
  solver = 'heun',
}: EdmStochasticOptions): Sampler {
  if (typeof churn !== 'number' || !Number.isFinite(churn) || churn < 0) {
    throw new DomainError(
      `edmStochastic: churn must be a finite number of at least 0, got ${shown(churn)}. Use 0 for the deterministic sampler.`,
    );
  }
  requireLevel('from', from);
  requireLevel('upTo', upTo);
  requireNoiseScale('edmStochastic', noiseScale);
  const inner = solverOf(solver);
  const history = noMemory(
    `edmStochastic: solver must be a sampler whose steps do not depend on earlier ones, from which the raised state has moved away, got ${inner.name}. Use for example heunInTime() or rungeKutta4().`,
  );

  /** How the state at t is raised; undefined where it is not. */
  function raise({ process, grid }: RunPlan, index: number): Raise | undefined {
    const t = grid[index]!;
    const gamma = Math.min(churn / (grid.length - 1), Math.SQRT2 - 1);
    const [alpha, sigma] = [process.alpha(t), process.sigma(t)];
    const level = sigma / alpha;
    if (gamma === 0 || alpha === 0 || level < from || level > upTo || t >= process.T) return undefined;
    const raised = process.lambda(t) - Math.log1p(gamma);
    const inside = raised > process.lambda(process.T);
    const hat = inside ? process.timeOfLambda(raised) : process.T;
    const alphaHat = process.alpha(hat);
    if (alphaHat === 0) return undefined;
    const x = alphaHat / alpha;
    const ratio = inside ? 1 + gamma : process.sigma(hat) / alphaHat / level;
    return {
      t: hat,
      x,
      constant: process.mean(hat) - x * process.mean(t),
      noise: noiseScale * x * sigma * Math.sqrt((ratio - 1) * (ratio + 1)),
    };
  }

  return {
    name: `edmStochastic(${typeof solver === 'string' ? solver : inner.name})`,
    order: inner.order,
    strongOrder: churn > 0 && noiseScale > 0 ? 1 : undefined,
    stochastic: churn > 0 && noiseScale > 0,
    nfe: inner.nfe,
    check(plan: RunPlan): void {
      for (let i = 0; i + 1 < plan.grid.length; i++) {
        const [t, r] = [plan.grid[i]!, plan.grid[i + 1]!];
        const up = raise(plan, i);
        if (up) requireFiniteUpdate('edmStochastic', t, r, { ...up });
        inner.check?.({ ...plan, grid: [up ? up.t : t, r] });
      }
    },
    async step(context: StepContext): Promise<tf.Tensor> {
      const up = raise(context, context.index);
      if (!up) return inner.step({ ...context, history });
      const x = weighted(context, [[up.x, context.x]], up.constant, up.noise);
      try {
        const { next } = context;
        return await inner.step({ ...context, x, t: up.t, grid: [up.t, next], index: 0, steps: 1, history });
      } finally {
        tf.dispose(x);
      }
    },
  };
}
