/** The driver: what it counts, reports and keeps. */
import '@tensorflow/tfjs-backend-cpu';
import { key } from '@diff/core';
import { uniformGrid, variancePreserving } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test, vi } from 'vitest';
import {
  ddim,
  ddpm,
  dpmSolver,
  heun,
  langevinCorrector,
  predictorCorrector,
  type SampleOptions,
  type Sampler,
  sample,
  trajectory,
} from '../src/index.ts';
import { base, expectNoLeaks, gaussian, grid, positive, process, SAMPLERS, values } from './driver-run.ts';

const combine = vi.hoisted(() => ({ calls: 0 }));
vi.mock('@diff/core', async (original) => {
  const actual = await original<typeof import('@diff/core')>();
  const counted: typeof actual.combine = (...args) => {
    combine.calls++;
    return actual.combine(...args);
  };
  return { ...actual, combine: counted };
});

const leaks = expectNoLeaks();

describe('counts', () => {
  test.each(SAMPLERS.map(([s, nfe, combines]) => [s.name, s, nfe, combines] as const))(
    '%s: evaluations, combines and memory',
    async (_name, sampler, nfe, combines) => {
      const steps = positive.length - 1;
      let evaluations = 0;
      const seen: number[] = [];
      const model = gaussian({
        predict: (x, t) => {
          evaluations++;
          return tf.tidy(() => tf.div(x, 1 + Number(t) ** 2));
        },
      });
      combine.calls = 0;
      let nfeReported = 0;
      const x = await sample({
        ...base(),
        model,
        sampler,
        grid: positive,
        onStep: (report) => {
          seen.push(tf.memory().numTensors);
          nfeReported = report.nfe;
        },
      });
      x.dispose();
      expect(evaluations).toBe(nfe(steps));
      expect(nfeReported).toBe(evaluations);
      expect(sampler.nfe(steps)).toBe(evaluations);
      expect(combine.calls).toBe(combines(steps));
      // x, two tensors of history, and at most 8 scalars on their way to the host.
      expect(Math.max(...seen) - leaks.tensors()).toBeLessThanOrEqual(3 + 10 * (nfe(steps) / steps));
    },
  );

  test('memory does not grow with the number of steps', async () => {
    const peak = async (steps: number): Promise<number> => {
      let most = 0;
      const times = uniformGrid({ process, steps, end: 0.1 });
      const x = await sample({
        ...base(),
        sampler: dpmSolver(),
        grid: times,
        onStep: () => {
          most = Math.max(most, tf.memory().numTensors - leaks.tensors());
        },
      });
      x.dispose();
      return most;
    };
    expect(await peak(400)).toBeLessThanOrEqual((await peak(50)) + 1);
  });

  test('heun saves one evaluation in a last step to 0', async () => {
    let nfe = 0;
    const sampler = heun();
    const onStep = (report: { nfe: number }): void => {
      nfe = report.nfe;
    };
    const x = await sample({ ...base(), sampler, onStep });
    x.dispose();
    expect(nfe).toBe(2 * 6 - 1);
  });
});

describe('reports', () => {
  test('onStep sees every step, and the run waits for it', async () => {
    const log: unknown[] = [];
    let pending = false;
    const x = await sample({
      ...base(),
      onStep: async ({ x, ...rest }) => {
        expect(pending).toBe(false);
        pending = true;
        await new Promise((resolve) => setTimeout(resolve, 2));
        expect(x.shape).toEqual([5, 2]);
        log.push(rest);
        pending = false;
      },
    });
    x.dispose();
    expect(log).toEqual(
      grid.slice(1).map((next, i) => ({ step: i + 1, steps: 6, t: grid[i], next, nfe: i + 1 })),
    );
  });

  test('trajectory yields the initial noise and every state; the last is what sample returns', async () => {
    const points: { t: number; step: number; nfe: number; x: number[] }[] = [];
    for await (const { x, ...rest } of trajectory(base())) {
      points.push({ ...rest, x: Array.from(await x.data()) });
    }
    expect(points.map((p) => p.t)).toEqual(grid);
    expect(points.map((p) => p.step)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(points.at(-1)!.x).toEqual(Array.from(await values(await sample(base()))));
  });

  test('breaking out of a trajectory frees it, and an unused one never allocates', async () => {
    for await (const { step } of trajectory({ ...base(), sampler: dpmSolver() })) if (step === 3) break;
    trajectory(base());
  });

  test('conditions reach the model row by row', async () => {
    const labels = tf.tensor1d([0, 1, 2, 3, 4], 'int32');
    const model = gaussian({
      predict: (x, _t, condition) =>
        tf.tidy(() => tf.mul(tf.onesLike(x), tf.reshape(tf.cast(condition!, 'float32'), [5, 1]))),
    });
    const x = await values(await sample({ ...base(), model, condition: labels }));
    labels.dispose();
    expect(Array.from(x)).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4]); // the last step returns x̂0
  });

  test('a step of the sampler starts at the given initial state, which stays alive', async () => {
    const initial = tf.ones([5, 2]);
    const seen: number[][] = [];
    for await (const { x } of trajectory({ ...base(), initial })) seen.push(Array.from(await x.data()));
    expect(seen[0]).toEqual(new Array(10).fill(1));
    expect(initial.isDisposed).toBe(false);
    initial.dispose();
  });
});

describe('independence', () => {
  const vp = variancePreserving();
  const model = gaussian({
    process: vp,
    kind: 'noise',
    predict: (x, t) => tf.tidy(() => tf.mul(tf.sin(x), vp.sigma(Number(t)))),
  });
  const times = uniformGrid({ process: vp, steps: 6, end: 1e-3 });
  const pieces = async (sampler: Sampler, sizes: readonly number[]): Promise<number[]> => {
    const out: number[] = [];
    let firstRow = 0;
    for (const n of sizes) {
      const run = { model, sampler, grid: times, shape: [n, 3], key: key(9), firstRow };
      out.push(...(await values(await sample(run))));
      firstRow += n;
    }
    return out;
  };
  const equal = (parts: number): number[] =>
    Array.from(
      { length: parts },
      (_, i) => Math.floor(((i + 1) * 100) / parts) - Math.floor((i * 100) / parts),
    );

  test.each([
    ...SAMPLERS.map(([s]) => [s.name, s] as const),
    [
      'langevin by row norms',
      predictorCorrector({
        predictor: ddim(),
        corrector: langevinCorrector({ signalToNoise: 0.1, norms: 'row' }),
      }),
    ] as const,
  ])('%s: 100 rows in 1, 7 and 100 pieces are the same bits', async (_name, sampler) => {
    const whole = await pieces(sampler, [100]);
    expect(await pieces(sampler, equal(7))).toEqual(whole);
    expect(await pieces(sampler, equal(100))).toEqual(whole);
  });

  test('1,000 rows in 1, 7 and 1,000 pieces', async () => {
    const cut = (parts: number): number[] =>
      Array.from(
        { length: parts },
        (_, i) => Math.floor(((i + 1) * 1000) / parts) - Math.floor((i * 1000) / parts),
      );
    const whole = await pieces(ddpm(), [1000]);
    expect(await pieces(ddpm(), cut(7))).toEqual(whole);
    expect(await pieces(ddpm(), cut(1000))).toEqual(whole);
  });

  test('norms over the batch couple the rows: that is what the option says', async () => {
    const corrector = langevinCorrector({ signalToNoise: 0.1, norms: 'batch' });
    const sampler = predictorCorrector({ predictor: ddim(), corrector });
    expect(await pieces(sampler, equal(7))).not.toEqual(await pieces(sampler, [100]));
  });

  test('one sampler object serves two runs at once', async () => {
    const sampler = dpmSolver();
    const run = (seed: number): SampleOptions => ({
      model,
      sampler,
      grid: times,
      shape: [20, 3],
      key: key(seed),
    });
    const alone = [await values(await sample(run(1))), await values(await sample(run(2)))];
    const [a, b] = [trajectory(run(1)), trajectory(run(2))];
    const together: Float32Array[] = [];
    for (let step = 0; step <= 6; step++) {
      for (const [i, states] of [a, b].entries()) {
        const { value } = await states.next();
        if (step === 6 && value) together[i] = (await value.x.data()) as Float32Array;
      }
    }
    await a.return();
    await b.return();
    expect(together).toEqual(alone);
  });

  test('another key gives other samples, the same key the same', async () => {
    const [one, again, other] = [key(1), key(1), key(2)].map((k) => sample({ ...base(), key: k }));
    const first = await values(await one!);
    expect(await values(await again!)).toEqual(first);
    expect(await values(await other!)).not.toEqual(first);
  });
});
