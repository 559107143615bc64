import { key, NumericalError, normal } from '@diff/core';
import {
  functionNetwork,
  gaussianMixture,
  loadCheckpoint,
  mlp,
  type Network,
  type NetworkModel,
  precondition,
  type TrainingProgress,
  type TrainOptions,
  train,
} from '@diff/score';
import { edm } from '@diff/sde';
import { expectClose } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import '@tensorflow/tfjs-backend-cpu';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const process = edm();
const small = (): NetworkModel =>
  precondition({
    network: mlp({ eventShape: [2], width: 8, blocks: 1, fourierFeatures: 4, classes: 3, key: key(1) }),
    process,
    sigmaData: 1,
  });
const weightsOf = async ({ network }: NetworkModel): Promise<number[]> => {
  const all = await Promise.all(Object.values(network.variables).map((v) => v.data()));
  return all.flatMap((w) => Array.from(w));
};
const dispose = (model: NetworkModel): void => {
  tf.dispose(Object.values(model.network.variables));
};
const problem = (): Pick<TrainOptions, 'data' | 'labels' | 'validation'> & {
  readonly labels: tf.Tensor;
} => ({
  data: normal(key(2), [50, 2]),
  labels: tf.tensor1d(
    Array.from({ length: 50 }, (_, i) => i % 3),
    'int32',
  ),
  validation: { data: normal(key(4), [30, 2]), every: 40 },
});

describe('train', () => {
  it('resumed from a checkpoint ends in the same bytes: 50 + 50 steps are 100', async () => {
    const given = problem();
    const options = {
      ...given,
      key: key(3),
      steps: 100,
      batchSize: 16,
      reportEvery: 25,
      optimizer: { clipNorm: 1 },
    };
    const whole = await train({ ...options, model: small() });
    let half: Uint8Array | undefined;
    const stop = new AbortController();
    const interrupted = train({
      ...options,
      model: small(),
      signal: stop.signal,
      onProgress: async ({ step, checkpoint }) => {
        if (step !== 50) return;
        half = await checkpoint();
        stop.abort(new Error('enough'));
      },
    });
    await expect(interrupted).rejects.toThrow('enough');
    expect(loadCheckpoint(half!).step).toBe(50);
    const resumed = await train({ ...options, model: small(), resume: half! });
    expect(await resumed.checkpoint()).toEqual(await whole.checkpoint());
    expect(resumed.history).toEqual(whole.history);
    expect(whole.history.training.map((p) => p.step)).toEqual([25, 40, 50, 75, 80, 100]);
    expect(whole.history.validation.map((p) => p.step)).toEqual([40, 80, 100]);
    expect(await weightsOf(resumed.model)).toEqual(await weightsOf(whole.model));
    // and another key is another run
    const other = await train({ ...options, model: small(), key: key(30) });
    expect(await weightsOf(other.model)).not.toEqual(await weightsOf(whole.model));
    // reports do not change the course
    const quiet = await train({ ...options, model: small(), reportEvery: 7 });
    expect(await weightsOf(quiet.model)).toEqual(await weightsOf(whole.model));
  });

  it('keeps memory flat: done, aborted or thrown', async () => {
    const given = problem();
    const model = small();
    const options = {
      ...given,
      model,
      key: key(3),
      steps: 12,
      batchSize: 8,
      reportEvery: 5,
      learningRate: 1e-3,
    };
    const before = tf.memory().numTensors;
    const trained = await train(options);
    expect(tf.memory().numTensors).toBe(before);
    const bytes = await trained.checkpoint();
    trained.useWeights('last');
    expect(tf.memory().numTensors).toBe(before);
    await train({ ...options, steps: 20, resume: bytes });
    expect(tf.memory().numTensors).toBe(before);

    const counts: number[] = [];
    await train({ ...options, steps: 40, onProgress: () => void counts.push(tf.memory().numTensors) });
    expect(new Set(counts).size).toBe(1);

    await expect(train({ ...options, signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow('no');
    expect(tf.memory().numTensors).toBe(before);
    const late = new AbortController();
    const aborted = train({
      ...options,
      signal: late.signal,
      onProgress: () => late.abort(new Error('stop')),
    });
    await expect(aborted).rejects.toThrow('stop');
    expect(tf.memory().numTensors).toBe(before);
    const thrown = train({
      ...options,
      onProgress: () => {
        throw new Error('from the caller');
      },
    });
    await expect(thrown).rejects.toThrow('from the caller');
    expect(tf.memory().numTensors).toBe(before);

    let calls = 0;
    const faulty: Network = {
      ...model.network,
      apply: (x, c, y) => {
        if (++calls === 7) throw new Error('from the network');
        return model.network.apply(x, c, y);
      },
    };
    const failing = precondition({ network: faulty, process, sigmaData: 1 });
    await expect(train({ ...options, model: failing })).rejects.toThrow('from the network');
    expect(tf.memory().numTensors).toBe(before);
  });

  it('stops at a loss that is not finite, names the step and keeps the last finite weights', async () => {
    const w = tf.variable(tf.tensor1d([0.5]));
    let calls = 0;
    const network = functionNetwork({
      variables: { w },
      apply: (x) => tf.mul(x, ++calls === 14 ? tf.mul(w, Number.NaN) : w),
    });
    const model = precondition({ network, process, sigmaData: 1 });
    const data = normal(key(2), [50, 2]);
    let atTen: number | undefined;
    const before = tf.memory().numTensors;
    const run = train({
      model,
      data,
      key: key(3),
      steps: 30,
      batchSize: 8,
      reportEvery: 5,
      learningRate: 0.01,
      onProgress: async ({ step }) => {
        if (step === 10) atTen = (await w.data())[0];
      },
    });
    const error = await run.catch((e: unknown) => e);
    expect(error).toBeInstanceOf(NumericalError);
    expect((error as Error).message).toBe(
      'train: the loss must be finite, got NaN at step 13 of 30. Lower the learning rate, set optimizer.clipNorm, or look for NaN in the data.',
    );
    expect((await w.data())[0]).toBe(atTen);
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([w, data]);
  });

  it('averages the weights: a ← r a + (1 − r) p, with the rate min(r, (1 + k)/(10 + k)) at first', async () => {
    const given = problem();
    for (const average of [
      { rate: 0.6, warmup: false },
      { rate: 0.9, warmup: true },
    ]) {
      const model = small();
      let expected = await weightsOf(model);
      const rates: number[] = [];
      const trained = await train({
        ...given,
        model,
        key: key(3),
        steps: 8,
        batchSize: 8,
        average,
        learningRate: 0.05,
        reportEvery: 1,
        onProgress: async ({ step }) => {
          const k = step - 1;
          const rate = average.warmup ? Math.min(average.rate, (1 + k) / (10 + k)) : average.rate;
          rates.push(rate);
          const now = await weightsOf(model);
          expected = expected.map((a, i) => rate * a + (1 - rate) * now[i]!);
        },
      });
      expectClose(await weightsOf(model), expected, { absolute: 1e-6 });
      trained.useWeights('last');
      expect(await weightsOf(model)).not.toEqual(expected);
      expect(new Set(rates).size).toBeGreaterThan(average.warmup ? 2 : 0);
    }
    const without = await train({
      ...given,
      model: small(),
      key: key(3),
      steps: 2,
      batchSize: 8,
      average: false,
    });
    expect(() => without.useWeights('average')).toThrow(
      "train: 'average' needs averaged weights, got a run without.",
    );
  });

  it('drops labels at the given rate, independently in every row', async () => {
    const seen: tf.Tensor[] = [];
    const w = tf.variable(tf.tensor1d([1]));
    const network = functionNetwork({
      variables: { w },
      nullLabel: -1,
      apply: (x, _c, labels) => {
        seen.push(tf.keep(tf.clone(labels!)));
        return tf.mul(x, w);
      },
    });
    const model = precondition({ network, process, sigmaData: 1 });
    const [rows, steps] = [64, 100];
    const data = normal(key(2), [rows, 1]);
    const labels = tf.tensor1d(
      Array.from({ length: rows }, (_, i) => i),
      'int32',
    );
    await train({ model, data, labels, key: key(3), steps, batchSize: rows, labelDropout: 0.3 });
    const batches = await Promise.all(seen.map(async (s) => Array.from(await s.data())));
    const dropped = batches.flat().filter((label) => label === -1).length / (rows * steps);
    expect(Math.abs(dropped - 0.3)).toBeLessThan(4 * Math.sqrt((0.3 * 0.7) / (rows * steps)));
    // every epoch is one batch here: the labels that are left are each there once
    for (const batch of batches) {
      const left = batch.filter((label) => label !== -1);
      expect(new Set(left).size).toBe(left.length);
    }
    expect(batches[0]).not.toEqual(batches[1]);
    tf.dispose([...seen, data, labels, w]);
  });

  it.each(['int32', 'float32'] as const)(
    'gives a network with classes %s labels as they are',
    async (dtype) => {
      const seen: tf.Tensor[] = [];
      const w = tf.variable(tf.tensor1d([1]));
      const plain = functionNetwork({
        variables: { w },
        apply: (x, _c, labels) => {
          seen.push(tf.keep(tf.clone(labels!)));
          return tf.mul(x, w);
        },
      });
      const network = { ...plain, classes: 8 };
      const model = precondition({ network, process, sigmaData: 1 });
      const data = normal(key(2), [8, 1]);
      const labels = tf.tensor1d([0, 1, 2, 3, 4, 5, 6, 7], dtype);
      await train({ model, data, labels, key: key(3), steps: 2, batchSize: 8 });
      expect(seen.map((t) => t.dtype)).toEqual([dtype, dtype]);
      for (const t of seen) expect((await t.data()).toSorted()).toEqual(await labels.data());
      tf.dispose([...seen, data, labels, w]);
    },
  );

  it('validates all held-out rows with the averaged weights', async () => {
    const given = problem();
    const options = {
      data: given.data,
      validation: { data: given.data, every: 5 },
      key: key(3),
      steps: 5,
      batchSize: 20,
    };
    // an untrained network gives 0, and EDM's targets have variance 1: mean square of 100 of them, 1 ± √(2/100)
    const still = await train({ ...options, model: small(), learningRate: () => 0 });
    expect(Math.abs(still.history.validation[0]!.loss - 1)).toBeLessThan(4 * Math.sqrt(2 / 100));
    const plain = await train({ ...options, model: small(), learningRate: 0.05, average: false });
    const averaged = await train({ ...options, model: small(), learningRate: 0.05, average: 0.9 });
    expect(averaged.history.training).toEqual(plain.history.training);
    expect(averaged.history.validation).not.toEqual(plain.history.validation);
  });

  it('looks at other times in every step, one in each stratum of the batch', async () => {
    const given = problem();
    const drawn: number[] = [];
    const quantile = (u: number): number => {
      drawn.push(u);
      return 1 + u;
    };
    const options = { data: given.data, model: small(), key: key(3), steps: 3, batchSize: 10 };
    await train({ ...options, times: { name: 'mine', quantile } });
    expect(drawn.length).toBe(30);
    expect(new Set(drawn).size).toBe(30);
    expect(drawn.map((u) => Math.floor(10 * u))).toEqual(
      [0, 1, 2].flatMap(() => [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
    );
  });

  it('reports losses as means, rates of the schedule, and the same validation loss for the same weights', async () => {
    const given = problem();
    const progress: TrainingProgress[] = [];
    const run = (reportEvery: number, onProgress: (p: TrainingProgress) => void) =>
      train({
        data: given.data,
        labels: given.labels,
        validation: { data: given.data, labels: given.labels, every: 1 },
        model: small(),
        key: key(3),
        steps: 20,
        batchSize: 20,
        reportEvery,
        learningRate: { peak: 0.1, warmup: 5, floor: 0.1 },
        average: false,
        onProgress,
      });
    await run(1, (p) => progress.push(p));
    const rate = (k: number): number =>
      k < 5 ? (0.1 * (k + 1)) / 5 : 0.1 * (0.1 + (0.9 * (1 + Math.cos((Math.PI * (k - 5)) / 15))) / 2);
    expectClose(
      progress.map((p) => p.learningRate),
      Array.from({ length: 20 }, (_, k) => rate(k)),
      { relative: 1e-12 },
    );
    expect(progress.every((p) => p.validationLoss! > 0 && p.gradientNorm > 0 && p.steps === 20)).toBe(true);
    const quiet = await train({
      data: given.data,
      labels: given.labels,
      model: small(),
      key: key(3),
      steps: 20,
      batchSize: 20,
      reportEvery: 10,
      learningRate: { peak: 0.1, warmup: 5, floor: 0.1 },
      average: false,
    });
    const mean = (from: number, to: number): number =>
      progress.slice(from, to).reduce((s, p) => s + p.loss, 0) / (to - from);
    expectClose(
      quiet.history.training.map((p) => p.loss),
      [mean(0, 10), mean(10, 20)],
      { relative: 1e-9 },
    );
    // a rate of 0 leaves the weights alone, and then the validation loss
    const still = await train({
      ...given,
      validation: { data: given.data, every: 2 },
      model: small(),
      key: key(3),
      steps: 6,
      batchSize: 20,
      learningRate: () => 0,
    });
    expect(new Set(still.history.validation.map((p) => p.loss)).size).toBe(1);
  });

  it('refuses bad options in one sentence', async () => {
    const given = problem();
    const ok = { ...given, model: small(), key: key(3), steps: 2 };
    const bad = async (options: Partial<TrainOptions>, message: string): Promise<void> => {
      await expect(train({ ...ok, ...options }), message).rejects.toThrow(message);
    };
    const before = tf.memory().numTensors;
    for (const steps of [0, -1, 2.5])
      await bad({ steps }, `train: steps must be a positive integer, got ${steps}.`);
    await bad({ batchSize: 0 }, 'train: batchSize must be a positive integer, got 0.');
    await bad(
      { learningRate: -1 },
      'train: the peak learning rate must be a positive finite number, got -1.',
    );
    await bad(
      { learningRate: () => Number.NaN },
      'train: the learning rate must be a finite number ≥ 0, got NaN at step 0.',
    );
    await bad({ average: 1 }, 'train: the rate of the average must lie in [0, 1), got 1.');
    await bad({ labelDropout: 2 }, 'train: labelDropout must lie in [0, 1], and be 0 without labels');
    const three = tf.zeros([4, 3]);
    await bad(
      { data: three },
      'train: data must have shape [n, 2] with n ≥ 1, got a tensor of shape [4, 3].',
    );
    await bad(
      { labels: three },
      'train: the labels of data must have 50 rows, got a tensor of shape [4, 3].',
    );
    three.dispose();
    const outside = tf.fill([50], 3, 'int32');
    await bad({ labels: outside }, 'train: labels must be whole numbers from 0 to 2, got 3 in row 0.');
    outside.dispose();
    const fixed = precondition({ network: functionNetwork({ apply: (x) => tf.clone(x) }), process });
    await expect(train({ ...ok, labelDropout: 0, model: fixed })).rejects.toThrow(
      'train: the network must have variables, got none.',
    );
    expect(tf.memory().numTensors).toBe(before);
    dispose(ok.model);
  });
});

describe('training learns', () => {
  it('the score of a 2-D Gaussian mixture', async () => {
    const exact = gaussianMixture({
      process,
      means: [
        [1.5, 0],
        [-1, 1],
        [-0.5, -1.4],
      ],
      weights: [0.5, 0.3, 0.2],
      variance: [0.09, 0.16, 0.04],
    });
    const data = await exact.sample(key(5), 4000);
    const model = precondition({
      network: mlp({ eventShape: [2], width: 32, blocks: 1, fourierFeatures: 16, key: key(1) }),
      process,
      sigmaData: 1.1,
    });
    // ε̂ error against the exact model, on states of the forward process: E|ε̂ − ε*|²/E|ε*|² in 0 … 1
    const held = await exact.sample(key(6), 2000);
    const error = async (t: number): Promise<number> => {
      const x = tf.add(held, tf.mul(t, normal(key(7), held.shape)));
      const [learned, truth] = [await model.noise(x, t), await exact.noise(x, t)];
      const ratio = tf.div(tf.sum(tf.square(tf.sub(learned, truth))), tf.sum(tf.square(truth)));
      return (await ratio.data())[0]!;
    };
    const levels = [0.15, 0.4, 1, 3];
    const before = await Promise.all(levels.map(error));
    await train({
      model,
      data,
      key: key(3),
      steps: 400,
      batchSize: 128,
      learningRate: { peak: 1e-2 },
      average: 0.98,
    });
    const after = await Promise.all(levels.map(error));
    levels.forEach((t, i) => {
      expect(after[i]!, `share of ε* missed at t = ${t}`).toBeLessThan(0.07);
      expect(after[i]!, `against the untrained network's ${before[i]} at t = ${t}`).toBeLessThan(
        before[i]! / 10,
      );
    });
    tf.dispose([data, held]);
    dispose(model);
  });

  it('conditional means: each label its own, the null label the mean of all', async () => {
    // X₀ = −1 for label 0 and +1 for label 1: at σ = 20 the state says nothing, so E[X₀ | x, label] = ±1, E[X₀ | x] = 0
    const labels = tf.tensor1d(
      Array.from({ length: 64 }, (_, i) => i % 2),
      'int32',
    );
    const data = tf.tidy(() => tf.reshape(tf.sub(tf.mul(2, tf.cast(labels, 'float32')), 1), [64, 1]));
    const model = precondition({
      network: mlp({ eventShape: [1], width: 16, blocks: 1, fourierFeatures: 4, classes: 2, key: key(1) }),
      process,
      sigmaData: 1,
    });
    const times = { name: 'late', quantile: (u: number) => 10 + 20 * u };
    const rest = {
      steps: 200,
      batchSize: 128,
      labelDropout: 0.5,
      learningRate: { peak: 0.02 },
      average: { rate: 0.98, warmup: false },
    };
    await train({ model, data, labels, key: key(3), times, ...rest });
    const x = tf.zeros([3, 1]);
    const asked = tf.tensor1d([0, 1, -1], 'int32');
    const means = await model.denoise(x, 20, asked);
    // 64 labels of a batch are dropped and about 50 batches averaged: deviation 1/√3200 = 0.018; 0.98²⁰⁰ = 0.018 is left
    // of the untrained 0; and Adam's own noise
    expectClose(await means.data(), [-1, 1, 0], { absolute: 0.1 });
    tf.dispose([data, labels, x, asked, means]);
    dispose(model);
  });
});
