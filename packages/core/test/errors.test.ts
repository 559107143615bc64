import {
  combine,
  DiffError,
  DomainError,
  isDiffError,
  key,
  normal,
  pairwiseNearest,
  pairwiseSumExp,
  requireOneOf,
  requireShape,
  ShapeError,
  shown,
  softmaxMean,
} from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import '@tensorflow/tfjs-backend-cpu';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('errors', () => {
  it('are recognised across copies of the package by their mark', () => {
    expect(isDiffError(new ShapeError('x'))).toBe(true);
    expect(isDiffError(Object.assign(new Error('x'), { [Symbol.for('@diff/error')]: true }))).toBe(true);
    expect(isDiffError(new Error('x'))).toBe(false);
    expect(isDiffError(null)).toBe(false);
    expect(new DomainError('x')).toBeInstanceOf(DiffError);
    expect(new DomainError('x').name).toBe('DomainError');
    expect(new DomainError('x', { cause: 7 }).cause).toBe(7);
  });

  it('show what came', () => {
    expect(shown('a'.repeat(50))).toBe(`'${'a'.repeat(37)}…'`);
    expect(shown([1, 2, 3, 4, 5, 6, 7])).toBe('[1, 2, 3, 4, 5, 6, … 7 in all]');
    expect(shown({ a: 1 })).toBe('an object with keys a');
    expect(shown({})).toBe('an object with no keys');
    expect(shown(new Float64Array(6))).toBe('a Float64Array of length 6');
    expect(shown(new DataView(new ArrayBuffer(2)))).toBe('a DataView');
    expect(shown(tf.zeros([2, 3]))).toBe('a tensor of shape [2, 3]');
    expect(shown(undefined)).toBe('undefined');
    expect(shown(3n)).toBe('3n');
  });
});

describe('bad input to the ops', () => {
  const x = (): tf.Tensor => tf.zeros([3, 2]);
  const cases: [string, () => unknown, typeof ShapeError | typeof DomainError, string][] = [
    [
      'negative shape',
      () => normal(key(1), [2, -1]),
      ShapeError,
      'normal: shape must be a list of non-negative integers, got [2, -1].',
    ],
    [
      'fractional first row',
      () => normal(key(1), [2], { firstRow: 0.5 }),
      DomainError,
      'normal: firstRow must be a non-negative integer, got 0.5.',
    ],
    [
      'index past 2^53',
      () => normal(key(1), [2, 4], { firstRow: 2 ** 52 }),
      DomainError,
      'normal: the index of the last element',
    ],
    [
      'no terms',
      () => combine([]),
      ShapeError,
      'combine: terms must hold at least one pair [weight, tensor], got none.',
    ],
    [
      'unequal shapes',
      () =>
        combine([
          [1, x()],
          [1, tf.zeros([2, 3])],
        ]),
      ShapeError,
      'must have the shape of the first, [3, 2], got a tensor of shape [2, 3] as number 1.',
    ],
    [
      'NaN weight',
      () => combine([[Number.NaN, x()]]),
      DomainError,
      'combine: weight 0 must be a finite number, got NaN.',
    ],
    [
      'weight per column',
      () => combine([[tf.zeros([2]), x()]]),
      ShapeError,
      'combine: weight 0 must be a number or a tensor of shape [3] (one per row), got a tensor of shape [2].',
    ],
    [
      'seed for a key',
      () => combine([[1, x()]], { noise: [1, 7 as never] }),
      DomainError,
      'combine: key must be a key, got 7.',
    ],
    [
      'centres of another width',
      () => softmaxMean(x(), tf.zeros([4, 3]), { noiseVariance: 1 }),
      ShapeError,
      'x and centres must have shapes [n, d] and [K, d]',
    ],
    [
      'no centres',
      () => softmaxMean(x(), tf.zeros([0, 2]), { noiseVariance: 1 }),
      ShapeError,
      'centres must have at least one row',
    ],
    [
      'negative variance',
      () => softmaxMean(x(), x(), { noiseVariance: -1 }),
      DomainError,
      'noiseVariance must not be negative, got -1.',
    ],
    [
      'no width at all',
      () => softmaxMean(x(), x(), { noiseVariance: 0 }),
      DomainError,
      'variance + noiseVariance must be positive, got 0.',
    ],
    [
      'weights of another length',
      () => softmaxMean(x(), x(), { noiseVariance: 1, logWeights: tf.zeros([2]) }),
      ShapeError,
      'logWeights must have shape [3]',
    ],
    [
      'values of another length',
      () => softmaxMean(x(), x(), { noiseVariance: 1, values: tf.zeros([2, 2]) }),
      ShapeError,
      'values must have shape [3, m]',
    ],
    [
      'values that do not blend with x',
      () => softmaxMean(x(), x(), { noiseVariance: 1, values: tf.zeros([3, 1]), blend: [1, 1] }),
      ShapeError,
      'values to blend with x must have shape [3, 2]',
    ],
    [
      'a blend without end',
      () => softmaxMean(x(), x(), { noiseVariance: 1, blend: [1, Number.NaN] }),
      DomainError,
      'blend[1] must be',
    ],
    [
      'pairs of unlike rows',
      () => pairwiseSumExp(x(), tf.zeros([3, 3]), { scale: 1 }),
      ShapeError,
      'pairwise sumExp: x and y must have shapes [n, d] and [m, d]',
    ],
    [
      'infinite scale',
      () => pairwiseSumExp(x(), x(), { scale: Number.POSITIVE_INFINITY }),
      DomainError,
      'pairwise sumExp: scale must be a finite number, got Infinity.',
    ],
    [
      'too many neighbours',
      () => pairwiseNearest(x(), x(), { k: 3, excludeDiagonal: true }),
      ShapeError,
      'pairwise nearest: k must be at most 2, the number of candidates, got 3.',
    ],
    [
      'unknown choice',
      () => requireOneOf('here', 'mode', 'c', ['a', 'b']),
      DomainError,
      "here: mode must be one of 'a', 'b', got 'c'.",
    ],
    [
      'wrong shape',
      () => requireShape('here', 'x', x(), [-1, 3]),
      ShapeError,
      'here: x must have shape [any, 3], got a tensor of shape [3, 2].',
    ],
  ];
  it.each(cases)('%s', (_, call, kind, message) => {
    expect(call).toThrow(kind);
    expect(call).toThrow(message);
  });
});
