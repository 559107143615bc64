import {
  canonicalOu,
  contraction,
  contractive,
  edm,
  fromAlphaSigma,
  ornsteinUhlenbeck,
  processFromConfig,
  subVariancePreserving,
  toVarianceExploding,
  unitSpeedOu,
  varianceExploding,
  variancePreserving,
} from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { builtIn, custom, everyProcess } from './every-process.ts';
import { worst } from './golden.ts';

beforeAll(() => tf.setBackend('cpu'));

describe('processFromConfig', () => {
  const fields = ['alpha', 'sigma', 'mean', 'lambda', 'drift', 'offset', 'diffusion'] as const;

  it.each(builtIn)('$name comes back from JSON text bit for bit', ({ process }) => {
    const back = processFromConfig(JSON.parse(JSON.stringify(process.config)));
    expect(back.config).toEqual(process.config);
    expect([back.type, back.T, back.prior]).toEqual([process.type, process.T, process.prior]);
    for (const u of [0, 0.2, 0.7, 1]) {
      for (const field of fields) expect(back[field](u * process.T)).toBe(process[field](u * process.T));
    }
    expect(back.scoreGain(process.T, 0.1)).toBe(process.scoreGain(process.T, 0.1));
    expect(back.noiseVariance(process.T, 0.1)).toBe(process.noiseVariance(process.T, 0.1));
  });

  it('refuses what is not a config', () => {
    expect(() => processFromConfig(custom[0]!.process.config)).toThrow(
      "processFromConfig: config must name a process with a closed form, got type 'custom'.",
    );
    expect(() => processFromConfig({ type: 'brownian' } as never)).toThrow(
      "processFromConfig: config.type must be one of 'ou', 've', 'edm', 'flow', 'vp', 'subvp', 'cvp', got 'brownian'.",
    );
    expect(() => processFromConfig(null as never)).toThrow('got undefined');
    expect(() => processFromConfig({ type: 'edm', T: -1 })).toThrow(
      'edm: T must be a positive finite number, got -1.',
    );
  });
});

describe('values that are known exactly', () => {
  it('canonical and unit-speed Ornstein–Uhlenbeck', () => {
    const [canonical, unit] = [canonicalOu(), unitSpeedOu()];
    expect(canonical.prior).toEqual({ mean: 0, std: 1 });
    expect(unit.prior).toEqual({ mean: 0, std: 1 });
    for (const t of [0.1, 1, 4]) {
      expect(canonical.alpha(t)).toBe(Math.exp(-t));
      expect(canonical.sigma(t)).toBe(Math.sqrt(-Math.expm1(-2 * t)));
      expect(canonical.diffusion(t) ** 2).toBeCloseTo(2, 15);
      expect(canonical.scoreGain(t, t / 2)).toBeCloseTo(2 * Math.expm1(t / 2), 13);
      expect(unit.alpha(2 * t)).toBeCloseTo(canonical.alpha(t), 15); // the same process, half as fast
      expect(unit.sigma(2 * t)).toBeCloseTo(canonical.sigma(t), 15);
      expect(unit.diffusion(t)).toBe(1);
    }
    const general = ornsteinUhlenbeck({ theta: 2, mu: 3, sigma: 0.5, T: 4 });
    expect(general.prior.std).toBeCloseTo(0.25, 15);
    expect(general.offset(1)).toBe(6);
  });

  it('constant VP with β = 1 is the process of unit speed', () => {
    const constant = variancePreserving({ schedule: 'constant', beta: 1, T: 10 });
    const unit = unitSpeedOu({ T: 10 });
    for (const t of [0.01, 1, 10]) {
      for (const f of ['alpha', 'sigma', 'lambda', 'drift', 'diffusion'] as const) {
        expect(constant[f](t)).toBeCloseTo(unit[f](t), 14);
      }
    }
  });

  it('the two conventions of VE differ by σmin² and share drift, noise, G and V', () => {
    const options = { sigmaMin: 0.3, sigmaMax: 7, T: 2 };
    const [tang, song] = [
      varianceExploding(options),
      varianceExploding({ ...options, dataHasSigmaMin: true }),
    ];
    for (const t of [0, 0.5, 2]) {
      expect(song.sigma(t) ** 2 - tang.sigma(t) ** 2).toBeCloseTo(0.09, 12);
      expect(song.diffusion(t)).toBe(tang.diffusion(t));
    }
    expect(song.sigma(1)).toBeCloseTo(Math.sqrt(0.3 * 7), 14);
    expect(tang.prior.std).toBeCloseTo(Math.sqrt(49 - 0.09), 14);
    expect(song.prior.std).toBe(7);
    expect(song.scoreGain(2, 0.5)).toBe(tang.scoreGain(2, 0.5));
  });

  it('sub-VP never has more variance than VP, and the rates scale with T', () => {
    const [vp, sub] = [variancePreserving(), subVariancePreserving()];
    const slow = variancePreserving({ T: 1000 });
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1, noNaN: true }), (t) => {
        expect(sub.sigma(t)).toBeLessThanOrEqual(vp.sigma(t));
        expect(sub.alpha(t)).toBe(vp.alpha(t));
        expect(slow.alpha(1000 * t)).toBeCloseTo(vp.alpha(t), 13);
      }),
    );
    expect(vp.alpha(1)).toBeCloseTo(Math.exp(-5.025), 15);
  });

  it('the cosine schedule is cos-shaped until its cap', () => {
    const process = variancePreserving({ schedule: 'cosine', offset: 0.008, T: 2 });
    const angle = (u: number): number => ((u + 0.008) / 1.008) * (Math.PI / 2);
    for (const u of [0.1, 0.5, 0.9, 0.99]) {
      expect(process.alpha(2 * u)).toBeCloseTo(Math.cos(angle(u)) / Math.cos(angle(0)), 14);
    }
    expect(process.diffusion(2) ** 2).toBeCloseTo(999 / 2, 10);
    // above the cap the rate is constant, below and across it the pieces add up
    const capped = variancePreserving({ schedule: 'cosine', betaMax: 60 });
    expect(capped.noiseVariance(0.99, 0.98)).toBeCloseTo(Math.expm1(60 * 0.01), 12);
    const across = (1 + capped.noiseVariance(0.98, 0.9)) * (1 + capped.noiseVariance(0.99, 0.98));
    expect(1 + capped.noiseVariance(0.99, 0.9)).toBeCloseTo(across, 11);
    expect(process.alpha(2)).toBeLessThan(2e-3);
    expect(process.alpha(2)).toBeGreaterThan(5e-4);
  });
});

describe('fromAlphaSigma', () => {
  it('differentiates to 1e-11, at the ends too', () => {
    const numeric = fromAlphaSigma({
      alpha: (t) => Math.exp(-t),
      sigma: (t) => Math.sqrt(-Math.expm1(-2 * t)),
      T: 3,
    });
    for (const t of [0, 1e-9, 1e-3, 0.7, 2.9, 3]) {
      expect(Math.abs(numeric.drift(t) + 1), `f(${t})`).toBeLessThan(1e-11);
      expect(Math.abs(numeric.diffusion(t) ** 2 - 2), `g²(${t})`).toBeLessThan(1e-10);
    }
    expect(numeric.scoreGain(2, 0.5)).toBeCloseTo(2 * Math.expm1(1.5), 10);
    expect(numeric.prior).toEqual({ mean: 0, std: Math.sqrt(-Math.expm1(-6)) });
  });

  it('takes a straight line to alpha = 0', () => {
    const line = fromAlphaSigma({ alpha: (t) => 1 - t, sigma: (t) => t });
    expect(line.lambda(1)).toBe(Number.NEGATIVE_INFINITY);
    expect(line.drift(1)).toBe(Number.NEGATIVE_INFINITY);
    expect(line.timeOfLambda(Math.log(3))).toBeCloseTo(0.25, 15);
    expect(line.drift(0.5)).toBeCloseTo(-2, 12);
    expect(line.diffusion(0.5) ** 2).toBeCloseTo(2, 12); // 2t + 2t²/(1 − t)
  });

  it('refuses pairs that do not run from data to noise', () => {
    expect(() => fromAlphaSigma({ alpha: (t) => t, sigma: (t) => 1 - t })).toThrow(
      'fromAlphaSigma: alpha(t) must be finite and above 0',
    );
    expect(() => fromAlphaSigma({ alpha: () => 1, sigma: () => 1 })).toThrow(
      'alpha/sigma must be strictly decreasing, got 1 and then 1 at t =',
    );
    expect(() => fromAlphaSigma({ alpha: () => 1, sigma: () => Number.NaN })).toThrow('sigma(0) = NaN');
    expect(() => fromAlphaSigma({ alpha: () => 1, sigma: (t) => t, T: 0 })).toThrow(
      'fromAlphaSigma: T must be a positive finite number, got 0.',
    );
  });
});

describe('toVarianceExploding', () => {
  it.each(everyProcess.filter(({ last }) => last === undefined))(
    '$name is VE at noise level σ/α',
    async ({ process }) => {
      const view = toVarianceExploding(process);
      const t = 0.6 * process.T;
      const level = view.noiseLevel(t);
      expect(view.process.sigma(level)).toBe(level);
      expect(view.process.lambda(level)).toBeCloseTo(process.lambda(t), 12);
      expect(view.timeOfNoiseLevel(level)).toBeCloseTo(t, 12);
      // for Gaussian data N(a, s²) both scores are known
      const [a, s] = [0.8, 0.4];
      const xs = [-1, 0.3, 2];
      const alpha = process.alpha(t);
      const score = xs.map(
        (x) => (alpha * a + process.mean(t) - x) / (alpha ** 2 * s ** 2 + process.sigma(t) ** 2),
      );
      const ys = await view.toVe(tf.tensor1d(xs), t).data();
      const scoreVe = Array.from(ys, (y) => (a - y) / (s ** 2 + level ** 2));
      expect(
        worst(Array.from(await view.scoreFromVe(tf.tensor1d(scoreVe), t).data()), score).error,
      ).toBeLessThan(2e-6);
      expect(
        worst(Array.from(await view.scoreToVe(tf.tensor1d(score), t).data()), scoreVe).error,
      ).toBeLessThan(2e-6);
      expect(worst(Array.from(await view.fromVe(tf.tensor1d([...ys]), t).data()), xs).error).toBeLessThan(
        2e-6,
      );
    },
  );

  it('needs alpha(T) > 0', () => {
    expect(() => toVarianceExploding(custom[0]!.process)).toThrow(
      'toVarianceExploding: sigma/alpha must be finite at T = 1, got Infinity.',
    );
  });
});

describe('contraction', () => {
  it('holds for CVP alone', () => {
    const cvp = contraction(contractive({ betaMin: 0.5, betaMax: 8 }));
    expect([cvp.infimum, cvp.rate(0), cvp.rate(1), cvp.contractive]).toEqual([0.25, 0.25, 4, true]);
    expect(contraction(canonicalOu())).toMatchObject({ infimum: -1, contractive: false });
    expect(contraction(edm())).toMatchObject({ infimum: 0, contractive: false });
    expect(contraction(variancePreserving())).toMatchObject({ infimum: -10, contractive: false });
    const growing = fromAlphaSigma({ alpha: (t) => Math.exp(t), sigma: (t) => Math.sqrt(Math.expm1(4 * t)) });
    expect(contraction(growing).infimum).toBeCloseTo(1, 10);
  });
});

describe('bad input', () => {
  it('is refused with what to do', () => {
    expect(() => variancePreserving({ betaMin: 5, betaMax: 1 })).toThrow(
      'variancePreserving: betaMin must lie in [0, betaMax] = [0, 1], got 5. The rate grows from betaMin to betaMax.',
    );
    expect(() => variancePreserving({ schedule: 'sigmoid' as never })).toThrow(
      "variancePreserving: schedule must be one of 'linear', 'scaledLinear', 'constant', 'cosine', 'table', got 'sigmoid'.",
    );
    expect(() => variancePreserving({ T: Number.NaN })).toThrow(
      'variancePreserving: T must be a positive finite number, got NaN.',
    );
    expect(() => subVariancePreserving({ schedule: 'cosine', offset: -1 })).toThrow(
      'subVariancePreserving: offset must be a finite number of at least 0, got -1.',
    );
    expect(() => contractive({ schedule: 'constant', beta: 0 })).toThrow(
      'contractive: beta must be a positive finite number, got 0.',
    );
    expect(() => variancePreserving({ schedule: 'table', betas: [0.1, 0] })).toThrow(
      'betas must lie in (0, 1), got 0 at index 1.',
    );
    expect(() => varianceExploding({ sigmaMin: 2, sigmaMax: 2 })).toThrow(
      'varianceExploding: sigmaMin must be less than sigmaMax = 2, got 2.',
    );
    expect(() => ornsteinUhlenbeck({ theta: 0 })).toThrow(
      'ornsteinUhlenbeck: theta must be a positive finite number, got 0.',
    );
    expect(() => edm({ T: Number.POSITIVE_INFINITY })).toThrow(
      'edm: T must be a positive finite number, got Infinity.',
    );
    const vp = variancePreserving();
    expect(() => vp.sigma(1.5)).toThrow(
      'vp.sigma: t must lie in [0, 1], got 1.5. Pass a time of this process; its horizon is T = 1.',
    );
    expect(() => vp.alpha(-0.1)).toThrow('vp.alpha: t must lie in [0, 1], got -0.1.');
    expect(() => vp.lambda('0' as never)).toThrow("vp.lambda: t must lie in [0, 1], got '0'.");
    expect(() => vp.scoreGain(0.2, 0.3)).toThrow('vp.scoreGain: r must not exceed t = 0.2, got 0.3.');
    expect(() => vp.timeOfLambda(-100)).toThrow('vp.timeOfLambda: lambda must lie in [-5.0');
    expect(() => vp.timeOfLambda(Number.NaN)).toThrow('got NaN');
  });
});
