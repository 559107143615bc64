import { integrate } from '@diff/sde';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Entry, everyProcess } from './every-process.ts';

interface Moments {
  readonly alpha: number;
  readonly mean: number;
  readonly variance: number;
}

/** α′ = fα, m′ = fm + c, v′ = 2fv + g² by classical Runge–Kutta, from f, c and g alone. */
function momentsAt({ process, kinks = [] }: Entry, times: readonly number[]): Moments[] {
  let y: readonly [number, number, number] = [1, 0, process.sigma(0) ** 2];
  const slope = (t: number, [a, m, v]: readonly [number, number, number]) => {
    const [f, c, g] = [process.drift(t), process.offset(t), process.diffusion(t)];
    return [f * a, f * m + c, 2 * f * v + g * g] as const;
  };
  const plus = (u: readonly [number, number, number], h: number, k: readonly [number, number, number]) =>
    [u[0] + h * k[0], u[1] + h * k[1], u[2] + h * k[2]] as const;
  const stops = [...times, ...kinks].sort((a, b) => a - b);
  const found = new Map<number, Moments>();
  let t = 0;
  for (const stop of stops) {
    const steps = process.type === 'custom' ? 200 : 2000;
    const h = (stop - t) / steps;
    // a jump of β belongs to the piece on its left when a step ends there, to the right when one begins
    const inside = (u: number): number => Math.min(Math.max(u, t + 1e-13 * stop), stop * (1 - 1e-13));
    for (let i = 0; i < steps; i++) {
      const now = t + i * h;
      const k1 = slope(inside(now), y);
      const k2 = slope(inside(now + h / 2), plus(y, h / 2, k1));
      const k3 = slope(inside(now + h / 2), plus(y, h / 2, k2));
      const k4 = slope(inside(now + h), plus(y, h, k3));
      y = plus(plus(plus(plus(y, h / 6, k1), h / 3, k2), h / 3, k3), h / 6, k4);
    }
    t = stop;
    found.set(stop, { alpha: y[0], mean: y[1], variance: y[2] });
  }
  return times.map((s) => found.get(s)!);
}

const relative = (actual: number, expected: number): number =>
  Math.abs(actual - expected) / Math.max(Math.abs(expected), 1e-300);

describe.each(everyProcess)('$name', (entry) => {
  const { process, last = process.T } = entry;
  const times = [0.003, 0.02, 0.1, 0.3, 0.5, 0.8, 0.97, 1].map((u) => u * last);
  const anyTime = fc.double({ min: 0, max: 1, noNaN: true }).map((u) => u * last);

  it('has the marginals that its drift and diffusion give', () => {
    const moments = momentsAt(entry, times);
    times.forEach((t, i) => {
      const { alpha, mean, variance } = moments[i]!;
      expect(relative(process.alpha(t), alpha), `alpha(${t})`).toBeLessThan(2e-9);
      expect(relative(process.sigma(t) ** 2, variance), `sigma²(${t})`).toBeLessThan(2e-9);
      expect(Math.abs(process.mean(t) - mean), `mean(${t})`).toBeLessThan(1e-10);
    });
  });

  it('has λ = ln(α/σ), strictly decreasing, with its inverse', () => {
    fc.assert(
      fc.property(anyTime, (t) => {
        fc.pre(t > 1e-9 * last);
        const lambda = process.lambda(t);
        expect(Math.abs(lambda - Math.log(process.alpha(t) / process.sigma(t)))).toBeLessThan(
          1e-12 * (1 + Math.abs(lambda)),
        );
        expect(Math.abs(process.timeOfLambda(lambda) - t)).toBeLessThan(
          1e-12 * (t + conditioning(t, lambda)),
        );
      }),
    );
    fc.assert(
      fc.property(anyTime, anyTime, (a, b) => {
        fc.pre(Math.abs(a - b) > 1e-9 * last);
        expect(process.lambda(Math.min(a, b))).toBeGreaterThan(process.lambda(Math.max(a, b)));
      }),
    );
    expect(process.timeOfLambda(process.lambda(0))).toBe(0);
    expect(process.timeOfLambda(process.lambda(process.T))).toBe(process.T);
  });

  /** One unit of the last place of λ, in time: below this no inverse can see. */
  const conditioning = (t: number, lambda: number): number => {
    const slope = (0.5 * process.diffusion(t) ** 2) / process.sigma(t) ** 2; // −λ′
    return (4e-4 * Math.max(1, Math.abs(lambda))) / slope; // 4e-16·|λ|/|λ′| against 1e-12
  };

  it('has G equal to its integral and V to its definition, both increasing from 0', () => {
    fc.assert(
      fc.property(anyTime, anyTime, (a, b) => {
        const [r, t] = [Math.min(a, b), Math.max(a, b)];
        fc.pre(t - r > 1e-6 * last);
        const pieces = [r, ...(entry.kinks ?? []).filter((k) => k > r && k < t), t];
        const gain = pieces
          .slice(1)
          .map((end, i) =>
            integrate(
              (u) => (process.alpha(r) / process.alpha(u)) * process.diffusion(u) ** 2,
              pieces[i]!,
              end,
              1e-11,
            ),
          )
          .reduce((x, y) => x + y, 0);
        expect(relative(process.scoreGain(t, r), gain)).toBeLessThan(1e-9);
        const grown = (process.alpha(r) / process.alpha(t)) ** 2 * process.sigma(t) ** 2;
        const V = process.noiseVariance(t, r);
        expect(Math.abs(V - (grown - process.sigma(r) ** 2))).toBeLessThan(1e-12 * grown);
        expect(V).toBeGreaterThan(0);
        const middle = 0.5 * (r + t);
        expect(process.scoreGain(middle, r)).toBeLessThan(process.scoreGain(t, r));
        expect(process.noiseVariance(middle, r)).toBeLessThan(V);
      }),
      { numRuns: entry.name.startsWith('custom') || entry.name === 'straight line' ? 10 : 40 },
    );
    expect(process.scoreGain(last, last)).toBe(0);
    expect(process.noiseVariance(last, last)).toBe(0);
  });

  it('begins at the data', () => {
    expect(process.alpha(0)).toBe(1);
    expect(process.mean(0)).toBe(0);
    if (process.config.type === 've' && process.config.dataHasSigmaMin) {
      expect(process.sigma(0)).toBeCloseTo(process.config.sigmaMin, 15);
    } else {
      expect(process.sigma(0)).toBe(0);
      expect(process.lambda(0)).toBe(Number.POSITIVE_INFINITY);
    }
  });
});
