import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { OutOfMemoryError, resetKernelCounts, SimdBackend, simdInfo } from '../src/index.ts';
import { kernel } from '../src/kernel.ts';
import { wasm } from '../src/wasm.ts';

const own = (kernel: string) => simdInfo().kernels.find((count) => count.kernel === kernel);

describe('backend', () => {
  beforeAll(async () => {
    expect(await tf.setBackend('simd')).toBe(true);
  });
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  it('is there for every op of the cpu backend', () => {
    const names = (backend: string) => tf.getKernelsForBackend(backend).map(({ kernelName }) => kernelName);
    const mine = new Set(names('simd'));
    expect(names('cpu').filter((kernel) => !mine.has(kernel))).toEqual([]);
  });

  it('gives all memory of disposed tensors back', async () => {
    const { memory } = simdInfo();
    const x = tf.tensor([1, 2, 3, 4], [2, 2]);
    const y = tf.tidy(() => tf.sum(tf.concat([tf.transpose(x), tf.cumsum(x)], 0), 1));
    expect([...(await y.data())]).toEqual([4, 6, 3, 10].map((_, i) => [4, 6, 3, 10][i]));
    x.dispose();
    y.dispose();
    expect(simdInfo().memory).toMatchObject({ inUse: memory.inUse, blocks: memory.blocks });
  });

  it('shares elements between a tensor and its reshapes until the last is gone', async () => {
    const x = tf.tensor1d([1, 2, 3, 4]);
    const before = simdInfo().memory.blocks;
    const y = tf.reshape(x, [2, 2]);
    const z = tf.clone(tf.expandDims(y, 1));
    expect(simdInfo().memory.blocks).toBe(before);
    x.dispose();
    y.dispose();
    expect([...(await z.data())]).toEqual([1, 2, 3, 4]);
  });

  it('keeps the output of a cpu kernel that is a view of its input', async () => {
    // cpu's Unique and SparseReshape hand on parts; a contiguous slice of an integer tensor is a view there.
    const x = tf.tensor1d([5, 6, 7, 8, 9]);
    const backend = tf.backend() as SimdBackend;
    const attrs = { begin: [1], size: [3] };
    const part = tf
      .engine()
      .makeTensorFromTensorInfo(backend.fallback('Slice', { inputs: { x }, attrs }) as tf.TensorInfo);
    x.dispose();
    tf.fill([5], 0);
    expect([...(await part.data())]).toEqual([6, 7, 8]);
  });

  it('converts bits when a cpu kernel changes only the type', async () => {
    const x = tf.tensor1d([1, -2, 3], 'int32');
    const backend = tf.backend() as SimdBackend;
    const info = backend.fallback('Cast', { inputs: { x }, attrs: { dtype: 'float32' } }) as tf.TensorInfo;
    const y = tf.engine().makeTensorFromTensorInfo(info);
    expect([...(await tf.sum(y).data())]).toEqual([2]);
    expect([...(await y.data())]).toEqual([1, -2, 3]);
    expect([...(await x.data())]).toEqual([1, -2, 3]);
  });

  it('holds strings, complex numbers, bools and tensors without elements', async () => {
    expect(await tf.tensor(['a', 'b', 'c']).data()).toEqual(['a', 'b', 'c']);
    const z = tf.complex(tf.tensor1d([1, 2]), tf.tensor1d([3, 4]));
    expect([...(await tf.mul(z, z).data())]).toEqual([-8, 6, -12, 16]);
    expect([...(await tf.imag(tf.reshape(z, [2, 1])).data())]).toEqual([3, 4]);
    const backend = tf.backend() as SimdBackend;
    const before = backend.numDataIds();
    tf.tidy(() => {
      tf.real(tf.complex([5], [6]));
    });
    expect(backend.numDataIds()).toBe(before);
    expect([...(await tf.logicalNot(tf.tensor1d([1, 0, 1], 'bool')).data())]).toEqual([0, 1, 0]);
    const none = tf.zeros([0, 3]);
    expect((await none.data()).length).toBe(0);
    expect([...(await tf.sum(none, 0).data())]).toEqual([0, 0, 0]);
  });

  it('lets tensors move to another backend and back', async () => {
    const x = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    const z = tf.complex(tf.tensor1d([1, 2]), tf.tensor1d([3, 4]));
    await tf.setBackend('cpu');
    const y = tf.mul(x, x);
    await tf.setBackend('simd');
    expect([...(await tf.sum(y, 0).data())]).toEqual([10, 20]);
    expect([...(await tf.sum(x, 1).data())]).toEqual([3, 7]);
    expect([...(await tf.real(z).data())]).toEqual([1, 2]);
  });

  it('reads copies, not views', async () => {
    const x = tf.tensor1d([1, 2, 3]);
    const data = await x.data();
    data[0] = 99;
    expect([...(await x.data())]).toEqual([1, 2, 3]);
    const source = new Float32Array([1, 2, 3]);
    const y = tf.tensor1d(source);
    source[0] = 99;
    expect([...(await y.data())]).toEqual([1, 2, 3]);
  });

  it('counts own and fallback calls apart', async () => {
    resetKernelCounts();
    const x = tf.tensor1d([1, 2, 3]);
    tf.sum(x);
    tf.sum(x);
    tf.localResponseNormalization(tf.ones<tf.Rank.R4>([1, 1, 1, 3]));
    expect(own('Sum')).toMatchObject({ own: 2, fallback: 0 });
    expect(own('LRN')).toMatchObject({ own: 0, fallback: 1 });
    // An own kernel that cannot take this type shows as both.
    tf.slice(tf.tensor(['a', 'b']), 0, 1);
    expect(own('Slice')).toMatchObject({ own: 1, fallback: 1 });
  });

  it('takes working memory back when a kernel returns, or throws', () => {
    const x = tf.ones([3, 4, 5]);
    const { inUse } = simdInfo().memory;
    tf.sum(x, [0, 2]).dispose();
    expect(simdInfo().memory.inUse).toBe(inUse);
    const backend = tf.backend() as SimdBackend;
    const failing = kernel('Failing', ({ backend: simd }) => {
      simd.scratch(1000);
      throw new Error('on purpose');
    });
    expect(() => failing.kernelFunc({ inputs: {}, backend })).toThrow('on purpose');
    expect(simdInfo().memory.inUse).toBe(inUse);
  });

  it('keeps what a cpu kernel makes in WebAssembly memory, also after one that throws', () => {
    const backend = tf.backend() as SimdBackend;
    const x = tf.tensor1d([1, 2, 3]);
    expect(() =>
      backend.fallback('GatherV2', {
        inputs: { x, indices: tf.tensor1d([7], 'int32') },
        attrs: { axis: 0, batchDims: 0 },
      }),
    ).toThrow('is not in [0, 2]');
    expect(
      backend.data.get(tf.localResponseNormalization(tf.ones<tf.Rank.R4>([1, 1, 1, 3])).dataId).address,
    ).toBeGreaterThan(0);
    expect(backend.data.get(tf.tensor1d([1]).dataId).address).toBeGreaterThan(0);
  });

  it('frees everything of an instance that is disposed', () => {
    const { inUse } = simdInfo().memory;
    const backend = new SimdBackend();
    for (let i = 0; i < 10; i++) backend.output([100], 'float32');
    expect(simdInfo().memory.inUse).toBeGreaterThan(inUse);
    backend.dispose();
    expect(simdInfo().memory.inUse).toBe(inUse);
  });

  it('says which tensor does not fit into memory, and leaves the others readable', async () => {
    const x = tf.tensor1d([1, 2, 3]);
    const backend = tf.backend() as SimdBackend;
    wasm().heap.stress({ guard: true });
    const large: tf.TensorInfo[] = [];
    let caught: unknown;
    try {
      for (let i = 0; i < 6; i++) large.push(backend.output([256, 1024, 1024], 'float32'));
    } catch (error) {
      caught = error;
    } finally {
      for (const info of large) backend.disposeData(info.dataId);
      wasm().heap.stress({ guard: true, detach: true, poison: true });
    }
    expect(large.length).toBeGreaterThan(0);
    expect(caught).toBeInstanceOf(OutOfMemoryError);
    expect((caught as Error).message).toContain('float32 tensor [256,1024,1024] needs 1208.0 MB');
    expect([...(await x.data())]).toEqual([1, 2, 3]);
    expect([...(await tf.sum(tf.ones([1000])).data())]).toEqual([1000]);
  });

  it('names the type when a kernel cannot read a tensor', () => {
    const backend = tf.backend() as SimdBackend;
    expect(() => backend.pointer(tf.tensor(['a']))).toThrow(
      'a kernel needs a float32, int32 or bool tensor with elements, got string [1]',
    );
  });
});
