/** What somebody who runs a sampler controls, over every sampler of the package: rows, pieces, aborts, failures. */
import '@tensorflow/tfjs-backend-cpu';
import { key } from '@diff/core';
import { defineModel, type ScoreModel } from '@diff/score';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import * as samplers from '../src/index.ts';
import { type SampleOptions, sample, sampleInBatches, sampleRows, trajectory } from '../src/index.ts';
import { type Entry, EVERY_SAMPLER, NOT_SAMPLERS, PROCESS } from './every-sampler.ts';

let tensors = 0;
beforeAll(async () => {
  await tf.setBackend('cpu');
});
beforeEach(() => {
  tensors = tf.memory().numTensors;
});
/** Every test must leave as many tensors as it found. */
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensors);
});

/** A denoiser that is not linear, so that rows differ in more than scale; `before` sees each evaluation first. */
const model = (before: (call: number) => void = () => undefined): ScoreModel => {
  let calls = 0;
  return defineModel({
    process: PROCESS,
    kind: 'data',
    name: 'tanh',
    predict: async (x, t) => {
      before(++calls);
      return tf.tidy(() => tf.tanh(tf.div(x, 1 + Number(t))));
    },
  });
};
const run = (entry: Entry): SampleOptions => ({
  model: model(),
  sampler: entry.sampler,
  grid: entry.grid,
  shape: [5, 3],
  key: key(4),
});
async function values(x: tf.Tensor): Promise<number[]> {
  const data = Array.from(await x.data());
  x.dispose();
  return data;
}
const rowsOf = (all: readonly number[], rows: readonly number[]): number[] =>
  rows.flatMap((row) => all.slice(3 * row, 3 * row + 3));
const table = EVERY_SAMPLER.map((e) => [e.sampler.name, e] as const);

test('the table has every sampler that is exported', () => {
  const functions = Object.entries(samplers).filter(([, value]) => typeof value === 'function');
  const known = new Set([...EVERY_SAMPLER.map((e) => e.factory), ...NOT_SAMPLERS]);
  expect(functions.map(([name]) => name).filter((name) => !known.has(name))).toEqual([]);
});

describe('a row can be made again alone', () => {
  const free = table.filter(([, e]) => !e.coupled);

  test.each(free)('%s: each row, chosen rows, and pieces', async (_name, entry) => {
    const whole = await values(await sample({ ...run(entry), shape: [7, 3] }));
    for (const row of [0, 3, 6]) {
      const alone = await values(await sample({ ...run(entry), shape: [1, 3], firstRow: row }));
      expect(alone).toEqual(rowsOf(whole, [row]));
    }
    const rows = [5, 2, 3, 3, 4, 0];
    expect(await values(await sampleRows({ ...run(entry), shape: [6, 3], rows }))).toEqual(
      rowsOf(whole, rows),
    );
    const pieces: number[] = [];
    for await (const { x } of sampleInBatches({ ...run(entry), shape: [7, 3], batchSize: 3 })) {
      pieces.push(...(await x.data()));
    }
    expect(pieces).toEqual(whole);
  });

  test.each(table.filter(([, e]) => e.coupled))(
    '%s chooses its steps for the batch: rows agree within the tolerance',
    async (_name, entry) => {
      const wide = { ...run(entry), grid: [10, 0.2] };
      const whole = await values(await sample(wide));
      const gaps: number[] = [];
      for (const row of [0, 1, 2, 3, 4]) {
        const alone = await values(await sample({ ...wide, shape: [1, 3], firstRow: row }));
        gaps.push(...rowsOf(whole, [row]).map((v, i) => Math.abs(v - alone[i]!)));
      }
      expect(Math.max(...gaps)).toBeGreaterThan(0);
      expect(Math.max(...gaps)).toBeLessThan(0.1);
    },
  );
});

describe.each(table)('%s leaves nothing behind', (_name, entry) => {
  /** Evaluations of a run to its end. */
  async function evaluations(): Promise<number> {
    let count = 0;
    const counted = model((call) => {
      count = call;
    });
    (await sample({ ...run(entry), model: counted })).dispose();
    return count;
  }

  test('when aborted at any evaluation, or after any step', async () => {
    const all = await evaluations();
    for (let at = 1; at <= all; at++) {
      const controller = new AbortController();
      const stopping = model((call) => {
        if (call === at) controller.abort(new Error('enough'));
      });
      const run1 = sample({ ...run(entry), model: stopping, signal: controller.signal });
      // Nothing is asked of the signal after the last evaluation of the last step.
      if (at === all)
        await run1.then(
          (x) => x.dispose(),
          () => undefined,
        );
      else await expect(run1).rejects.toThrow('enough');
      expect(tf.memory().numTensors, `evaluation ${at}`).toBe(tensors);
    }
    for (let at = 1; at < entry.grid.length - 1; at++) {
      const controller = new AbortController();
      const onStep = ({ step }: { step: number }): void => {
        if (step === at) controller.abort(new Error('enough'));
      };
      const { signal } = controller;
      await expect(sample({ ...run(entry), onStep, signal })).rejects.toThrow('enough');
      expect(tf.memory().numTensors, `step ${at}`).toBe(tensors);
    }
  });

  test('when any evaluation throws', async () => {
    const all = await evaluations();
    for (let at = 1; at <= all; at++) {
      const failing = model((call) => {
        if (call === at) throw new Error('out of memory');
      });
      await expect(sample({ ...run(entry), model: failing })).rejects.toThrow('out of memory');
      expect(tf.memory().numTensors, `evaluation ${at}`).toBe(tensors);
    }
  });

  test('when the loop over its trajectory is left at any point, or never begun', async () => {
    for (let at = 0; at < entry.grid.length; at++) {
      for await (const { step } of trajectory(run(entry))) if (step === at) break;
      expect(tf.memory().numTensors, `step ${at}`).toBe(tensors);
      const thrown = (async () => {
        for await (const { step } of trajectory(run(entry))) if (step === at) throw new Error('mine');
      })();
      await expect(thrown).rejects.toThrow('mine');
      expect(tf.memory().numTensors, `throw at ${at}`).toBe(tensors);
    }
    await trajectory(run(entry)).return();
  });

  test('when a prediction is NaN: the error names step, time and model', async () => {
    const all = await evaluations();
    for (const at of [1, Math.ceil(all / 2), all]) {
      let calls = 0;
      const broken = defineModel({
        process: PROCESS,
        kind: 'data',
        name: 'broken',
        // Until then what `evaluations` counted, on which the steps of adaptive samplers depend.
        predict: (x, t) =>
          tf.tidy(() => tf.mul(tf.tanh(tf.div(x, 1 + Number(t))), ++calls >= at ? Number.NaN : 1)),
      });
      const wrong = sample({ ...run(entry), model: broken });
      await expect(wrong).rejects.toThrow(
        /the prediction of model 'broken' must be finite, got a sum of NaN in step \d of \d, at t = [\d.e-]+\.|adaptiveSde|dpmAdaptive|dormandPrince|bogackiShampine/,
      );
      expect(tf.memory().numTensors).toBe(tensors);
    }
  });
});
