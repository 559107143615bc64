/** Every order that a sampler claims, measured on the production samplers in float64. */
import * as tf from '@tensorflow/tfjs-core';
import '../src/float64-backend.ts';
import { beforeAll, describe, expect, test } from 'vitest';
import { exactFlow, measuredOrder } from '../src/flow-order.ts';
import { keptPath, measuredStrongOrder } from '../src/path-order.ts';
import { ring } from '../src/problems.ts';
import { REGISTRY } from '../src/registry.ts';
import { specimen } from '../src/specimen.ts';
import { measuredWeakOrder } from '../src/weak-order.ts';

beforeAll(async () => {
  await tf.setBackend('float64');
});

const named = REGISTRY.map((entry) => [entry.call, specimen(entry), entry] as const);
const exact = exactFlow(ring);
const path = keptPath(ring);

describe('deterministic, eight Gaussians, σ from 80 to 0.01', () => {
  test.each(named.filter(([, { stochastic }]) => !stochastic))('%s', async (_call, { order }, entry) => {
    expect(Math.abs((await measuredOrder(ring, entry, exact)) - order)).toBeLessThan(0.3);
  });
});

describe('weak, exact laws on a Gaussian', () => {
  const measurable = named.filter(
    ([, { stochastic, order }, { orderIn }]) => stochastic && order > 0 && !orderIn,
  );
  // The longest run has 1280 steps and a row for each of its 3840 draws.
  test.each(measurable)(
    '%s',
    async (_call, { order }, entry) => {
      expect(Math.abs((await measuredWeakOrder(entry)) - order)).toBeLessThan(0.3);
    },
    120_000,
  );
});

describe('strong, eight Gaussians, along one Brownian path', () => {
  const strong = named.filter(([, { strongOrder }, { orderIn }]) => strongOrder !== undefined && !orderIn);
  test.each(strong)('%s', async (_call, { strongOrder }, entry) => {
    const measured = await measuredStrongOrder(ring, entry, path);
    expect(Math.abs(measured - strongOrder!)).toBeLessThan(0.3);
  });
});
