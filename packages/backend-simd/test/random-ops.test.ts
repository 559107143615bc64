import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { simdInfo } from '../src/index.ts';
import { ops } from './random-ops.ts';
import { runSequence, sequences, tally } from './random-run.ts';

it('random sequences of ops agree with the cpu backend, op by op, and leave nothing behind', async () => {
  await tf.setBackend('simd');
  const { inUse, blocks } = simdInfo().memory;
  const count = tally();
  await fc.assert(
    fc.asyncProperty(sequences(30), (commands) => runSequence(commands, count)),
    { seed: 2024, numRuns: 400 },
  );
  expect(count.sequences).toBe(400);
  // Every op has had its turn, and what could not be compared is next to nothing.
  expect(ops.map(({ name }) => name).filter((name) => !count.byOp.has(name))).toEqual([]);
  expect(count.beyondRange).toBeLessThan(count.elements / 50);
  expect(simdInfo().memory).toMatchObject({ inUse, blocks });
});
