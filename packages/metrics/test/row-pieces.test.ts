import '@tensorflow/tfjs-backend-cpu';
import { createPacer } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { neighboursWithin } from '../src/row-pieces.ts';

beforeAll(() => tf.setBackend('cpu'));

it('a row is never its own neighbour, wherever equal rows put it in the list', async () => {
  const twins = tf.tensor2d([[5], [5], [5], [5], [9]]);
  const { distance, index } = await neighboursWithin(twins, 2, createPacer());
  expect(Array.from(index)).toEqual([1, 2, 0, 2, 0, 1, 0, 1, 0, 1]);
  expect(Array.from(distance)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 4, 4]);
});
