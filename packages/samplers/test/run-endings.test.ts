/** The driver: runs that end early, and values that are not finite. */
import '@tensorflow/tfjs-backend-cpu';
import { NumericalError } from '@diff/core';
import type { ScoreModel } from '@diff/score';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ddim, dpmSolver, heun, type Sampler, sample, trajectory } from '../src/index.ts';
import { base, expectNoLeaks, gaussian, positive, SAMPLERS } from './driver-run.ts';

expectNoLeaks();

describe('runs that end early leave nothing behind', () => {
  test.each(SAMPLERS.map(([s]) => [s.name, s] as const))('%s: abort', async (_name, sampler) => {
    const controller = new AbortController();
    const onStep = ({ step }: { step: number }): void => {
      if (step === 2) controller.abort(new Error('enough'));
    };
    const { signal } = controller;
    await expect(sample({ ...base(), sampler, grid: positive, onStep, signal })).rejects.toThrow('enough');
  });

  test('abort before the start evaluates nothing', async () => {
    const predict = vi.fn();
    const signal = AbortSignal.abort(new Error('never mind'));
    await expect(sample({ ...base(), model: gaussian({ predict }), signal })).rejects.toThrow('never mind');
    expect(predict).not.toHaveBeenCalled();
  });

  test.each(SAMPLERS.map(([s]) => [s.name, s] as const))('%s: predict throws', async (_name, sampler) => {
    for (const failing of [1, 2, 4]) {
      let calls = 0;
      const model = gaussian({
        predict: (x) => {
          if (++calls === failing) throw new Error('out of memory');
          return tf.mul(x, 0.5);
        },
      });
      await expect(sample({ ...base(), model, sampler, grid: positive })).rejects.toThrow('out of memory');
    }
  });

  test('onStep throws', async () => {
    const onStep = (): void => {
      throw new Error('mine');
    };
    await expect(sample({ ...base(), sampler: dpmSolver(), onStep })).rejects.toThrow('mine');
  });

  test('abort between the two evaluations of a step', async () => {
    const controller = new AbortController();
    let calls = 0;
    const model = gaussian({
      predict: (x) => {
        if (++calls === 3) controller.abort(new Error('enough'));
        return tf.mul(x, 0.5);
      },
    });
    const { signal } = controller;
    await expect(sample({ ...base(), model, sampler: heun(), signal })).rejects.toThrow('enough');
    expect(calls).toBe(3);
  });

  test('a prediction may be disposed early, even if the model returned its own input', async () => {
    const sampler: Sampler = {
      ...ddim(),
      step: async ({ x, t, predict }) => {
        tf.dispose(await predict(x, t));
        return tf.mul(x, 0.5);
      },
    };
    const x = await sample({ ...base(), sampler, model: gaussian({ predict: (x) => x }) });
    x.dispose();
  });

  test('a model that returns its own input', async () => {
    const x = await sample({ ...base(), sampler: heun(), model: gaussian({ predict: (x) => x }) });
    x.dispose();
  });
});

describe('values that are not finite', () => {
  const times = Array.from({ length: 41 }, (_, i) => 10 * 0.85 ** i);
  const failing = (at: number, value: number): ScoreModel => {
    let calls = 0;
    return gaussian({
      name: 'broken',
      predict: (x) =>
        tf.tidy(() => {
          if (++calls < at) return tf.mul(x, 0.5);
          const bad = tf.oneHot(tf.tensor1d([3], 'int32'), 10);
          return tf.add(tf.mul(x, 0.5), tf.reshape(tf.where(tf.cast(bad, 'bool'), value, 0), [5, 2]));
        }),
    });
  };

  test.each([1, 2, 9, 20, 40])('NaN from evaluation %i is named with its step and time', async (at) => {
    const run = sample({ ...base(), model: failing(at, Number.NaN), grid: times });
    await expect(run).rejects.toThrow(NumericalError);
    await expect(sample({ ...base(), model: failing(at, Number.NaN), grid: times })).rejects.toThrow(
      `sample: the prediction of model 'broken' must be finite, got a sum of NaN in step ${at} of 40, at t = ${times[at - 1]}.`,
    );
  });

  test('infinity, in the second evaluation of a step', async () => {
    const model = failing(6, Number.POSITIVE_INFINITY);
    await expect(sample({ ...base(), model, sampler: heun(), grid: times })).rejects.toThrow(
      `got a sum of Infinity in step 3 of 40, at t = ${times[3]}.`,
    );
  });

  describe('on a device that is slow to answer', () => {
    let answer: () => void = () => undefined;
    beforeEach(() => {
      const answered = new Promise<void>((resolve) => {
        answer = resolve;
      });
      const data = tf.Tensor.prototype.data;
      vi.spyOn(tf.Tensor.prototype, 'data').mockImplementation(async function (this: tf.Tensor) {
        await answered;
        return data.call(this);
      });
      vi.spyOn(performance, 'now').mockReturnValue(0); // batches of sums go by number, not by time
    });
    afterEach(() => {
      vi.restoreAllMocks();
    });

    test('steps do not wait for the answers, and the error still names the step', async () => {
      let last = 0;
      const onStep = ({ step }: { step: number }): void => {
        last = step;
        if (step === 6) answer(); // a loop that waited would never come here
      };
      const model = failing(2, Number.NaN);
      await expect(sample({ ...base(), model, grid: times, onStep })).rejects.toThrow('in step 2 of 40');
      expect(last).toBeGreaterThanOrEqual(6);
    });

    test('a run that fails waits for its scalars before it frees them', async () => {
      const onStep = ({ step }: { step: number }): void => {
        if (step === 3) throw new Error('mine');
      };
      setTimeout(answer, 5);
      await expect(sample({ ...base(), grid: times, onStep })).rejects.toThrow('mine');
    });
  });

  test('a trajectory names itself, and the run stops soon after the bad step', async () => {
    let last = 0;
    const states = trajectory({ ...base(), model: failing(3, Number.NaN), grid: times });
    const run = async (): Promise<void> => {
      for await (const { step } of states) last = step;
    };
    await expect(run()).rejects.toThrow('trajectory: the prediction of model');
    expect(last).toBeLessThanOrEqual(3 + 16);
  });

  test('a final state that overflows', async () => {
    const sampler: Sampler = { ...ddim(), name: 'mine', step: async ({ x }) => tf.div(x, 0) };
    await expect(sample({ ...base(), sampler, grid: [1, 0] })).rejects.toThrow(
      'sample: the final state must be finite, got a sum of',
    );
  });
});
