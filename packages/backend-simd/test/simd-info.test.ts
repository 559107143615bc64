import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { kernelCounts, resetKernelCounts, simdInfo, timeKernels } from '../src/index.ts';
import { bestVariant } from '../src/wasm.ts';

describe('simdInfo', () => {
  it('says what runs and what is in use', async () => {
    await tf.setBackend('simd');
    const before = simdInfo();
    expect(before).toMatchObject({
      available: true,
      threads: 1,
      variant: bestVariant(),
      whyNoThreads: undefined,
    });
    const x = tf.zeros([1000]);
    const { memory } = simdInfo();
    expect(memory.blocks).toBe(before.memory.blocks + 1);
    expect(memory.inUse - before.memory.inUse).toBeGreaterThanOrEqual(4000);
    expect(memory.highWater).toBeGreaterThanOrEqual(memory.inUse);
    expect(memory.reserved).toBeGreaterThanOrEqual(memory.highWater);
    x.dispose();
    expect(simdInfo().memory.inUse).toBe(before.memory.inUse);
    expect(simdInfo().memory.highWater).toBe(memory.highWater);
  });

  it('times kernels only when asked to', async () => {
    await tf.setBackend('simd');
    const run = () =>
      tf
        .tidy(() => [
          tf.sum(tf.ones([100_000])),
          tf.localResponseNormalization(tf.ones<tf.Rank.R4>([10, 10, 10, 10])),
        ])
        .map((t) => t.dispose());
    resetKernelCounts();
    run();
    expect(kernelCounts().every(({ ownMs, fallbackMs }) => ownMs === 0 && fallbackMs === 0)).toBe(true);
    timeKernels(true);
    run();
    timeKernels(false);
    const of = (name: string) => kernelCounts().find(({ kernel }) => kernel === name);
    expect(of('Sum')).toMatchObject({ own: 2, fallback: 0, fallbackMs: 0 });
    expect(of('Sum')!.ownMs).toBeGreaterThan(0);
    expect(of('LRN')).toMatchObject({ own: 0, fallback: 2, ownMs: 0 });
    expect(of('LRN')!.fallbackMs).toBeGreaterThan(0);
    const times = kernelCounts().map(({ ownMs, fallbackMs }) => ownMs + fallbackMs);
    expect(times).toEqual(times.toSorted((p, q) => q - p));
    resetKernelCounts();
    expect(kernelCounts()).toEqual([]);
  });
});
