/** Conversions between kinds: the defining equations, round trips, and where they end. */
import { conversion, convertPrediction, defineModel, PREDICTION_KINDS } from '@diff/score';
import {
  canonicalOu,
  contractive,
  edm,
  fromAlphaSigma,
  type LinearProcess,
  ornsteinUhlenbeck,
  subVariancePreserving,
  varianceExploding,
  variancePreserving,
} from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const processes: readonly (readonly [string, LinearProcess])[] = [
  ['OU with a mean', ornsteinUhlenbeck({ theta: 0.7, mu: 1.5, sigma: 0.9, T: 4 })],
  ['canonical OU', canonicalOu({ T: 6 })],
  ['VP', variancePreserving({ schedule: 'linear', betaMin: 0.1, betaMax: 20, T: 1 })],
  ['sub-VP', subVariancePreserving({ schedule: 'linear', betaMin: 0.1, betaMax: 20, T: 1 })],
  ['VE', varianceExploding({ sigmaMin: 0.01, sigmaMax: 50, T: 1 })],
  ['EDM', edm({ T: 80 })],
  ['contractive', contractive({ schedule: 'linear', betaMin: 0.1, betaMax: 8, T: 1 })],
];

/** The prediction of each kind that belongs to data x0 and noise e. */
function truth(process: LinearProcess, t: number, x0: number, e: number) {
  const [a, s] = [process.alpha(t), process.sigma(t)];
  return { score: -e / s, noise: e, data: x0, velocity: a * e - s * x0, x: a * x0 + process.mean(t) + s * e };
}

describe.each(processes)('%s', (_, process) => {
  const times = fc.double({ min: 0.001, max: 1, noNaN: true }).map((u) => u * process.T);
  const values = fc.double({ min: -3, max: 3, noNaN: true });

  test.each(PREDICTION_KINDS.flatMap((from) => PREDICTION_KINDS.map((to) => [from, to] as const)))(
    '%s → %s',
    (from, to) => {
      fc.assert(
        fc.property(times, values, values, (t, x0, e) => {
          const all = truth(process, t, x0, e);
          const { x, p, constant } = conversion(process, t, from, to);
          const value = x * all.x + p * all[from] + constant;
          // float64: one rounding of each term, which may be much larger than their sum
          const terms =
            Math.abs(x) * (Math.abs(all.x) + Math.abs(process.mean(t)) + Math.abs(process.alpha(t) * x0)) +
            Math.abs(p * all[from]) +
            Math.abs(constant);
          expect(Math.abs(value - all[to])).toBeLessThanOrEqual(1e-13 * (terms + Math.abs(all[to])) + 1e-300);
        }),
        { numRuns: 60 },
      );
    },
  );

  test('there and back again is the identity', () => {
    fc.assert(
      fc.property(
        times,
        fc.constantFrom(...PREDICTION_KINDS),
        fc.constantFrom(...PREDICTION_KINDS),
        (t, from, to) => {
          const there = conversion(process, t, from, to);
          const back = conversion(process, t, to, from);
          expect(back.p * there.p).toBeCloseTo(1, 12);
          const residue = back.x + back.p * there.x;
          expect(Math.abs(residue)).toBeLessThanOrEqual(1e-12 * (Math.abs(back.x) + 1));
          expect(Math.abs(back.constant + back.p * there.constant)).toBeLessThanOrEqual(
            1e-12 * (Math.abs(back.constant) + 1),
          );
        },
      ),
    );
  });
});

describe('at the ends of time', () => {
  const ou = canonicalOu({ T: 5 });

  test('σ = 0: what is determined stays finite, the rest says why not', () => {
    expect(conversion(ou, 0, 'noise', 'data')).toEqual({ x: 1, p: 0, constant: 0 });
    expect(conversion(ou, 0, 'velocity', 'data')).toEqual({ x: 1, p: 0, constant: 0 });
    expect(conversion(ou, 0, 'velocity', 'noise')).toEqual({ x: 0, p: 1, constant: 0 });
    expect(conversion(ou, 0, 'score', 'score')).toEqual({ x: 0, p: 1, constant: 0 });
    expect(() => conversion(ou, 0, 'noise', 'score')).toThrow(
      'conversion: score from noise needs sigma(t) > 0, got alpha = 1, sigma = 0 at t = 0. Stay away from that end of time, or use a model that predicts score or velocity.',
    );
    expect(() => conversion(ou, 0, 'data', 'noise')).toThrow(/needs sigma\(t\) > 0/);
  });

  test('α = 0: the noise is all there is', () => {
    const ends = fromAlphaSigma({ alpha: (t) => 1 - t, sigma: (t) => t, T: 1 });
    expect(conversion(ends, 1, 'velocity', 'data')).toEqual({ x: 0, p: -1, constant: 0 });
    expect(conversion(ends, 1, 'data', 'noise')).toEqual({ x: 1, p: 0, constant: 0 });
    expect(() => conversion(ends, 1, 'noise', 'data')).toThrow(/data from noise needs alpha\(t\) > 0/);
  });

  test('an unknown kind is named', () => {
    // @ts-expect-error a kind that does not exist
    expect(() => conversion(ou, 1, 'epsilon', 'data')).toThrow(
      "conversion: from must be one of 'score', 'noise', 'data', 'velocity', got 'epsilon'. Choose one of these.",
    );
  });
});

describe('defineModel', () => {
  const process = ornsteinUhlenbeck({ theta: 1, mu: 2, sigma: 1, T: 3 });
  const x = tf.tensor2d([
    [0.3, -1],
    [2, 0.5],
    [1, 1],
  ]);

  test.each(PREDICTION_KINDS)(
    'derives score, denoise and noise from %s, for one time and for one per row',
    async (kind) => {
      // data are the point 0.4, so noise is (x − 0.4α − m)/σ and everything is known
      const at = (t: number, value: number) => {
        const e = (value - 0.4 * process.alpha(t) - process.mean(t)) / process.sigma(t);
        return truth(process, t, 0.4, e);
      };
      const rows = [0.2, 1.1, 2.7];
      const model = defineModel({
        process,
        kind,
        predict: async (state, t) => {
          const values = (await state.array()) as number[][];
          const times = typeof t === 'number' ? values.map(() => t) : Array.from(await t.data());
          return tf.tensor2d(values.map((row, i) => row.map((v) => at(times[i]!, v)[kind])));
        },
      });
      const names = [
        ['score', 'score'],
        ['denoise', 'data'],
        ['noise', 'noise'],
      ] as const;
      const before = tf.memory().numTensors;
      for (const [name, to] of names) {
        for (const t of [0.8, tf.tensor1d(rows)] as const) {
          const out = await model[name](x, t);
          const values = (await out.array()) as number[][];
          ((await x.array()) as number[][]).forEach((row, i) => {
            row.forEach((v, j) => {
              const expected = at(typeof t === 'number' ? t : Math.fround(rows[i]!), v)[to];
              expect(values[i]![j]!, `${name} from ${kind}`).toBeCloseTo(expected, 4);
            });
          });
          out.dispose();
          if (typeof t !== 'number') t.dispose();
        }
      }
      expect(tf.memory().numTensors).toBe(before);
    },
  );

  test('times that float32 rounds past the horizon are the horizon', async () => {
    const short = canonicalOu({ T: 0.3 }); // Math.fround(0.3) > 0.3
    const model = defineModel({ process: short, kind: 'score', predict: (state) => tf.neg(state) });
    const denoised = await model.denoise(tf.ones([1, 1]), tf.tensor1d([0.3]));
    expect((await denoised.data())[0]).toBeCloseTo(short.alpha(0.3), 5);
  });

  test('bad times and kinds are refused in words', async () => {
    const model = defineModel({ process, kind: 'score', predict: (state) => tf.neg(state), name: 'mine' });
    await expect(model.score(x, Number.NaN)).rejects.toThrow(
      'mine: t must be a finite number, got NaN. Pass a time in [0, T].',
    );
    await expect(model.denoise(x, tf.tensor1d([1, 2]))).rejects.toThrow(
      'mine: t must be a number or a tensor of shape [3] (one time per row), got a tensor of shape [2]. Pass one time, or one for each row.',
    );
    // @ts-expect-error a kind that does not exist
    expect(() => defineModel({ process, kind: 'x0', predict: (state) => state })).toThrow(
      /defineModel: kind must be one of/,
    );
  });

  test('a conversion that fails leaves no tensor behind', async () => {
    const model = defineModel({ process, kind: 'noise', predict: (state) => tf.clone(state) });
    const before = tf.memory().numTensors;
    await expect(model.score(x, 0)).rejects.toThrow(/needs sigma/);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('convertPrediction keeps its inputs', async () => {
    const prediction = tf.ones([3, 2]);
    const same = await convertPrediction(process, x, prediction, 1, 'noise', 'noise');
    same.dispose();
    expect(prediction.isDisposed).toBe(false);
  });
});
