import { expectSameBits } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { besideCpu, LENGTHS } from './beside-cpu.ts';
import { noise } from './noise.ts';

const TYPES = ['float32', 'int32', 'bool'] as const;
type Type = (typeof TYPES)[number];

/** Distinct values, so that an element in the wrong place is seen; NaN and ∞ among them. */
function tensor(shape: readonly number[], dtype: Type = 'float32'): tf.Tensor {
  const n = shape.reduce((p, q) => p * q, 1);
  const values = Float32Array.from({ length: n }, (_, i) =>
    dtype === 'bool' ? ((i * 7919) % 3) & 1 : i + 1,
  );
  if (dtype === 'float32' && n > 5)
    [values[1], values[3], values[4]] = [Number.NaN, Number.NEGATIVE_INFINITY, -0];
  return tf.tensor(
    dtype === 'float32' ? values : dtype === 'int32' ? Int32Array.from(values) : Uint8Array.from(values),
    [...shape],
    dtype,
  );
}

/** A shape of at most 5 dimensions and some 3,000 elements. */
const shapes = fc
  .array(fc.constantFrom<number[]>(1, 2, 3, 4, 5, 7, 8, 9, 17, 33), { minLength: 1, maxLength: 5 })
  .filter((shape) => shape.reduce((p, q) => p * q, 1) <= 3000);
const type = fc.constantFrom(...TYPES);

describe('layout', () => {
  it('selects whole rows by a condition of rank 1', async () => {
    await tf.setBackend('simd');
    const out = tf.tidy(() =>
      tf.engine().runKernel('Select', {
        condition: tf.tensor1d([1, 0, 1], 'bool'),
        t: tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]),
        e: tf.tensor2d([-1, -2, -3, -4, -5, -6], [3, 2]),
      }),
    ) as tf.Tensor;
    expectSameBits(await out.data(), [1, 2, -3, -4, 5, 6]);
    out.dispose();
  });

  it('transposes like cpu', async () => {
    const cases = shapes.chain((shape) =>
      fc.tuple(
        fc.constant(shape),
        fc.shuffledSubarray(
          shape.map((_, d) => d),
          { minLength: shape.length },
        ),
        type,
      ),
    );
    await fc.assert(
      fc.asyncProperty(cases, ([shape, perm, dtype]) =>
        besideCpu(() => tf.transpose(tensor(shape, dtype), perm), `transpose [${shape}] by ${perm} ${dtype}`),
      ),
      { numRuns: 150 },
    );
    for (const n of LENGTHS) {
      await besideCpu(() => tf.transpose(tensor([n, 3])), `[${n}, 3]`);
      await besideCpu(() => tf.transpose(tensor([2, n])), `[2, ${n}]`);
    }
    for (const [m, n] of [
      [64, 64],
      [65, 63],
      [130, 257],
      [1024, 1024],
    ] as const) {
      await besideCpu(() => tf.transpose(tensor([m, n])), `[${m}, ${n}]`);
    }
  });

  it('slices, with and without strides, like cpu', async () => {
    const cases = shapes.chain((shape) =>
      fc.tuple(
        fc.constant(shape),
        fc.tuple(...shape.map((n) => fc.nat(n - 1).chain((b) => fc.tuple(fc.constant(b), fc.nat(n - b))))),
        fc.tuple(...shape.map(() => fc.constantFrom(1, 1, 2, 3, -1, -2))),
        type,
      ),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ([shape, ranges, step, dtype]) => {
        const begin = ranges.map(([b]) => b);
        const size = ranges.map(([, n]) => n);
        await besideCpu(
          () => tf.slice(tensor(shape, dtype), begin, size),
          `slice [${shape}] at ${begin} of ${size} ${dtype}`,
        );
        const end = ranges.map(([b, n], d) => (step[d]! > 0 ? b + n : Math.max(b - n, -shape[d]! - 1)));
        await besideCpu(
          () => tf.stridedSlice(tensor(shape, dtype), begin, end, step),
          `stridedSlice [${shape}] from ${begin} to ${end} by ${step} ${dtype}`,
        );
      }),
      { numRuns: 150 },
    );
    for (const n of LENGTHS)
      await besideCpu(() => tf.slice(tensor([n, 5]), [0, 2], [n, 2]), `columns of [${n}, 5]`);
  });

  it('reverses, tiles and pads like cpu', async () => {
    const cases = shapes.chain((shape) =>
      fc.tuple(
        fc.constant(shape),
        fc.subarray(shape.map((_, d) => d)),
        fc.tuple(...shape.map(() => fc.constantFrom(1, 1, 2, 3))),
        fc.tuple(...shape.map(() => fc.tuple(fc.nat(2), fc.nat(3)))),
        type,
      ),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ([shape, axes, reps, paddings, dtype]) => {
        if (axes.length > 0)
          await besideCpu(
            () => tf.reverse(tensor(shape, dtype), axes),
            `reverse [${shape}] along ${axes} ${dtype}`,
          );
        if (shape.length <= 4) {
          await besideCpu(() => tf.tile(tensor(shape, dtype), reps), `tile [${shape}] by ${reps} ${dtype}`);
          await besideCpu(
            () => tf.pad(tensor(shape, dtype), paddings, 1),
            `pad [${shape}] by ${paddings} ${dtype}`,
          );
        }
      }),
      { numRuns: 100 },
    );
    for (const n of LENGTHS) {
      await besideCpu(() => tf.tile(tensor([n, 1]), [1, 3]), `tile [${n}, 1]`);
      await besideCpu(() => tf.broadcastTo(tensor([1, n]), [4, n]), `broadcast [1, ${n}]`);
      await besideCpu(() => tf.pad(tensor([n]), [[2, 1]], Number.NaN), `pad [${n}]`);
    }
  });

  it('puts together and apart like cpu', async () => {
    const cases = shapes.chain((shape) =>
      fc.tuple(
        fc.constant(shape),
        fc.nat(shape.length - 1),
        fc.array(fc.nat(4), { minLength: 1, maxLength: 4 }),
        type,
      ),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ([shape, axis, lengths, dtype]) => {
        const label = `[${shape}] along ${axis} ${dtype}`;
        await besideCpu(
          () =>
            tf.concat(
              lengths.map((n) => tensor(shape.with(axis, n), dtype)),
              axis,
            ),
          `concat ${label} lengths ${lengths}`,
        );
        await besideCpu(
          () =>
            tf.stack(
              lengths.map(() => tensor(shape, dtype)),
              axis,
            ),
          `stack ${label}`,
        );
        await besideCpu(() => tf.unstack(tensor(shape, dtype), axis), `unstack ${label}`);
        const whole = tensor(shape.with(axis, 6), dtype);
        await besideCpu(() => tf.split(tf.clone(whole), [1, 2, 3], axis), `split ${label}`);
        whole.dispose();
      }),
      { numRuns: 80 },
    );
    for (const n of LENGTHS)
      await besideCpu(() => tf.concat([tensor([n, 2]), tensor([n, 3])], 1), `concat [${n}, 2 + 3]`);
  });

  it('fills and shapes like cpu', async () => {
    for (const n of LENGTHS) {
      for (const value of [0, -0, 1.5, Number.NaN, Number.NEGATIVE_INFINITY])
        await besideCpu(() => tf.fill([n], value), `fill [${n}] ${value}`);
      for (const dtype of TYPES) {
        await besideCpu(() => tf.fill([n], 1, dtype), `fill [${n}] ${dtype}`);
        await besideCpu(
          () => [tf.zerosLike(tensor([n], dtype)), tf.onesLike(tensor([n], dtype))],
          `like [${n}] ${dtype}`,
        );
        await besideCpu(() => tf.reshape(tensor([n, 4], dtype), [2, -1, 2]), `reshape [${n}, 4] ${dtype}`);
      }
    }
  });

  it('selects, gathers, scatters and casts like cpu', async () => {
    for (const n of LENGTHS) {
      const condition = () =>
        tf.tensor1d(
          noise(n, 5).map((x) => (x > 0 ? 1 : 0)),
          'bool',
        );
      const floats = (seed: number) => tf.tensor1d(noise(n, seed));
      await besideCpu(() => tf.where(condition(), tensor([n]), floats(2)), `where [${n}]`);
      await besideCpu(
        () => tf.where(condition(), tensor([n], 'int32'), floats(2)),
        `where [${n}] int32, float32`,
      );
      const index = () =>
        tf.tensor1d(
          Int32Array.from(noise(n, 3), (x) => Math.floor((x + 1) * 3.5)),
          'int32',
        );
      for (const dtype of TYPES) {
        await besideCpu(() => tf.gather(tensor([7, 3], dtype), index()), `gather ${n} of [7, 3] ${dtype}`);
        await besideCpu(
          () => tf.gather(tensor([2, 7, 1], dtype), index(), 1),
          `gather ${n} of [2, 7, 1] ${dtype}`,
        );
      }
      await besideCpu(() => tf.oneHot(index(), 5), `oneHot ${n}`);
      const rows = () =>
        tf.tensor2d(
          noise(n * 5, 4).map((x) => Math.round(x * 64)),
          [n, 5],
        );
      if (n > 0)
        await besideCpu(() => tf.unsortedSegmentSum(rows(), index() as tf.Tensor1D, 6), `segments of ${n}`);
      for (const from of TYPES) {
        for (const to of TYPES) {
          if (from === 'float32' && to === 'int32') continue;
          await besideCpu(() => tf.cast(tensor([n], from), to), `cast [${n}] ${from} to ${to}`);
        }
      }
    }
    const awkward = [
      0,
      -0,
      0.9,
      -0.9,
      2147483520,
      2147483648,
      -2147483648,
      4294967296,
      5e9,
      -5e9,
      1e18,
      1e20,
      -1e30,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      7.5,
    ];
    await besideCpu(() => tf.cast(tf.tensor1d(awkward), 'int32'), 'float32 to int32');
    await besideCpu(() => tf.cast(tf.fill([4], 2147483648), 'int32'), '2³¹ to int32');
    await besideCpu(() => tf.oneHot(tf.tensor1d([16, -1, 15], 'int32'), 16), 'indices next to the range');
    await besideCpu(() => tf.oneHot(tf.tensor1d([16], 'int32'), 16), 'an index behind the range');
    for (let n = 0; n < 9; n++)
      await besideCpu(
        () => tf.cast(tf.tensor1d(awkward.slice(16 - n)), 'int32'),
        `float32 to int32, last ${n}`,
      );
  });
});
