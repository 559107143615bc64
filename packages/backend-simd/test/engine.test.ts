/** What tfjs's engine does with a backend besides running ops. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { SimdBackend, simdInfo } from '../src/index.ts';
import { noise } from './noise.ts';

beforeEach(() => tf.setBackend('simd'));

describe('tf.memory()', () => {
  it('counts what the cpu backend counts', async () => {
    const counts = async (backend: string): Promise<object[]> => {
      await tf.setBackend(backend);
      const { numTensors, numBytes, numDataBuffers } = tf.memory();
      const made: tf.Tensor[] = [];
      const steps = [
        () => tf.ones([5, 7]),
        () => tf.zeros([3], 'int32'),
        () => tf.tensor([true, false]),
        () => tf.reshape(made[0]!, [35]),
        () => tf.complex([1, 2], [3, 4]),
        () => tf.tensor(['a', 'longer']),
        () => tf.tensor([], [0, 3]),
        () => tf.matMul(made[0] as tf.Tensor2D, made[0] as tf.Tensor2D, false, true),
        () => tf.cumprod(made[0]!, 1),
      ];
      const seen = steps.map((step) => {
        made.push(tf.tidy(step));
        const now = tf.memory();
        return {
          tensors: now.numTensors - numTensors,
          bytes: now.numBytes - numBytes,
          buffers: now.numDataBuffers - numDataBuffers,
        };
      });
      tf.dispose(made);
      expect(tf.memory()).toMatchObject({ numTensors, numBytes, numDataBuffers });
      return seen;
    };
    expect(await counts('simd')).toEqual(await counts('cpu'));
  });

  it('says how many bytes are in WebAssembly, and is reliable', () => {
    const before = tf.memory() as tf.MemoryInfo & { numBytesInWasm: number };
    const x = tf.ones([1000]);
    const after = tf.memory() as tf.MemoryInfo & { numBytesInWasm: number };
    expect(after.numBytesInWasm - before.numBytesInWasm).toBeGreaterThanOrEqual(4000);
    expect(after.numBytesInWasm).toBe(simdInfo().memory.inUse);
    expect(after.unreliable ?? false).toBe(false);
    x.dispose();
    expect(tf.memory()).toEqual(before);
  });
});

describe('what does not live in WebAssembly', () => {
  it('complex numbers and strings are freed whole, whatever goes first', async () => {
    const { blocks } = simdInfo().memory;
    const before = tf.memory();
    const real = tf.tensor1d(noise(100, 1));
    const imag = tf.tensor1d(noise(100, 2));
    const z = tf.complex(real, imag);
    tf.dispose([real, imag]);
    const again = tf.clone(z);
    z.dispose();
    const spectrum = tf.tidy(() => tf.fft(again));
    again.dispose();
    const back = tf.tidy(() => tf.real(tf.ifft(spectrum)));
    spectrum.dispose();
    expect((await back.data())[7]).toBeCloseTo(noise(100, 1)[7]!, 5);
    const words = tf.tensor1d(['ä', 'b', 'c']);
    const buckets = tf.string.stringToHashBucketFast(words, 10);
    expect(await words.data<'string'>()).toEqual(['ä', 'b', 'c']);
    expect((await buckets.data()).every((bucket) => 0 <= bucket && bucket < 10)).toBe(true);
    tf.dispose([back, words, buckets]);
    const { numTensors, numDataBuffers } = before;
    expect(tf.memory()).toMatchObject({ numTensors, numDataBuffers });
    expect(simdInfo().memory.blocks).toBe(blocks);
  });

  it('views of one tensor live until the last of them is gone, in any order', () => {
    const { blocks } = simdInfo().memory;
    const orders = [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
      [1, 3, 0, 2],
      [2, 0, 3, 1],
    ];
    for (const order of orders) {
      const x = tf.tensor1d(noise(64, 3));
      const views = [x, tf.reshape(x, [8, 8]), tf.expandDims(x, 0), tf.clone(x)];
      const expected = [...noise(64, 3)];
      order.forEach((index, k) => {
        for (const left of order.slice(k)) expect([...views[left]!.dataSync()]).toEqual(expected);
        expect(simdInfo().memory.blocks).toBe(blocks + 1);
        views[index]!.dispose();
      });
      expect(simdInfo().memory.blocks).toBe(blocks);
    }
  });
});

describe('a backend that goes and comes', () => {
  it('can be removed and registered again', async () => {
    const x = tf.ones([100]);
    expect(simdInfo().memory.blocks).toBeGreaterThan(0);
    tf.removeBackend('simd');
    // All its tensors went with it.
    expect(simdInfo().memory).toMatchObject({ blocks: 0, inUse: 0 });
    expect(tf.findBackend('simd')).toBeNull();
    expect(tf.registerBackend('simd', () => new SimdBackend(), 2.5)).toBe(true);
    await tf.setBackend('simd');
    const [sum] = await tf.sum(tf.ones([100])).data();
    expect(sum).toBe(100);
    expect(() => x.dataSync()).toThrow();
    tf.removeBackend('simd');
    tf.registerBackend('simd', () => new SimdBackend(), 2.5);
  });

  it('survives tf.engine().reset()', async () => {
    const variable = tf.variable(tf.ones([10]));
    tf.engine().reset();
    expect(simdInfo().memory).toMatchObject({ blocks: 0, inUse: 0 });
    expect(variable.isDisposed).toBe(true);
    await tf.setBackend('simd');
    expect(tf.getBackend()).toBe('simd');
    expect(tf.memory().numTensors).toBe(0);
    const y = tf.tidy(() => tf.matMul(tf.ones([3, 4]), tf.ones([4, 2])));
    expect([...(await y.data())]).toEqual([4, 4, 4, 4, 4, 4]);
    y.dispose();
    expect(simdInfo().memory.blocks).toBe(0);
  });

  it('serves another copy of tfjs-core: the copies share engine and kernels', async () => {
    const path = '@tensorflow/tfjs-core/dist/tf-core.fesm.js';
    const copy: typeof tf = await import(path);
    expect(copy.Tensor).not.toBe(tf.Tensor);
    await tf.setBackend('simd');
    expect(copy.getBackend()).toBe('simd');
    const x = copy.tensor2d(noise(12, 1), [3, 4]);
    const y = tf.matMul(x as tf.Tensor2D, copy.transpose(x) as tf.Tensor2D);
    const expected = noise(12, 1)
      .slice(0, 4)
      .reduce((sum, v) => sum + v * v, 0);
    expect((await y.data())[0]).toBeCloseTo(expected, 5);
    const { blocks } = simdInfo().memory;
    copy.dispose([x, y]);
    expect(simdInfo().memory.blocks).toBe(blocks - 2);
  });
});
