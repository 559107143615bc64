/** Weights by the step: each run is the one that the paper writes down, in float64 by hand. */
import {
  classifierFreeGuidance,
  diffusionPosterior,
  gaussian,
  gaussianMixture,
  maskedObservation,
  perStepWeight,
  plusPlusWeight,
} from '@diff/score';
import { edm, flowMatching, logSnrGrid, ornsteinUhlenbeck, variancePreserving } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, test } from 'vitest';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const ou = ornsteinUhlenbeck({ theta: 1, mu: 0.5, sigma: 1.2, T: 4 });
const processes = [
  ['vp', variancePreserving(), 1e-3],
  ['ou', ou, 0.01],
  ['edm', edm({ T: 20 }), 0.01],
] as const;
const [given, free, variance] = [[1, -0.5], [0.2, 0.3], 0.5];
const start = [0.3, -1.2];
const numbers = async (y: tf.Tensor | Promise<tf.Tensor>): Promise<number[]> =>
  Array.from(await (await y).data());

describe.each(processes)('%s', (_name, process, end) => {
  const grid = [...logSnrGrid({ process, steps: 8, end }), 0];
  /** x̂0 of N(mean, v I), in float64. */
  const dataOf = (mean: readonly number[], x: readonly number[], t: number): number[] => {
    const [a, s] = [process.alpha(t), process.sigma(t)];
    const slope = (a * variance) / (a * a * variance + s * s);
    return x.map((v, i) => mean[i]! + slope * (v - a * mean[i]! - process.mean(t)));
  };
  const noiseOf = (x: readonly number[], data: readonly number[], t: number): number[] =>
    x.map((v, i) => (v - process.alpha(t) * data[i]! - process.mean(t)) / process.sigma(t));
  const first = start.map((v) => v * process.sigma(process.T) + process.mean(process.T));

  test('CFG++: x̂0 by the guided noise, renoised by the unconditional one', async () => {
    const scale = 0.6;
    const guided = classifierFreeGuidance({
      conditional: gaussianMixture({ process, means: [given], variance, labels: [0] }),
      unconditional: gaussian({ process, mean: free, variance }),
      weight: plusPlusWeight({ process, grid, scale }),
    });
    const condition = tf.tensor1d([0], 'int32');
    let [x, y] = [first, first];
    for (let k = 0; k + 1 < grid.length; k++) {
      const [t, r] = [grid[k]!, grid[k + 1]!];
      // the paper's step
      const [own, plain] = [noiseOf(x, dataOf(given, x, t), t), noiseOf(x, dataOf(free, x, t), t)];
      const data = x.map((v, i) => {
        const noise = plain[i]! + scale * (own[i]! - plain[i]!);
        return (v - process.mean(t) - process.sigma(t) * noise) / process.alpha(t);
      });
      x = data.map((v, i) => process.alpha(r) * v + process.mean(r) + process.sigma(r) * plain[i]!);
      // DDIM with one guided prediction
      const state: tf.Tensor = tf.tensor2d([y]);
      const one = await numbers(guided.denoise(state, t, condition));
      const noise = noiseOf(y, one, t);
      y = one.map((v, i) => process.alpha(r) * v + process.mean(r) + process.sigma(r) * noise[i]!);
    }
    x.forEach((v, i) => {
      expect(Math.abs(y[i]! - v)).toBeLessThan(2e-4);
    });
  });

  test('DPS: the mean of an ancestral step moves by −ζ ∇|y − x̂0|', async () => {
    const [shift, seen] = [0.3, [0.4, 1.1]];
    const guided = diffusionPosterior({
      model: gaussian({ process, mean: given, variance }),
      observation: maskedObservation({ mask: tf.ones([2]), known: tf.tensor1d(seen) }),
      noiseVariance: 'residual',
      weight: perStepWeight({ process, grid, shift }),
    });
    for (let k = 0; k + 1 < grid.length; k++) {
      const [t, r] = [grid[k]!, grid[k + 1]!];
      const x = start.map((v) => v * process.sigma(t) + process.mean(t));
      const [at, sr] = [process.alpha(t), process.sigma(r)];
      const ratio = at / process.alpha(r);
      // the mean of p(x_r | x_t, x̂0), as DDPM writes it
      const carry = (ratio * sr ** 2) / process.sigma(t) ** 2;
      const gain = process.alpha(r) * (1 - (ratio * sr) ** 2 / process.sigma(t) ** 2);
      const moved = (await numbers(guided.denoise(tf.tensor2d([x]), t))).map(
        (v, i) => carry * (x[i]! - process.mean(t)) + gain * v,
      );
      const data = dataOf(given, x, t);
      const slope = (at * variance) / (at ** 2 * variance + process.sigma(t) ** 2);
      const residual = seen.map((v, i) => v - data[i]!);
      const expected = data.map(
        (v, i) =>
          carry * (x[i]! - process.mean(t)) +
          gain * v +
          (shift * slope * residual[i]!) / Math.hypot(...residual),
      );
      expected.forEach((v, i) => {
        expect(Math.abs(moved[i]! - v)).toBeLessThan(1e-4 * (1 + Math.abs(v)));
      });
    }
  });
});

test('a step to the data and a step from pure noise leave the scale as it is', () => {
  const weight = plusPlusWeight({ process: flowMatching(), grid: [1, 0.5, 0], scale: 0.7 });
  expect([weight(1), weight(0.5)]).toEqual([0.7 - 1, 0.7 - 1]);
  const inner = plusPlusWeight({ process: flowMatching(), grid: [0.8, 0.5, 0], scale: 0.7 });
  // e^{−h} = 0.5·0.2/(0.5·0.8)
  expect(inner(0.8)).toBeCloseTo(0.7 / 0.75 - 1, 12);
});

test('times that went through float32 belong to their step, and those after the last step to it', () => {
  const grid = [4, 2.7, 1.7, 1, 0.6, 0.3, 0.1, 0.03, 0.02, 0.01];
  for (const weight of [
    plusPlusWeight({ process: ou, grid, scale: 0.5 }),
    perStepWeight({ process: ou, grid, shift: 1 }),
  ]) {
    const exact = grid.slice(0, -1).map(weight);
    expect(grid.slice(0, -1).map((t) => weight(Math.fround(t)))).toEqual(exact);
    expect(new Set(exact).size).toBe(9);
    expect(weight(0.01)).toBe(exact.at(-1));
  }
});

test('bad options are refused in words', () => {
  expect(() => plusPlusWeight({ process: ou, grid: [1, 2], scale: 1 })).toThrow(
    'plusPlusWeight: grid must be strictly descending',
  );
  expect(() => plusPlusWeight({ process: ou, grid: [1, 0], scale: Number.NaN })).toThrow(
    'plusPlusWeight: scale must be a finite number, got NaN',
  );
  expect(() => perStepWeight({ process: ou, grid: [1], shift: 1 })).toThrow(
    'perStepWeight: grid must be a list of at least two times',
  );
  expect(() => perStepWeight({ process: ou, grid: [1, 0], shift: '1' as never })).toThrow(
    "perStepWeight: shift must be a finite number, got '1'",
  );
});
