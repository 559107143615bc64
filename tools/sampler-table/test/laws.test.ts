/**
 * The law that stochastic samplers reach on Gaussian data, at every noise level and on every process: exactly, by the
 * recursion on mean and variance, against the data's law as far as the order allows; and by 10⁵ samples in float32,
 * against the exact law of the run as far as 10⁵ samples allow.
 */
import {
  adaptiveSde,
  ddim,
  ddpm,
  dpm2Ancestral,
  dpmFast,
  dpmSolver,
  dpmSolver2sAncestral,
  dpmSolverSde,
  dpum,
  edmStochastic,
  erSde,
  eulerAncestral,
  eulerMaruyama,
  exponentialIntegrator,
  heun,
  langevinCorrector,
  predictorCorrector,
  refreshCorrector,
  restart,
  reverseDiffusion,
  type Sampler,
  saSolver,
  seeds2,
  seeds3,
  shark,
  sra1,
  underdampedLangevinCorrector,
} from '@diff/samplers';
import { describe, expect, test } from 'vitest';
import { marginal } from '../src/gaussian-law.ts';
import {
  AXES,
  exactLaws,
  expectMoments,
  gridOf,
  SETTINGS,
  type Setting,
  STEPS,
  sampledMoments,
} from './law-table.ts';

/** η with the noise that b has in the limit of small steps: η = 1 is b = 1. */
function methods(b: number, setting: Setting, steps: number): Sampler[] {
  return [
    eulerMaruyama({ noiseLevel: b }),
    eulerMaruyama({ noiseLevel: b, exactNoise: true }),
    ...(['score', 'noise', 'data'] as const).map((hold) => exponentialIntegrator({ hold, noiseLevel: b })),
    reverseDiffusion({ noiseLevel: b }),
    ddim({ eta: b }),
    ...(b === 1 ? [ddpm()] : []),
    eulerAncestral({ eta: b }),
    dpmSolver({ order: 2, noiseLevel: b }),
    dpmSolver({ order: 2, hold: 'noise', noiseLevel: b }),
    dpmSolver({ order: 3, noiseLevel: b }),
    saSolver({ noiseLevel: b }),
    dpm2Ancestral({ eta: b }),
    dpmSolver2sAncestral({ eta: b }),
    dpmSolverSde({ eta: b }),
    dpmFast({ evaluations: 3 * steps - 1, eta: b }),
    edmStochastic({ churn: 10 * b }),
    sra1({ noiseLevel: b }),
    shark({ noiseLevel: b }),
    seeds2({ noiseLevel: b }),
    seeds3({ noiseLevel: b }),
    erSde({ order: b === 0.5 ? 3 : 2, scale: (level) => level ** (1 + b * b) }),
    ...(b === 1 ? [erSde()] : []),
    ...corrected(b, setting, steps),
  ];
}

/** One inner step in each step of the grid, whatever the error. */
const ANYTHING = { relativeTolerance: 1e12, absoluteTolerance: 1e12 };

/**
 * Restarts whose way down, and correctors whose steps, get finer with the grid, so that no bias remains. Of the correctors'
 * that is ε/v for Langevin's and the share for renewal in the stationary variance, v that of the marginal, hence order 1.
 */
function corrected(b: number, setting: Setting, steps: number): Sampler[] {
  const { process } = setting;
  const level = (i: number): number => Math.exp(-process.lambda(gridOf(setting, 12)[i]!));
  const intervals = [{ from: level(8), upTo: level(4), iterations: 2, steps: Math.ceil(steps / 4) }];
  const h = (t: number): number => (4 / steps) * process.sigma(t);
  const predictor = ddim({ eta: b });
  if (b === 0) {
    const kept = underdampedLangevinCorrector({ stepSize: h, steps: 2, velocity: 'kept' });
    return [
      restart({ sampler: heun(), intervals }),
      // A kept velocity is of order 1 in h, a fresh one of order 2.
      predictorCorrector({ predictor, corrector: kept }),
      predictorCorrector({ predictor: heun(), corrector: underdampedLangevinCorrector({ stepSize: h }) }),
      dpum({ predictorSteps: 2, stepSize: h }),
    ];
  }
  const langevin = langevinCorrector({ stepSize: (t) => (2 / steps) * process.sigma(t) ** 2 });
  const refresh = refreshCorrector({ share: 2 / steps });
  const scheme = b === 1 ? 'shark' : 'heun';
  return [
    restart({ sampler: predictor, intervals }),
    predictorCorrector({ predictor, corrector: langevin }),
    predictorCorrector({ predictor, corrector: refresh, first: 'corrector' }),
    // Steps that a tolerance decides on: adaptive-laws.test.ts.
    adaptiveSde({ noiseLevel: b, scheme, ...ANYTHING }),
  ];
}

/** Errors, in units of the data, below which nothing is asked of the slope. */
const SMALL: Readonly<Record<number, number>> = { 1: 3e-3, 2: 5e-4, 3: 5e-5 };

for (const [name, setting] of Object.entries(SETTINGS)) {
  describe(name, () => {
    for (const b of [0, 0.5, 1]) {
      for (const [i, sampler] of methods(b, setting, STEPS).entries()) {
        test(`b = ${b}, ${i} ${sampler.name}: exact law`, async () => {
          const { order } = sampler;
          const errors: number[] = [];
          for (const steps of [48, 96]) {
            const laws = await exactLaws(setting, methods(b, setting, steps)[i]!, steps);
            const gaps = laws.map((law, k) => {
              const want = marginal(setting.process, AXES[k]!, setting.to);
              const a = setting.process.alpha(setting.to);
              return Math.abs(law.mean - want.mean) / a + Math.abs(law.variance - want.variance) / a ** 2;
            });
            errors.push(gaps[0]! + gaps[1]!);
          }
          const [coarse, fine] = errors as [number, number];
          expect(fine).toBeLessThan(80 * 96 ** -order);
          // Where the terms of lowest order cancel, what is left says nothing of the order.
          if (fine > SMALL[order]!) expect(Math.log2(coarse / fine)).toBeGreaterThan(order - 0.4);
        });

        test(`b = ${b}, ${i} ${sampler.name}: samples`, async () => {
          const laws = await exactLaws(setting, sampler, STEPS);
          expectMoments(await sampledMoments(setting, sampler), laws);
        });
      }
    }
  });
}
