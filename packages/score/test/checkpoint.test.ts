import { DomainError, FormatError, key, normal } from '@diff/core';
import {
  functionNetwork,
  loadCheckpoint,
  mlp,
  type NetworkModel,
  precondition,
  readSafetensors,
  saveCheckpoint,
  train,
  writeSafetensors,
} from '@diff/score';
import { fromAlphaSigma, variancePreserving } from '@diff/sde';
import { expectSameBits } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import '@tensorflow/tfjs-backend-cpu';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const dispose = (model: NetworkModel): void => {
  tf.dispose(Object.values(model.network.variables));
};
const small = (): NetworkModel =>
  precondition({
    network: mlp({ eventShape: [1, 2], width: 4, blocks: 1, fourierFeatures: 2, classes: 2, key: key(1) }),
    process: variancePreserving({ schedule: 'cosine' }),
    preconditioning: 'velocity',
    sigmaData: 0.7,
    name: 'small',
  });

/** The bytes of a checkpoint with one entry of its metadata changed. */
function altered(bytes: Uint8Array, change: (metadata: Record<string, string>) => void): Uint8Array {
  const { tensors, metadata } = readSafetensors(bytes);
  const next = { ...metadata };
  change(next);
  return writeSafetensors(tensors, next);
}

describe('checkpoints', () => {
  it('keep 11 bits of every weight as F16, in half the bytes', async () => {
    const model = small();
    const [whole, half] = [await saveCheckpoint({ model }), await saveCheckpoint({ model, dtype: 'F16' })];
    const weights = Object.values(model.network.variables).reduce((sum, v) => sum + v.size, 0);
    expect(whole.length - half.length).toBeGreaterThan(1.9 * weights);
    const again = loadCheckpoint(half).model;
    for (const [name, variable] of Object.entries(again.network.variables)) {
      const exact = await model.network.variables[name]!.data();
      (await variable.data()).forEach((v, i) => {
        expect(Math.abs(v - exact[i]!)).toBeLessThanOrEqual(2 ** -11 * Math.abs(exact[i]!) + 2 ** -25);
      });
    }
    dispose(model);
    dispose(again);
  });

  it('carry architecture, weights and metadata, byte for byte', async () => {
    const model = small();
    const data = tf.tidy(() => tf.reshape(normal(key(2), [20, 2]), [20, 1, 2]));
    const trained = await train({ model, data, key: key(3), steps: 3, batchSize: 8 });
    const bytes = await trained.checkpoint();
    const before = tf.memory().numTensors;
    const loaded = loadCheckpoint(bytes);
    expect(loaded.step).toBe(3);
    expect(loaded.model.name).toBe('small');
    expect(loaded.model.network.config).toEqual(model.network.config);
    expect(loaded.model.process.config).toEqual(model.process.config);
    expect(loaded.model.preconditioning.name).toBe('velocity');
    expect(loaded.model.preconditioning.sigmaData).toBe(0.7);
    const labels = tf.tensor1d([0, 1, -1], 'int32');
    const x = tf.ones([3, 1, 2]);
    for (const which of ['average', 'last'] as const) {
      trained.useWeights(which);
      const same = loadCheckpoint(bytes, { weights: which });
      const [a, b] = [await model.denoise(x, 0.3, labels), await same.model.denoise(x, 0.3, labels)];
      expectSameBits(await b.data(), await a.data());
      tf.dispose([a, b]);
      dispose(same.model);
    }
    // the default is the average
    trained.useWeights('average');
    const [a, b] = [await model.denoise(x, 0.3, labels), await loaded.model.denoise(x, 0.3, labels)];
    expectSameBits(await b.data(), await a.data());
    tf.dispose([a, b, labels, x]);
    dispose(loaded.model);
    expect(tf.memory().numTensors).toBe(before);

    const plain = await saveCheckpoint({ model, metadata: { data: 'noise' } });
    expect(await saveCheckpoint({ model, metadata: { data: 'noise' } })).toEqual(plain);
    const again = loadCheckpoint(plain);
    expect(again.metadata).toEqual({ data: 'noise' });
    expect('step' in again).toBe(false);
    expect(await saveCheckpoint({ model: again.model, metadata: again.metadata })).toEqual(plain);
    tf.dispose(data);
    dispose(model);
    dispose(again.model);
  });

  it('of your own network, process and preconditioning need them back', async () => {
    const w = tf.variable(tf.tensor1d([1.5, 2]));
    const network = functionNetwork({ variables: { w }, apply: (x) => tf.mul(x, w) });
    const process = fromAlphaSigma({ alpha: () => 1, sigma: (t) => t, T: 1 });
    const rule = {
      name: 'mine',
      sigmaData: 1,
      scalings: () => ({ skip: 0, out: 1, input: 1, noiseLevel: 0 }),
    };
    const bytes = await saveCheckpoint({ model: precondition({ network, process, preconditioning: rule }) });
    w.assign(tf.zeros([2]));
    expect(() => loadCheckpoint(bytes)).toThrow(
      "the preconditioning must be a built-in one, got 'mine'. Pass yours",
    );
    expect(() => loadCheckpoint(bytes, { preconditioning: rule })).toThrow(
      'loadCheckpoint: the process must be one that can be rebuilt',
    );
    expect(() => loadCheckpoint(bytes, { preconditioning: rule, process })).toThrow(
      "loadCheckpoint: the network must be one that can be rebuilt, got a description that fails (networkFromConfig: type must be 'mlp', got 'custom'.",
    );
    const { model } = loadCheckpoint(bytes, { preconditioning: rule, process, network });
    expect(Array.from(await w.data())).toEqual([1.5, 2]);
    expect(model.network).toBe(network);
    const other = functionNetwork({
      variables: { v: tf.variable(tf.zeros([2])) },
      apply: (x) => tf.clone(x),
    });
    expect(() => loadCheckpoint(bytes, { preconditioning: rule, process, network: other })).toThrow(
      "loadCheckpoint: there must be a tensor 'weights.v', got 'none'. Pass the network that was trained.",
    );
  });

  it('refuse files that are something else, or that lie about themselves', async () => {
    const model = small();
    const bytes = await saveCheckpoint({ model });
    const before = tf.memory().numTensors;
    const bad = (change: (metadata: Record<string, string>) => void, message: string): void => {
      expect(() => loadCheckpoint(altered(bytes, change)), message).toThrow(message);
      expect(() => loadCheckpoint(altered(bytes, change)), message).toThrow(FormatError);
    };
    bad(
      (m) => delete m['diff.format'],
      "the metadata entry 'diff.format' must be '@diff/score checkpoint 1', got 'none'.",
    );
    bad((m) => delete m['diff.model'], "the metadata must have an entry 'diff.model', got 'none'.");
    bad((m) => (m['diff.model'] = '{'), "the metadata entry 'diff.model' must be JSON, got '{'.");
    bad((m) => (m['diff.model'] = '[]'), "the metadata entry 'diff.model' must be an object, got [].");
    bad((m) => (m['diff.model'] = '{}'), "'diff.model' must tell name, network, process and preconditioning");
    const change = (from: string, to: string) => (m: Record<string, string>) => {
      expect(m['diff.model']).toContain(from);
      m['diff.model'] = m['diff.model']!.replace(from, to);
    };
    // asking for a huge network makes none
    bad(
      change('"width":4', '"width":1000000'),
      'the file must hold the weights of its mlp, got fewer numbers than that.',
    );
    bad(change('"blocks":1', '"blocks":1e12'), 'got fewer numbers than that.');
    bad(change('"classes":2', '"classes":1e300'), 'got fewer numbers than that.');
    bad(change('"width":4', '"width":"4"'), "mlp: width must be a positive integer, got '4'.");
    bad(
      change('"width":4', '"width":3'),
      "tensor 'weights.input.kernel' must hold floats (F32, F16 or BF16) of shape [2, 3], got 'F32 [2, 4]'.",
    );
    bad(change('"type":"vp"', '"type":"constructor"'), 'the process must be one that can be rebuilt');
    bad(
      change('"sigmaData":0.7', '"sigmaData":-1'),
      'preconditioning: sigmaData must be a positive finite number, got -1.',
    );
    expect(tf.memory().numTensors).toBe(before);
    await expect(saveCheckpoint({ model, metadata: { 'diff.model': 'x' } })).rejects.toThrow(
      "saveCheckpoint: names in metadata must not begin with 'diff.', got 'diff.model'. Rename it.",
    );
    dispose(model);
  });

  it('throw nothing but FormatError, whatever the architecture says', async () => {
    const model = small();
    const bytes = await saveCheckpoint({ model });
    const good = JSON.parse(readSafetensors(bytes).metadata['diff.model']!) as Record<
      string,
      Record<string, unknown>
    >;
    const fields = Object.entries(good).flatMap(([part, value]) =>
      typeof value === 'object' ? Object.keys(value).map((name) => [part, name] as const) : [],
    );
    const value = fc.oneof(
      fc.jsonValue(),
      fc.integer(),
      fc.double(),
      fc.array(fc.integer()),
      fc.constantFrom(1e9, [1, 2], []),
    );
    fc.assert(
      fc.property(fc.constantFrom(...fields), value, ([part, name], replaced) => {
        const lie = { ...good, [part]: { ...good[part], [name]: replaced } };
        const before = tf.memory().numTensors;
        try {
          dispose(loadCheckpoint(altered(bytes, (m) => (m['diff.model'] = JSON.stringify(lie)))).model);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
        expect(tf.memory().numTensors).toBe(before);
      }),
      { seed: 1, numRuns: 400 },
    );
    dispose(model);
  });

  it('of a run cannot be resumed with other options or another network', async () => {
    const model = small();
    const data = tf.ones([8, 1, 2]);
    const options = { model, data, key: key(3), steps: 2, batchSize: 4 };
    const bytes = await (await train(options)).checkpoint();
    await expect(train({ ...options, batchSize: 5, resume: bytes })).rejects.toThrow(DomainError);
    await expect(train({ ...options, batchSize: 5, resume: bytes })).rejects.toThrow(
      /^train: a resumed run must have the options of the checkpoint, .*"batchSize":4.*, got .*"batchSize":5.*\. Pass those/,
    );
    // a schedule stretches over the run: more steps are another run, unless the rate is constant
    await expect(train({ ...options, steps: 4, resume: bytes })).rejects.toThrow(
      /"steps":2.*, got .*"steps":4/,
    );
    const constant = { ...options, learningRate: 1e-3 };
    const four = await train({ ...constant, model: small(), steps: 4 });
    const two = await (await train({ ...constant, model: small() })).checkpoint();
    const more = await train({ ...constant, model: small(), steps: 4, resume: two });
    expect(readSafetensors(await more.checkpoint()).tensors).toEqual(
      readSafetensors(await four.checkpoint()).tensors,
    );
    dispose(four.model);
    dispose(more.model);
    const wider = precondition({ ...model, network: mlp({ eventShape: [1, 2], width: 5, key: key(1) }) });
    await expect(train({ ...options, model: wider, resume: bytes })).rejects.toThrow(
      "tensor 'weights.input.kernel' must hold floats (F32, F16 or BF16) of shape [2, 5], got 'F32 [2, 4]'.",
    );
    await expect(train({ ...options, resume: await saveCheckpoint({ model }) })).rejects.toThrow(
      "loadCheckpoint: the metadata must have an entry 'diff.training', got 'none'.",
    );
    tf.dispose(data);
    dispose(model);
    dispose(wider);
  });
});
