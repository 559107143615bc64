import {
  bbddGrid,
  canonicalOu,
  checkGrid,
  cosineGrid,
  edm,
  exponentialGrid,
  fromAlphaSigma,
  type GridOptions,
  geometricGrid,
  karrasGrid,
  logSnrGrid,
  quadraticGrid,
  stepKappa,
  uniformGrid,
  varianceExploding,
  variancePreserving,
} from '@diff/sde';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { builtIn } from './every-process.ts';
import { golden, worst } from './golden.ts';

const grids: Record<string, (options: GridOptions) => readonly number[]> = {
  uniform: uniformGrid,
  quadratic: quadraticGrid,
  geometric: geometricGrid,
  logSnr: logSnrGrid,
  karras: karrasGrid,
  exponential: exponentialGrid,
  cosine: cosineGrid,
};
const toZero = ['uniform', 'quadratic', 'cosine', 'karras', 'exponential'];

describe('every grid on every process', () => {
  const processes = fc.constantFrom(...builtIn.map(({ process }) => process));
  const steps = fc.integer({ min: 1, max: 60 });
  const share = fc.double({ min: 1e-4, max: 0.9, noNaN: true });

  it.each(Object.entries(grids))('%s runs from T to end, strictly descending', (_, make) => {
    fc.assert(
      fc.property(processes, steps, share, (process, N, u) => {
        const end = u * process.T;
        const grid = make({ process, steps: N, end });
        expect(grid.length).toBe(N + 1);
        expect(grid[0]).toBe(process.T);
        expect(grid[N]).toBe(end);
        expect(checkGrid('test', grid)).toBe(grid);
        expect(Object.isFrozen(grid)).toBe(true);
      }),
    );
  });

  it.each(toZero)('%s can end at 0', (name) => {
    fc.assert(
      fc.property(processes, steps, (process, N) => {
        const grid = grids[name]!({ process, steps: N, end: 0 });
        expect(grid.length).toBe(N + 1);
        expect(grid[0]).toBe(process.T);
        expect(grid[N]).toBe(0);
        checkGrid('test', grid);
      }),
    );
  });
});

interface Sigmas {
  readonly schedule: 'karras' | 'exponential' | 'polyexponential' | 'vp';
  readonly n: number;
  readonly sigma_min: number | null;
  readonly sigma_max: number | null;
  readonly rho: number | null;
  readonly vp_beta_d_beta_min_eps_s: [number, number, number] | null;
  readonly sigmas: number[];
}

describe.each(golden<Sigmas>('kdiff-sigmas').cases)('k-diffusion $schedule, n = $n', (row) => {
  const { n: steps, sigmas } = row;

  it('has its noise levels', () => {
    if (row.vp_beta_d_beta_min_eps_s) {
      const [betaD, betaMin, end] = row.vp_beta_d_beta_min_eps_s;
      const process = variancePreserving({ betaMin, betaMax: betaMin + betaD });
      const grid = uniformGrid({ process, steps: steps - 1, end });
      expect(
        worst(
          grid.map((t) => Math.exp(-process.lambda(t))),
          sigmas.slice(0, -1),
        ).error,
      ).toBeLessThan(1e-13);
      return;
    }
    const [sigmaMin, sigmaMax] = [row.sigma_min!, row.sigma_max!];
    const make = row.schedule === 'karras' ? karrasGrid : exponentialGrid;
    const options = { steps, end: 0, sigmaMin, ...(row.rho !== null && { rho: row.rho }) };
    const own = make({ process: edm({ T: sigmaMax }), ...options });
    for (const [i, t] of own.entries()) {
      expect(Math.abs(t - sigmas[i]!)).toBeLessThan(2e-14 * sigmas[i]! + 1e-300);
    }
    // the same levels on a longer process, and on another clock
    const inside = make({ process: edm({ T: 80 }), ...options, sigmaMax });
    expect(worst(inside, sigmas).error).toBeLessThan(1e-13);
    const vp = variancePreserving();
    const onVp = make({ process: vp, ...options, sigmaMax });
    expect(
      worst(
        onVp.slice(0, -1).map((t) => Math.exp(-vp.lambda(t))),
        sigmas.slice(0, -1),
      ).error,
    ).toBeLessThan(1e-12);
  });
});

describe('what each grid is equal in', () => {
  const equal = (values: readonly number[]): void => {
    const differences = values.slice(1).map((v, i) => v - values[i]!);
    const mean = (values.at(-1)! - values[0]!) / differences.length;
    for (const d of differences) expect(Math.abs(d / mean - 1)).toBeLessThan(1e-9);
  };
  const process = variancePreserving();
  const options = { process, steps: 17, end: 1e-3 };

  it('uniform: t; quadratic: √t; geometric: ln t; logSnr and exponential: λ; cosine: atan(σ/α)', () => {
    equal(uniformGrid(options));
    equal(quadraticGrid(options).map(Math.sqrt));
    equal(geometricGrid(options).map(Math.log));
    equal(logSnrGrid(options).map(process.lambda));
    equal(exponentialGrid(options).map(process.lambda));
    equal(cosineGrid(options).map((t) => Math.atan2(process.sigma(t), process.alpha(t))));
    equal(karrasGrid({ ...options, rho: 3 }).map((t) => Math.exp(-process.lambda(t) / 3)));
  });

  it('cosine is uniform under the cosine schedule, and reaches alpha = 0', () => {
    const arc = fromAlphaSigma({
      alpha: (t) => Math.max(0, Math.sin((Math.PI / 2) * (1 - t))),
      sigma: (t) => Math.sin((Math.PI * t) / 2),
    });
    const grid = cosineGrid({ process: arc, steps: 8, end: 0 });
    expect(worst(grid, uniformGrid({ process: arc, steps: 8, end: 0 })).error).toBeLessThan(1e-12);
  });
});

describe('bbdd', () => {
  it('has half its steps uniform above 1 and half geometric below', () => {
    const grid = bbddGrid({ process: canonicalOu({ T: 4 }), steps: 8, end: 1 / 16 });
    expect(worst(grid, [4, 3.25, 2.5, 1.75, 1, 1 / 2, 1 / 4, 1 / 8, 1 / 16]).error).toBeLessThan(1e-15);
    expect(stepKappa(grid)).toBeCloseTo(1, 14); // the geometric half halves: γ = t_{k+1}
    expect(bbddGrid({ process: canonicalOu({ T: 1 }), steps: 2, end: 1 / 4 })).toEqual([1, 1 / 2, 1 / 4]);
  });

  it('meets γ_k ≤ κ min(1, t_{k+1}) with the κ that stepKappa gives, and no smaller one', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.constant(1), fc.double({ min: 1.001, max: 12, noNaN: true })),
        fc.integer({ min: 2, max: 300 }),
        fc.double({ min: 1e-6, max: 0.9, noNaN: true }),
        (T, steps, end) => {
          const grid = bbddGrid({ process: canonicalOu({ T }), steps, end });
          expect(grid.length).toBe(steps + 1);
          expect([grid[0], grid.at(-1)]).toEqual([T, end]);
          const kappa = stepKappa(grid);
          const ratios = grid.slice(1).map((r, k) => (grid[k]! - r) / Math.min(1, r));
          expect(Math.max(...ratios)).toBe(kappa);
          // the two halves, from the theorem
          const uniform = T > 1 ? Math.floor(steps / 2) : 0;
          const expected = Math.max(uniform ? (T - 1) / uniform : 0, end ** (-1 / (steps - uniform)) - 1);
          expect(Math.abs(kappa / expected - 1)).toBeLessThan(1e-9);
        },
      ),
    );
  });

  it('refuses a κ that the steps do not allow and names a number of steps that does', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1.1, max: 10, noNaN: true }),
        fc.double({ min: 1e-5, max: 0.9, noNaN: true }),
        fc.double({ min: 0.01, max: 0.5, noNaN: true }),
        (T, end, kappa) => {
          const process = canonicalOu({ T });
          const refused = (steps: number): string | undefined => {
            try {
              bbddGrid({ process, steps, end, kappa });
              return undefined;
            } catch (error) {
              return (error as Error).message;
            }
          };
          const message = refused(2);
          if (message === undefined) return;
          const enough = Number(/(\d+) steps are enough/.exec(message)![1]);
          expect(refused(enough)).toBeUndefined();
          expect(refused(enough - 4)).toBeDefined(); // rounding may cost a pair
        },
      ),
    );
  });
});

describe('bad input', () => {
  const process = edm({ T: 80 });

  it.each(Object.entries({ ...grids, bbdd: bbddGrid }))('%s says what its options must be', (name, make) => {
    for (const steps of [0, -1, 2.5, Number.NaN]) {
      expect(() => make({ process, steps, end: 0.01 })).toThrow(
        `${name}: steps must be a positive integer, got ${steps}.`,
      );
    }
    for (const end of [80, 100, -1, Number.NaN]) {
      expect(() => make({ process, steps: 5, end })).toThrow(`${name}: end must lie in [0, 80), got ${end}.`);
    }
  });

  it('names the other reasons', () => {
    const at = { process, steps: 5 };
    expect(() => karrasGrid({ ...at, end: 0, sigmaMin: 80 })).toThrow(
      'karras: sigmaMin must be less than sigmaMax = 80, got 80.',
    );
    expect(() => exponentialGrid({ ...at, end: 0, sigmaMin: 3, sigmaMax: 2 })).toThrow(
      'exponential: sigmaMin must be less than sigmaMax = 2, got 3.',
    );
    expect(() => karrasGrid({ ...at, end: 0, sigmaMax: 81 })).toThrow(
      'karras: sigmaMax must be at most σ(T)/α(T) = 80',
    );
    expect(() => karrasGrid({ ...at, end: 0, sigmaMin: Number.NaN })).toThrow(
      'karras: sigmaMin must be a positive finite number, got NaN.',
    );
    expect(() => karrasGrid({ ...at, end: 1, sigmaMin: 1 })).toThrow(
      'karras: sigmaMin must be left out unless σ/α is 0 at end',
    );
    expect(() => karrasGrid({ ...at, end: 0, rho: 0 })).toThrow(
      'karras: rho must be a positive finite number, got 0.',
    );
    expect(() => geometricGrid({ ...at, end: 0 })).toThrow('geometric: end must be above 0, got 0.');
    expect(() => logSnrGrid({ ...at, end: 0 })).toThrow(
      'logSnr: end must have a finite log-SNR, got end = 0',
    );
    const line = fromAlphaSigma({ alpha: (t) => 1 - t, sigma: (t) => t });
    expect(() => logSnrGrid({ process: line, steps: 5, end: 0.1 })).toThrow(
      'the log-SNR must be finite at T = 1',
    );
    expect(() => bbddGrid({ ...at, end: 0 })).toThrow('bbdd: end must lie in (0, 1), got 0.');
    expect(() => bbddGrid({ ...at, steps: 1, end: 0.1 })).toThrow(
      'bbdd: steps must be at least 2 when T > 1, got 1.',
    );
    const short = varianceExploding({ T: 0.5 });
    expect(() => bbddGrid({ process: short, steps: 4, end: 0.1 })).toThrow(
      'bbdd: the horizon T must be at least 1, got 0.5.',
    );
  });

  it('checkGrid finds what is wrong with a grid', () => {
    expect(checkGrid('sample', [1, 0.5, 0])).toEqual([1, 0.5, 0]);
    expect(() => checkGrid('sample', [1, 0.5, 0.5])).toThrow(
      'sample: grid must be strictly descending, got 0.5 and then 0.5 at index 2.',
    );
    expect(() => checkGrid('sample', [0, 1])).toThrow('strictly descending, got 0 and then 1 at index 1');
    expect(() => checkGrid('sample', [1, Number.NaN])).toThrow(
      'finite times of at least 0, got NaN at index 1',
    );
    expect(() => checkGrid('sample', [1, -0.1])).toThrow('finite times of at least 0, got -0.1 at index 1');
    expect(() => checkGrid('sample', [1])).toThrow(
      'sample: grid must be a list of at least two times, got [1].',
    );
  });
});
