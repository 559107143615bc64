/**
 * Guided runs against closed forms: for class-conditional Gaussians of one variance v the guided flow is that of the
 * Gaussian with the extrapolated mean, so that within an interval of noise levels
 *
 *   x_r − μ_w = √((v + r²)/(v + t²)) (x_t − μ_w),     and outside it the same with μ_c.
 */
import '@tensorflow/tfjs-backend-cpu';
import { key, normal } from '@diff/core';
import {
  autoguidance,
  classifierFreeGuidance,
  gaussian,
  gaussianMixture,
  type ScoreModel,
} from '@diff/score';
import { edm, karrasGrid } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { heun, rungeKutta4, sample } from '../src/index.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const process = edm({ T: 20 });
const [variance, mean, free, weight] = [0.5, [1, -0.5], [0.2, 0.3], 1.5];
const guidedMean = mean.map((m, i) => (1 + weight) * m - weight * free[i]!);
const conditional = gaussianMixture({ process, means: [mean, [9, 9]], variance, labels: [0, 1] });
const unconditional = gaussian({ process, mean: free, variance });
const interval = { above: 0.3, upTo: 4 };
/** The interval's ends are times of the grid, where a step that crosses them would see both fields. */
const grid = [
  ...karrasGrid({ process, steps: 30, end: 4 }),
  ...karrasGrid({ process: edm({ T: 4 }), steps: 40, end: 0.3 }).slice(1),
  ...karrasGrid({ process: edm({ T: 0.3 }), steps: 20, end: 0.01 }).slice(1),
];

/** Through the three stretches with the mean that belongs to each. */
function exact(x: readonly number[], inside: readonly number[]): number[] {
  const levels = [20, interval.upTo, interval.above, 0.01];
  return x.map((start, i) => {
    let value = start;
    for (const [k, target] of [mean, inside, mean].entries()) {
      const [t, r] = [levels[k]!, levels[k + 1]!];
      const m = target[i % 2]!;
      value = m + Math.sqrt((variance + r * r) / (variance + t * t)) * (value - m);
    }
    return value;
  });
}

async function run(
  model: ScoreModel,
  condition?: tf.Tensor,
): Promise<{ from: number[]; to: number[]; nfe: number }> {
  const initial = tf.tidy(() => tf.mul(normal(key(2), [5, 2]), 20));
  let nfe = 0;
  const x = await sample({
    model,
    sampler: rungeKutta4(),
    grid,
    shape: [5, 2],
    key: key(1),
    initial,
    condition,
    onStep: (report) => {
      nfe = report.nfe;
    },
  });
  const [from, to] = [Array.from(await initial.data()), Array.from(await x.data())];
  tf.dispose([initial, x]);
  return { from, to, nfe };
}

const worst = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((v, i) => Math.abs(v - b[i]!)));

test('classifier-free guidance in an interval', async () => {
  const condition = tf.tensor1d([0, 0, 0, 0, 0], 'int32');
  const before = tf.memory().numTensors;
  const { from, to } = await run(
    classifierFreeGuidance({ conditional, unconditional, weight, interval }),
    condition,
  );
  expect(worst(to, exact(from, guidedMean))).toBeLessThan(1e-2);
  const plain = exact(from, mean);
  expect(worst(to, plain)).toBeGreaterThan(0.5);
  expect(tf.memory().numTensors).toBe(before);
  condition.dispose();
});

test('autoguidance in an interval evaluates the weaker model there only', async () => {
  let weak = 0;
  const weaker: ScoreModel = {
    ...unconditional,
    predict: (x, t) => {
      weak++;
      return unconditional.predict(x, t);
    },
  };
  const model = gaussian({ process, mean, variance });
  const { from, to, nfe } = await run(autoguidance({ model, weaker, weight, interval }));
  expect(worst(to, exact(from, guidedMean))).toBeLessThan(1e-2);
  expect(nfe).toBe(4 * 90);
  // The last stage of the step before belongs to the interval, that of its own last step does not.
  expect(weak).toBe(4 * 40);
});

test('rescaling all the way keeps the deviation of each evaluation, and the run finite', async () => {
  const condition = tf.tensor1d([0, 0], 'int32');
  const guided = classifierFreeGuidance({ conditional, unconditional, weight: 8, rescale: 1 });
  const x = await sample({ model: guided, sampler: heun(), grid, shape: [2, 2], key: key(1), condition });
  expect(Array.from(await x.data()).every(Number.isFinite)).toBe(true);
  tf.dispose([x, condition]);
});
