/** Grids that other libraries have, against their recorded lists, published tables and formulas. */
import {
  alignYourStepsGrid,
  arctangentGrid,
  betaGrid,
  cosineGrid,
  ddpmBetas,
  discreteTimesteps,
  dynamicShift,
  edm,
  exponentialGrid,
  flowMatching,
  gitsGrid,
  gridOfLevels,
  karrasGrid,
  laplaceGrid,
  linearQuadraticGrid,
  shiftedGrid,
  uniformGrid,
  variancePreserving,
} from '@diff/sde';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { betaQuantile, incompleteBeta } from '../src/beta-quantile.ts';
import { golden, worst } from './golden.ts';

interface Recorded {
  readonly conversions: readonly {
    readonly schedule: string;
    readonly n: number;
    readonly most: number;
    readonly least: number;
    readonly karras: readonly number[];
    readonly exponential: readonly number[];
    readonly beta: readonly number[];
  }[];
  readonly flow: readonly {
    readonly config: { readonly shift_terminal?: number };
    readonly mu: number | null;
    readonly n: number;
    readonly sigmas: readonly number[];
  }[];
  readonly spacings: readonly {
    readonly style: 'solver' | 'k-diffusion' | 'ddpm';
    readonly spacing: 'linspace' | 'leading' | 'trailing';
    readonly n: number;
    readonly offset: number;
    readonly timesteps: readonly number[];
  }[];
}

const recorded = golden<Recorded>('diffusers-grids').cases[0]!;
const stable = variancePreserving({
  schedule: 'table',
  betas: ddpmBetas({ schedule: 'scaledLinear' }),
  T: 1000,
});
const levelsOf = (process: ReturnType<typeof edm>, grid: readonly number[]): number[] =>
  grid.map((t) => process.sigma(t) / process.alpha(t));

describe('noise levels of diffusers', () => {
  it.each(recorded.conversions.map((c) => [c.schedule, c.n, c] as const))('%s, n = %i', (_s, n, c) => {
    const options = { process: edm({ T: c.most }), steps: n, end: 0, sigmaMin: c.least };
    for (const [grid, expected] of [
      [karrasGrid(options), c.karras],
      [exponentialGrid(options), c.exponential],
      [betaGrid(options), c.beta],
    ] as const) {
      expect(grid.at(-1)).toBe(0);
      grid.slice(0, n).forEach((level, i) => {
        expect(Math.abs(level / expected[i]! - 1)).toBeLessThan(1e-9);
      });
    }
  });
});

describe('timesteps of diffusers', () => {
  it.each(recorded.spacings.map((s) => [s.style, s.spacing, s.n, s.offset, s.timesteps] as const))(
    '%s %s n = %i offset %i',
    (style, spacing, steps, offset, timesteps) => {
      const fractional = style === 'k-diffusion' && spacing === 'linspace';
      const options = { steps, spacing, offset, dropLast: style === 'solver', fractional };
      expect(worst(discreteTimesteps(options), timesteps).error).toBeLessThan(1e-12);
    },
  );

  it('are descending indices of the chain, whatever is asked', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.constantFrom('linspace' as const, 'leading' as const, 'trailing' as const, 'simple' as const),
        fc.boolean(),
        (steps, spacing, dropLast) => {
          const list = discreteTimesteps({ steps, spacing, dropLast });
          expect(list).toHaveLength(steps);
          list.forEach((t, i) => {
            expect(Number.isInteger(t) && t >= 0 && t <= 999).toBe(true);
            if (i > 0) expect(t).toBeLessThan(list[i - 1]!);
          });
        },
      ),
    );
  });

  it('have the names that ComfyUI gives them', () => {
    const at = { steps: 4, spacing: 'linspace', fractional: true } as const;
    expect(discreteTimesteps(at)).toEqual([999, 666, 333, 0]); // normal
    expect(discreteTimesteps({ ...at, dropLast: true })).toEqual([999, 749.25, 499.5, 249.75]); // sgm_uniform
    expect(discreteTimesteps({ steps: 3, spacing: 'simple' })).toEqual([999, 666, 333]); // −(1 + ⌊k·333.3⌋)
    expect(discreteTimesteps({ steps: 10, spacing: 'trailing' }).slice(0, 4)).toEqual([999, 899, 799, 699]); // turbo
    expect(discreteTimesteps({ steps: 4, spacing: 'leading', offset: 1 })).toEqual([751, 501, 251, 1]); // ddim_uniform
  });

  it('say what they need', () => {
    expect(() => discreteTimesteps({ steps: 2000, spacing: 'leading' })).toThrow(
      "discreteTimesteps: 'leading' must stay within the 1000 trained steps, got steps = 2000",
    );
    for (const spacing of ['linspace', 'trailing', 'simple'] as const) {
      expect(() => discreteTimesteps({ steps: 1001, spacing })).toThrow('which needs 1001 of 1000');
    }
    expect(() => discreteTimesteps({ steps: 1000, spacing: 'leading', offset: 1 })).toThrow(
      'which needs index 1000',
    );
    expect(() => discreteTimesteps({ steps: 0, spacing: 'leading' })).toThrow(
      'steps must be a positive integer, got 0',
    );
    expect(() => discreteTimesteps({ steps: 4, spacing: 'leading', usedSteps: 1001 })).toThrow(
      'usedSteps must be at most trainSteps = 1000, got 1001',
    );
  });
});

describe('the beta distribution', () => {
  it('has its known values', () => {
    // I_x(1, 1) = x, I_x(2, 1) = x², I_x(½, ½) = (2/π) asin √x, and I_x(2, 5) = 1 − (1 − x)⁵(1 + 5x)
    for (const x of [1e-9, 0.01, 0.3, 0.5, 0.77, 0.999]) {
      expect(incompleteBeta(x, 1, 1)).toBeCloseTo(x, 13);
      expect(incompleteBeta(x, 2, 1)).toBeCloseTo(x * x, 13);
      expect(incompleteBeta(x, 0.5, 0.5)).toBeCloseTo((2 / Math.PI) * Math.asin(Math.sqrt(x)), 13);
      expect(incompleteBeta(x, 2, 5)).toBeCloseTo(1 - (1 - x) ** 5 * (1 + 5 * x), 13);
    }
    // scipy 1.17.1, stats.beta.ppf
    expect(betaQuantile(0.1, 0.6, 0.6) / 0.03958440558878085).toBeCloseTo(1, 11);
  });

  it('has quantiles that invert it', () => {
    const shape = fc.double({ min: 0.1, max: 8, noNaN: true });
    fc.assert(
      fc.property(fc.double({ min: 1e-9, max: 1, noNaN: true }), shape, shape, (p, a, b) => {
        const x = betaQuantile(p, a, b);
        // Where the density is infinite at 1, x has too few digits to say more.
        if (x < 0.999) expect(Math.abs(incompleteBeta(x, a, b) - p)).toBeLessThan(1e-10);
        expect(betaQuantile(1 - p, b, a) + x).toBeCloseTo(1, 7);
      }),
    );
  });

  it('can be taken over the time, as ComfyUI does', () => {
    const grid = betaGrid({ process: stable, steps: 4, end: 0, over: 'time' });
    expect(grid[0]).toBe(1000);
    expect(grid[2]).toBeCloseTo(500, 9);
    expect(grid[1]! + grid[3]!).toBeCloseTo(1000, 9);
    expect(grid[3]).toBeCloseTo(1000 * betaQuantile(0.25, 0.6, 0.6), 9);
  });
});

describe('published tables', () => {
  it('Align Your Steps gives its ten steps as published, and others between them', () => {
    const ten = alignYourStepsGrid({ process: stable, model: 'stableDiffusion15', steps: 10, end: 0 });
    const levels = levelsOf(stable, ten);
    [14.6146412293, 6.4745760956, 3.8636745985, 2.694615152, 1.8841921177].forEach((s, i) => {
      expect(levels[i]! / s).toBeCloseTo(1, 6);
    });
    expect([ten[0], ten.at(-1), ten.length]).toEqual([1000, 0, 11]);
    // The timesteps that diffusers lists: 999, 850, 736, …
    [999, 850, 736, 645, 545, 455, 343, 233, 124, 24].forEach((t, i) => {
      expect(Math.abs(ten[i]! - 1 - t)).toBeLessThan(0.51);
    });
    const twenty = alignYourStepsGrid({ process: stable, model: 'stableDiffusion15', steps: 20, end: 0 });
    twenty
      .filter((_, i) => i % 2 === 0)
      .forEach((t, i) => {
        expect(t).toBeCloseTo(ten[i]!, 6);
      });
    const middle = levelsOf(stable, twenty)[3]!;
    expect(middle / Math.sqrt(levels[1]! * levels[2]!)).toBeCloseTo(1, 9);
    const xl = alignYourStepsGrid({ process: stable, model: 'stableDiffusionXl', steps: 10, end: 0 });
    [999, 845, 730, 587, 443, 310, 193, 116, 53, 13].forEach((t, i) => {
      expect(Math.abs(xl[i]! - 1 - t)).toBeLessThan(0.51);
    });
    const video = alignYourStepsGrid({
      process: edm({ T: 700 }),
      model: 'stableVideoDiffusion',
      steps: 10,
      end: 0,
    });
    expect(video.slice(0, 4).map((t) => Number(t.toFixed(9)))).toEqual([700, 54.5, 15.886, 7.977]);
    expect(() =>
      alignYourStepsGrid({ process: edm({ T: 10 }), model: 'stableDiffusion15', steps: 10, end: 0 }),
    ).toThrow('alignYourSteps: levels must be at most σ(T)/α(T) = 10, got 14.6146412293.');
  });

  it('GITS takes every level from the 9.99 k-th timestep of Stable Diffusion, on which it was searched', () => {
    // Σ (i + 1) k_i of the published rows
    const sums = [
      158, 252, 365, 472, 666, 790, 917, 1078, 1257, 1428, 1638, 1923, 2098, 2593, 2674, 2761, 3007, 3176,
      3331,
    ];
    for (let steps = 2; steps <= 20; steps++) {
      const grid = gitsGrid({ process: stable, steps, end: 0 });
      expect([grid.length, grid[0], grid.at(-1)]).toEqual([steps + 1, 1000, 0]);
      for (const t of grid.slice(0, -1)) {
        // The authors interpolate σ differently between timesteps than the process does.
        const place = (t - 1) / 9.99;
        expect(Math.abs(place - Math.round(place))).toBeLessThan(0.002);
      }
      const places = grid.slice(0, -1).map((t) => Math.round((t - 1) / 9.99));
      expect(places.reduce((sum, k, i) => sum + (i + 1) * k, 0)).toBe(sums[steps - 2]);
    }
    const five = levelsOf(stable, gitsGrid({ process: stable, steps: 5, end: 0 }));
    for (const [i, level] of [14.61464119, 2.84484982, 1.24153244, 0.59516323, 0.25053367].entries()) {
      expect(five[i]! / level).toBeCloseTo(1, 6);
    }
    expect(gitsGrid({ process: stable, steps: 40, end: 0 })).toHaveLength(41);
    expect(() => gitsGrid({ process: stable, steps: 1, end: 0 })).toThrow(
      'gits: steps must be at least 2, got 1.',
    );
  });
});

describe('formulas', () => {
  it('Laplace: ln ς = μ ∓ b ln(2u), clipped', () => {
    const grid = laplaceGrid({ process: edm({ T: 20 }), steps: 5, end: 0, sigmaMin: 0.02 });
    const at = (u: number): number =>
      Math.exp(-0.5 * Math.sign(0.5 - u) * Math.log(1 - 2 * Math.abs(0.5 - u) + 1e-5));
    [20, at(0.25), 1, at(0.75), 0.02, 0].forEach((level, i) => {
      expect(grid[i]).toBeCloseTo(level, 5);
    });
    expect(() => laplaceGrid({ process: edm(), steps: 5, end: 0, spread: 0 })).toThrow(
      'laplace: spread must be a positive',
    );
  });

  it('arctangent: equal angles', () => {
    const process = edm({ T: 20 });
    const grid = arctangentGrid({ process, steps: 9, end: 0, sigmaMin: 0.02 });
    const angles = grid.slice(0, -1).map(Math.atan);
    angles.slice(2).forEach((a, i) => {
      expect(a - angles[i + 1]!).toBeCloseTo(angles[1]! - angles[0]!, 12);
    });
    const cosine = cosineGrid({ process, steps: 8, end: 0.02 });
    grid.slice(0, -1).forEach((t, i) => {
      expect(t / cosine[i]!).toBeCloseTo(1, 9);
    });
  });

  it('linear, then quadratic, with one slope where they meet', () => {
    const grid = linearQuadraticGrid({ process: flowMatching(), steps: 8, end: 0 });
    // Mochi: σ = 1 − k·0.025/4 up to k = 4, then with the coefficients of its own formula
    const [L, N, c] = [4, 8, 0.025];
    const d = L - c * N;
    const quadratic = (i: number): number =>
      (d / (L * 16)) * i * i + (c / L - (2 * d) / 16) * i + (d / (L * 16)) * L * L;
    const expected = Array.from(
      { length: 9 },
      (_, i) => 1 - (i < 4 ? (i * c) / L : i === 8 ? 1 : quadratic(i)),
    );
    expect(worst(grid, expected).error).toBeLessThan(1e-14);
    expect(linearQuadraticGrid({ process: flowMatching(), steps: 1, end: 0 })).toEqual([1, 0]);
    expect(() => linearQuadraticGrid({ process: flowMatching(), steps: 4, end: 0, linearSteps: 4 })).toThrow(
      'linearQuadratic: linearSteps must be less than steps = 4, got 4.',
    );
    expect(() => linearQuadraticGrid({ process: flowMatching(), steps: 4, end: 0, threshold: 0.9 })).toThrow(
      'linearQuadratic: threshold must lie in (0, 1)',
    );
  });

  it.each(recorded.flow.map((f) => [f.n, f] as const))(
    'shifted: n = %i as diffusers',
    (n, { config, mu, sigmas }) => {
      const terminal = config.shift_terminal;
      const grid = shiftedGrid({
        process: flowMatching(),
        steps: n,
        end: 0,
        least: 0.001,
        shift: mu === null ? 1 : Math.exp(mu),
        ...(terminal && { terminal }),
      });
      expect(worst(grid, sigmas).error).toBeLessThan(1e-11);
    },
  );

  it('a shift multiplies σ/α', () => {
    const process = flowMatching();
    const plain = levelsOf(process, uniformGrid({ process, steps: 10, end: 0 }));
    const shifted = levelsOf(process, shiftedGrid({ process, steps: 10, end: 0, shift: 3 }));
    shifted.slice(1, -1).forEach((level, i) => {
      expect(level / plain[i + 1]!).toBeCloseTo(3, 12);
    });
    expect(Math.log(dynamicShift({ tokens: 256 }))).toBeCloseTo(0.5, 14);
    expect(Math.log(dynamicShift({ tokens: 4096 }))).toBeCloseTo(1.15, 14);
    expect(() => shiftedGrid({ process, steps: 4, end: 0, shift: -1 })).toThrow(
      'shifted: shift must be a positive',
    );
    expect(() => shiftedGrid({ process, steps: 4, end: 0.1, least: 0.05 })).toThrow(
      'shifted: least must lie in (0.1, 1), got 0.05.',
    );
  });

  it('a list of levels becomes the times that have them', () => {
    const levels = [157, 40, 3, 0.2, 0];
    const process = variancePreserving({ schedule: 'table', betas: ddpmBetas(), T: 1000 });
    const grid = gridOfLevels({ process, levels });
    expect(worst(levelsOf(process, grid), levels).error).toBeLessThan(1e-12);
    expect(() => gridOfLevels({ process, levels: [1, 2] })).toThrow('strictly descending');
    expect(() => gridOfLevels({ process, levels: [200, 2] })).toThrow('levels must be at most σ(T)/α(T)');
    expect(() => gridOfLevels({ process, levels: [1, Number.NaN] })).toThrow(
      'levels must be a list of numbers',
    );
  });
});
