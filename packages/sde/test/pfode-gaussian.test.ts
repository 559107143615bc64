import {
  canonicalOu,
  edm,
  fromAlphaSigma,
  type LinearProcess,
  reverseCoefficients,
  subVariancePreserving,
  varianceExploding,
  variancePreserving,
} from '@diff/sde';
import { describe, expect, it } from 'vitest';
import { golden, worst } from './golden.ts';

interface Row {
  readonly process: string;
  readonly mu: number;
  readonly s: number;
  readonly times: number[];
  readonly a: number[];
  readonly sigma: number[];
  readonly x_T: number[];
  readonly x_at_times: number[][];
  readonly delta_logp: number;
}

const processes: Record<string, LinearProcess> = {
  OU: canonicalOu({ T: 5 }),
  VP: variancePreserving({ betaMin: 0.1, betaMax: 20 }),
  subVP: subVariancePreserving({ betaMin: 0.1, betaMax: 20 }),
  VE: varianceExploding({ sigmaMin: 0.01, sigmaMax: 50, dataHasSigmaMin: true }),
  EDM: edm({ T: 80 }),
  cosineVP: variancePreserving({ schedule: 'cosine', offset: 0, betaMax: 1e6 }),
  FM: fromAlphaSigma({ alpha: (t) => 1 - t, sigma: (t) => t, T: 1 }),
};

describe.each(golden<Row>('pfode-gaussian').cases)(
  'probability flow of N(0.7, 0.25) under $process',
  (row) => {
    const process = processes[row.process]!;
    const { mu, s, times } = row;
    const variance = (t: number): number => process.alpha(t) ** 2 * s * s + process.sigma(t) ** 2;

    it('has the marginals of the reference', () => {
      expect(worst(times.map(process.alpha), row.a).error).toBeLessThan(1e-14);
      times.forEach((t, i) => {
        // the reference's σ is √(1 − α²), which loses digits near 0
        expect(Math.abs(process.sigma(t) - row.sigma[i]!)).toBeLessThan(1e-15 + 1e-12 * row.sigma[i]!);
      });
    });

    it('is affine with the ratio of standard deviations', () => {
      const T = times[0]!;
      times.forEach((t, i) => {
        const x = row.x_T.map(
          (v) => process.alpha(t) * mu + Math.sqrt(variance(t) / variance(T)) * (v - process.alpha(T) * mu),
        );
        expect(worst(x, row.x_at_times[i]!).error).toBeLessThan(1e-12);
      });
      const change = 0.5 * Math.log(variance(T) / variance(times.at(-1)!));
      expect(change).toBeCloseTo(row.delta_logp, 12);
    });

    it('is what integrating the reverse dynamics with noise level 0 gives', () => {
      const first = Number.isFinite(process.drift(times[0]!)) ? 0 : 1; // the straight line is singular at its T
      const slope = (t: number, x: number): number => {
        const c = reverseCoefficients(process, t, 0);
        return c.x * x + (c.score * (process.alpha(t) * mu - x)) / variance(t) + c.constant;
      };
      let x = row.x_at_times[first]!;
      times.slice(first + 1).forEach((r, i) => {
        const t = times[first + i]!;
        const steps = process.type === 'custom' ? 60 : 2000;
        const h = (t - r) / steps;
        x = x.map((start) => {
          let y = start;
          for (let k = 0; k < steps; k++) {
            const now = t - k * h;
            const after = k === steps - 1 ? r : now - h;
            const k1 = slope(now, y);
            const k2 = slope(now - h / 2, y + (h / 2) * k1);
            const k3 = slope(now - h / 2, y + (h / 2) * k2);
            y += (h / 6) * (k1 + 2 * k2 + 2 * k3 + slope(after, y + h * k3));
          }
          return y;
        });
        expect(worst(x, row.x_at_times[first + 1 + i]!).error).toBeLessThan(1e-7);
      });
    });
  },
);
