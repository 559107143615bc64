/** Tensors for random sequences of ops: shapes with empty and single axes, values from ordinary to the ends of float32. */
import fc from 'fast-check';

export type NumericType = 'float32' | 'int32' | 'bool';

/** A tensor as plain numbers. */
export interface Plain {
  readonly shape: number[];
  readonly dtype: NumericType;
  readonly values: ArrayLike<number>;
}

const MOST = 3000;
const SPECIAL = [
  Number.NaN,
  Infinity,
  -Infinity,
  0,
  -0,
  2 ** -149,
  -(2 ** -149),
  1e-40,
  -3e-39,
  2 ** -126,
  3e38,
  -3e38,
  1,
  -1,
];

const size = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom(0, 1) },
  { weight: 6, arbitrary: fc.constantFrom(1, 2, 3, 4, 5, 7, 8, 9) },
  { weight: 2, arbitrary: fc.constantFrom(15, 16, 17, 31, 33, 67) },
);

/** Shapes of at most four axes and a few thousand elements. */
export const shapes: fc.Arbitrary<number[]> = fc.array(size, { maxLength: 4 }).map((shape) => {
  let product = 1;
  return shape.map((n) => {
    const fits = product * n <= MOST ? n : 1;
    product *= fits;
    return fits;
  });
});

/** Deterministic numbers in [0, 1): a linear congruential generator with its low bits left out. */
function stream(seed: number): () => number {
  let state = (Math.imul(seed, 2654435761) ^ 0x9e3779b9) >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) * 2 ** -24;
  };
}

/** `wild`: one element in eight is special, the others spread over 2⁻⁴⁰ … 2⁴⁰. */
export function plain(shape: number[], seed: number, wild: boolean, dtype: NumericType = 'float32'): Plain {
  const next = stream(seed);
  const values = Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, () => {
    if (dtype === 'bool') return next() < 0.5 ? 0 : 1;
    if (dtype === 'int32') return Math.floor(40 * next()) - 20;
    if (!wild) return 4 * next() - 2;
    if (next() < 0.125) return SPECIAL[Math.floor(next() * SPECIAL.length)]!;
    return (next() - 0.5) * 2 ** Math.floor(80 * next() - 40);
  });
  return { shape, dtype, values };
}

/** A shape that broadcasts with `shape`: some axes of size 1, some of the first left out. */
export function broadcastable(shape: readonly number[], choice: number): number[] {
  const kept = shape.map((n, axis) => ((choice >> axis) & 1 ? 1 : n));
  return kept.slice(Math.min((choice >> 4) % 3, shape.length));
}
