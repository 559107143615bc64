import {
  canonicalOu,
  contractive,
  edm,
  subVariancePreserving,
  varianceExploding,
  variancePreserving,
} from '@diff/sde';
import { describe, expect, it } from 'vitest';
import { builtIn } from './every-process.ts';

const relative = (actual: number, expected: number): number => Math.abs(actual / expected - 1);

describe('near t = 0', () => {
  const t = 1e-18;

  it('keeps every digit of σ, where 1 − α² has none', () => {
    // leading terms of the series; the next ones are 1e-17 smaller
    const cases = [
      [canonicalOu().sigma(t), Math.sqrt(2 * t)],
      [variancePreserving({ betaMin: 0.1, betaMax: 20 }).sigma(t), Math.sqrt(0.1 * t)],
      [
        variancePreserving({ schedule: 'scaledLinear', betaMin: 0.85, betaMax: 12 }).sigma(t),
        Math.sqrt(0.85 * t),
      ],
      [
        variancePreserving({ schedule: 'cosine', offset: 0.008 }).sigma(t),
        Math.sqrt((Math.PI / 1.008) * Math.tan((0.004 * Math.PI) / 1.008) * t),
      ],
      [subVariancePreserving({ betaMin: 0.1, betaMax: 20 }).sigma(t), 0.1 * t],
      [contractive({ betaMin: 0.1, betaMax: 20 }).sigma(t), Math.sqrt(0.1 * t)],
      [
        varianceExploding({ sigmaMin: 0.01, sigmaMax: 50 }).sigma(t),
        0.01 * Math.sqrt(2 * Math.log(5000) * t),
      ],
    ] as const;
    for (const [actual, expected] of cases) expect(relative(actual, expected)).toBeLessThan(1e-14);
  });

  it.each(builtIn)('$name: λ⁻¹(λ(t)) = t down to 1e-15', ({ process, kinks }) => {
    if (process.config.type === 've' && process.config.dataHasSigmaMin) return; // λ(0) is finite there
    for (const small of [1e-15, 1e-10, 1e-5, 1e-2]) {
      if (kinks?.some((k) => Math.abs(k - small) < 1e-12)) continue;
      expect(
        relative(process.timeOfLambda(process.lambda(small * process.T)), small * process.T),
      ).toBeLessThan(1e-12);
    }
  });

  it('keeps the digits of G of sub-VP, whose terms cancel', () => {
    const process = subVariancePreserving({ schedule: 'constant', beta: 1, T: 4 });
    // G(t, 0) = B² + O(B³): 4y² + … with y = B/2
    for (const B of [1e-4, 1e-8]) expect(relative(process.scoreGain(B, 0), B * B)).toBeLessThan(2 * B);
    expect(relative(process.scoreGain(1e-8, 0), 1e-16 * (1 - 1e-8 / 3))).toBeLessThan(1e-8);
  });

  it('keeps the digits of V and G over a short step', () => {
    const h = 1e-13;
    const r = 0.25;
    const step = r + h - r; // what the addition left of h
    const ou = canonicalOu();
    expect(relative(ou.noiseVariance(r + h, r), 2 * step)).toBeLessThan(1e-12);
    expect(relative(ou.scoreGain(r + h, r), 2 * step)).toBeLessThan(1e-12);
    expect(relative(edm().scoreGain(r + h, r), 2 * r * step)).toBeLessThan(1e-12);
    const vp = variancePreserving({ betaMin: 0.1, betaMax: 20 });
    expect(relative(vp.noiseVariance(r + h, r), (0.1 + 19.9 * r) * step)).toBeLessThan(1e-12);
    const cosine = variancePreserving({ schedule: 'cosine' });
    const beta = (Math.PI / 1.008) * Math.tan(((Math.PI / 2) * (r + 0.008)) / 1.008);
    expect(relative(cosine.scoreGain(r + h, r), beta * step)).toBeLessThan(1e-12);
  });
});

describe('the noise from which sampling starts', () => {
  it.each(builtIn)(
    '$name: has the standard deviation of the noise at T, but for the share α(T)² of the data',
    ({ process }) => {
      const { prior, T } = process;
      const faded = process.type === 'cvp' ? 0 : process.alpha(T) ** 2; // the prior of CVP is σ(T) itself
      const kept = process.type === 've' || process.type === 'edm' ? 0 : faded;
      const sigma = process.sigma(T);
      if (process.type === 'subvp') expect(Math.abs(prior.std - sigma)).toBeLessThan(kept + 1e-15);
      else expect(relative(sigma ** 2, prior.std ** 2 * (1 - kept))).toBeLessThan(1e-12);
      expect(Math.abs(prior.mean - process.mean(T))).toBeLessThan(
        Math.abs(prior.mean) * process.alpha(T) + 1e-15,
      );
    },
  );
});
