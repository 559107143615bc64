import '@tensorflow/tfjs-backend-cpu';
import { key, normal } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import * as metrics from '../src/index.ts';

beforeAll(() => tf.setBackend('cpu'));

type Run = (x: tf.Tensor, y: tf.Tensor, options: metrics.MetricOptions) => Promise<unknown>;
const first = (t: tf.Tensor): tf.Tensor => tf.tidy(() => tf.reshape(tf.slice(t, [0, 0], [-1, 1]), [-1]));
async function onFirst(
  x: tf.Tensor,
  y: tf.Tensor,
  run: (x: tf.Tensor, y: tf.Tensor) => Promise<unknown>,
): Promise<void> {
  const [a, b] = [first(x), first(y)];
  try {
    await run(a, b);
  } finally {
    tf.dispose([a, b]);
  }
}

const runs: Record<string, Run> = {
  energyDistance: (x, y, o) => metrics.energyDistance(x, y, o),
  mmdSquared: (x, y, o) => metrics.mmdSquared(x, y, { ...o, bandwidth: [1, 2] }),
  slicedWasserstein: (x, y, o) => metrics.slicedWasserstein(x, y, { ...o, key: key(1), projections: 7 }),
  wasserstein1d: (x, y, o) => onFirst(x, y, (a, b) => metrics.wasserstein1d(a, b, o)),
  kolmogorovSmirnov: (x, y, o) => onFirst(x, y, (a, b) => metrics.kolmogorovSmirnov(a, b, o)),
  frechetDistance: (x, y, o) => metrics.frechetDistance(x, y, o),
  nearestDistance: (x, y, o) => metrics.nearestDistance(x, y, o),
  nearestDistanceWithin: (x, _, o) => metrics.nearestDistanceWithin(x, o),
  precisionRecall: (x, y, o) => metrics.precisionRecall(x, y, { ...o, k: 2 }),
  nearestNeighbourAccuracy: (x, y, o) =>
    metrics.nearestNeighbourAccuracy(x, new Int32Array(30), y, new Int32Array(20), o),
};

describe.each(Object.entries(runs))('%s', (_, run) => {
  const bootstrap = { key: key(9), resamples: 10 };

  it('leaves as many tensors as it found', async () => {
    const [x, y] = [normal(key(1), [30, 3]), normal(key(2), [20, 3])];
    const before = tf.memory().numTensors;
    await run(x, y, {});
    await run(x, y, { bootstrap });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('stops when aborted, and leaves nothing', async () => {
    const [x, y] = [normal(key(1), [30, 3]), normal(key(2), [20, 3])];
    const before = tf.memory().numTensors;
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(run(x, y, { bootstrap, signal })).rejects.toThrow('enough');
    expect(tf.memory().numTensors).toBe(before);
  });
});
