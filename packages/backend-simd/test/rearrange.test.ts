import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { kernelCounts, resetKernelCounts } from '../src/index.ts';
import { besideCpu } from './beside-cpu.ts';
import { noise } from './noise.ts';

const draw = (shape: number[], dtype: 'float32' | 'int32' | 'bool' = 'float32'): tf.Tensor => {
  const x = tf.tensor(noise(tf.util.sizeFromShape(shape), 1), shape);
  return dtype === 'bool' ? tf.greater(x, 0) : tf.cast(tf.mul(x, 100), dtype);
};

describe('rearranging ops', () => {
  beforeEach(async () => {
    await tf.setBackend('simd');
    resetKernelCounts();
  });

  it('mirror like cpu, along any axes, with and without the edge', async () => {
    for (const dtype of ['float32', 'int32', 'bool'] as const) {
      for (const mode of ['reflect', 'symmetric'] as const) {
        await besideCpu(
          () => [
            tf.mirrorPad(draw([5], dtype), [[4, 4]], mode),
            tf.mirrorPad(draw([1000], dtype), [[0, 9]], mode),
            tf.mirrorPad(
              draw([3, 4], dtype),
              [
                [2, 0],
                [0, 3],
              ],
              mode,
            ),
            tf.mirrorPad(
              draw([2, 5, 6, 3], dtype),
              [
                [0, 0],
                [1, 2],
                [3, 1],
                [0, 0],
              ],
              mode,
            ),
            tf.mirrorPad(
              draw([2, 3, 2], dtype),
              [
                [1, 1],
                [1, 2],
                [0, 1],
              ],
              mode,
            ),
            tf.mirrorPad(
              draw([2, 3], dtype),
              [
                [0, 0],
                [0, 0],
              ],
              mode,
            ),
          ],
          `${dtype}, ${mode}`,
        );
      }
    }
    expect(kernelCounts().find(({ kernel }) => kernel === 'MirrorPad')).toMatchObject({
      own: 36,
      fallback: 0,
    });
  });

  it('turn depth into space like cpu', async () => {
    await besideCpu(
      () => [
        tf.depthToSpace(draw([1, 1, 1, 4]) as tf.Tensor4D, 2),
        tf.depthToSpace(draw([3, 4, 5, 12]) as tf.Tensor4D, 2),
        tf.depthToSpace(draw([2, 3, 2, 18]) as tf.Tensor4D, 3),
        tf.depthToSpace(draw([0, 3, 2, 8]) as tf.Tensor4D, 2),
        tf.depthToSpace(draw([8, 16, 16, 64]) as tf.Tensor4D, 4),
      ],
      'depthToSpace',
    );
    expect(kernelCounts().find(({ kernel }) => kernel === 'DepthToSpace')).toMatchObject({
      own: 5,
      fallback: 0,
    });
  });

  it('gather and scatter slices like cpu, and refuse wrong places', async () => {
    const at = (rows: number[][]): tf.Tensor => tf.tensor2d(rows, undefined, 'int32');
    await besideCpu(
      () => [
        tf.gatherND(
          draw([7, 5]),
          at([
            [3, 1],
            [0, 4],
            [6, 0],
          ]),
        ),
        tf.gatherND(draw([7, 5], 'bool'), at([[3], [0], [3]])),
        tf.gatherND(
          draw([3, 4, 5], 'int32'),
          at([
            [2, 3],
            [0, 1],
          ]),
        ),
        tf.gatherND(draw([1000, 64]), at(Array.from({ length: 500 }, (_, i) => [(i * 7) % 1000]))),
        tf.scatterND(
          at([
            [3, 1],
            [0, 4],
            [3, 1],
          ]),
          draw([3]),
          [7, 5],
        ),
        tf.scatterND(at([[2], [0], [2]]), draw([3, 9]), [4, 9]),
        tf.scatterND(at(Array.from({ length: 900 }, (_, i) => [(i * i) % 300])), draw([900, 7]), [300, 7]),
      ],
      'ND',
      { absolute: 1e-4 },
    );
    expect(kernelCounts().filter(({ kernel, fallback }) => kernel.endsWith('Nd') && fallback > 0)).toEqual(
      [],
    );
    expect(() => tf.gatherND(draw([2, 3]), at([[2, 0]]))).toThrow(
      'Invalid indices: 2,0 does not index into 2,3',
    );
    expect(() => tf.scatterND(at([[-1]]), draw([1]), [4])).toThrow(
      'Invalid indices: -1 does not index into 4',
    );
  });
});
