import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { kernelCounts, resetKernelCounts } from '../src/index.ts';
import { broadcastAxes } from '../src/kernels/broadcast-axes.ts';
import { besideCpu, LENGTHS } from './beside-cpu.ts';
import { builds } from './builds.ts';
import { noise } from './noise.ts';

const ops = {
  Add: tf.add,
  Sub: tf.sub,
  Multiply: tf.mul,
  RealDiv: tf.div,
  Maximum: tf.maximum,
  Minimum: tf.minimum,
  // The cpu backend squares before it rounds the difference; in float32 it is these two ops.
  SquaredDifference: (a: tf.Tensor, b: tf.Tensor) =>
    tf.getBackend() === 'cpu' ? tf.square(tf.sub(a, b)) : tf.squaredDifference(a, b),
  Equal: tf.equal,
  NotEqual: tf.notEqual,
  Less: tf.less,
  LessEqual: tf.lessEqual,
  Greater: tf.greater,
  GreaterEqual: tf.greaterEqual,
} as const;

const SPECIAL = [Number.NaN, Infinity, -Infinity, 0, -0, 1e-45, -1e-45, 1e-39, 1, -1, 2, 3e38, -3e38];

/** float32 numbers with every tenth one special, and many ties. */
function values(n: number, seed: number): Float32Array<ArrayBuffer> {
  const choice = noise(n, seed + 1000);
  return noise(n, seed).map((v, i) => {
    const c = Math.abs(choice[i]!);
    if (c < 0.1) return SPECIAL[Math.floor(c * 10 * SPECIAL.length)]!;
    return c < 0.3 ? Math.round(3 * v) : v;
  });
}

/** All ops on the same two operands, bit for bit. */
async function allOps(shapeA: number[], shapeB: number[], label: string): Promise<void> {
  await besideCpu(() => {
    const a = tf.tensor(values(tf.util.sizeFromShape(shapeA), 1), shapeA);
    const b = tf.tensor(values(tf.util.sizeFromShape(shapeB), 2), shapeB);
    return Object.values(ops).map((op): tf.Tensor => op(a, b));
  }, label);
}

describe('broadcasting binary ops', () => {
  beforeEach(() => tf.setBackend('simd'));

  it('have the cpu backend’s bits at every length, on kernels of their own', async () => {
    resetKernelCounts();
    for (const n of LENGTHS) await allOps([n], [n], `length ${n}`);
    for (const name of Object.keys(ops)) {
      const count = kernelCounts().find(({ kernel }) => kernel === name);
      expect(count, name).toMatchObject({ own: LENGTHS.length, fallback: 0 });
    }
  });

  it('broadcast scalars, rows and columns of every length, from either side', async () => {
    for (const d of [1, 2, 3, 4, 5, 7, 8, 9, 31]) {
      for (const n of [0, 1, 3, 8, 9, 50]) {
        for (const other of [[], [1], [d], [1, d], [n, 1], [1, 1]]) {
          await allOps([n, d], other, `[${n}, ${d}] with [${other}]`);
          await allOps(other, [n, d], `[${other}] with [${n}, ${d}]`);
        }
        await allOps([n, 1], [1, d], `[${n}, 1] with [1, ${d}]`);
      }
    }
  });

  it('broadcast any shapes', async () => {
    const axis = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.constantFrom('both', 'a', 'b'));
    const cases = fc.tuple(fc.array(axis, { maxLength: 5 }), fc.nat(2), fc.nat(2));
    await fc.assert(
      fc.asyncProperty(cases, async ([axes, dropA, dropB]) => {
        const a = axes.map(([n, who]) => (who === 'b' ? 1 : n)).slice(dropA);
        const b = axes.map(([n, who]) => (who === 'a' ? 1 : n)).slice(dropB);
        await allOps(a, b, `[${a}] with [${b}]`);
      }),
      { numRuns: 150 },
    );
  });

  it('take more than a million elements', async () => {
    await besideCpu(() => {
      const a: tf.Tensor = tf.tensor2d(noise(1_000_009, 1), [1_000_009, 1]);
      return [tf.mul(a, tf.scalar(3)), tf.sub(a, tf.tensor1d(noise(1, 2))), tf.greater(a, tf.square(a))];
    }, 'a million');
  });

  it('may be given the same tensor twice', async () => {
    await besideCpu(() => {
      const a = tf.tensor1d(values(1000, 7));
      return [tf.add(a, a), tf.sub(a, a), tf.div(a, a), tf.equal(a, a)];
    }, 'twice');
  });

  it('keep integers integers and compare them', async () => {
    await besideCpu(() => {
      const a = tf.tensor1d([16777217, -3, 0, 7], 'int32');
      const b = tf.tensor1d([16777216, 2, 0, -7], 'int32');
      return Object.values(ops)
        .filter((op) => op !== tf.div)
        .map((op): tf.Tensor => op(a, b));
    }, 'int32');
  });

  it('pow with the exponents 1 and 2 is exact', async () => {
    await besideCpu(() => {
      const x = tf.tensor1d(values(1000, 3));
      return [tf.pow(x, 2), tf.pow(x, 1), tf.pow(x, tf.scalar(0.5)), tf.pow(x, 3)];
    }, 'pow');
  });

  it('prelu and the gradient of elu', async () => {
    for (const n of LENGTHS) {
      await besideCpu(
        () => {
          const x: tf.Tensor = tf.tensor2d(values(3 * n, 3), [3, n]);
          const grad = tf.grad((y: tf.Tensor) => tf.elu(y));
          const small = tf.tensor1d(noise(n, 5));
          return [tf.prelu(x, tf.tensor1d(values(n, 4))), tf.prelu(x, tf.scalar(0.3)), grad(small)];
        },
        `length ${n}`,
        { relative: 3e-7, absolute: 2e-7 },
      );
    }
  });
});

describe.each(builds)('binary kernels, $name build', ({ kernels, floats }) => {
  it('write the result and nothing beside it', () => {
    for (let columns = 1; columns <= 20; columns++) {
      for (const rows of [1, 3]) {
        const n = rows * columns;
        const a = floats(0, n);
        const b = floats(1, n);
        const out = floats(2, n + 8);
        a.set(noise(n, 1));
        b.set(noise(n, 2));
        out.fill(7);
        kernels.add(
          a.byteOffset,
          4 * columns,
          false,
          b.byteOffset,
          4 * columns,
          false,
          out.byteOffset + 16,
          rows,
          columns,
        );
        expect([...out]).toEqual([7, 7, 7, 7, ...a.map((v, i) => Math.fround(v + b[i]!)), 7, 7, 7, 7]);
        const flags = new Uint8Array(out.buffer, out.byteOffset, n + 8).fill(9);
        kernels.less(
          a.byteOffset,
          4 * columns,
          false,
          b.byteOffset,
          4 * columns,
          false,
          out.byteOffset + 4,
          rows,
          columns,
        );
        expect([...flags]).toEqual([9, 9, 9, 9, ...Array.from(a, (v, i) => (v < b[i]! ? 1 : 0)), 9, 9, 9, 9]);
      }
    }
  });
});

describe('broadcastAxes', () => {
  it('joins axes that both operands go through without a gap', () => {
    expect(broadcastAxes([4, 5], [4, 5], [4, 5])).toEqual([{ size: 20, a: 1, b: 1 }]);
    expect(broadcastAxes([2, 4, 5], [5], [2, 4, 5])).toEqual([
      { size: 5, a: 1, b: 1 },
      { size: 8, a: 5, b: 0 },
    ]);
    expect(broadcastAxes([4, 1, 1], [4, 2, 3], [4, 2, 3])).toEqual([
      { size: 6, a: 0, b: 1 },
      { size: 4, a: 1, b: 6 },
    ]);
    expect(broadcastAxes([], [1, 1], [1, 1])).toEqual([]);
  });
});
