import { key, normal } from '@diff/core';
import { layersNetwork, mlp, precondition, train } from '@diff/score';
import { edm } from '@diff/sde';
import { expectClose, expectSameBits } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import '@tensorflow/tfjs-backend-cpu';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

type Weights = Readonly<Record<string, tf.Variable>>;

/** Fills a network's weights with noise, so that no term is zero. */
function shake(variables: Weights): void {
  Object.values(variables).forEach((v, i) => {
    tf.tidy(() => v.assign(tf.mul(0.4, normal(key(100 + i), v.shape))));
  });
}

/** The formula of the header comment, in float64 and plain loops. */
async function byHand(
  variables: Weights,
  x: readonly number[],
  c: number,
  label: number,
  [lowest, highest]: readonly [number, number],
  features: number,
): Promise<number[]> {
  const w: Record<string, number[]> = {};
  for (const [name, v] of Object.entries(variables)) w[name] = Array.from(await v.data());
  const layer = (name: string, input: readonly number[]): number[] => {
    const b = w[`${name}.bias`]!;
    const k = w[`${name}.kernel`]!;
    return b.map((bias, j) => input.reduce((sum, v, i) => sum + v * k[i * b.length + j]!, bias));
  };
  const silu = (v: readonly number[]): number[] => v.map((a) => a / (1 + Math.exp(-a)));
  const half = features / 2;
  const angles = Array.from(
    { length: half },
    (_, i) => 2 * Math.PI * c * lowest * (highest / lowest) ** (i / (half - 1)),
  );
  const time = layer('time', [...angles.map(Math.cos), ...angles.map(Math.sin)]);
  const width = time.length;
  const e = silu(time.map((v, j) => v + (label >= 0 ? w['label.kernel']![label * width + j]! : 0)));
  let h = layer('input', x);
  for (let i = 0; `block${i}.first.bias` in w; i++) {
    const shift = layer(`block${i}.shift`, e);
    const inner = silu(layer(`block${i}.first`, silu(h)).map((v, j) => v + shift[j]!));
    const outer = layer(`block${i}.second`, inner);
    h = h.map((v, j) => v + outer[j]!);
  }
  return layer('output', silu(h));
}

describe('mlp', () => {
  it('is the formula of its documentation', async () => {
    const network = mlp({
      eventShape: [3],
      width: 5,
      blocks: 2,
      fourierFeatures: 6,
      frequencies: [0.2, 3],
      classes: 4,
      key: key(1),
    });
    shake(network.variables);
    const x = [0.3, -1.2, 0.7];
    for (const label of [0, 3, -1]) {
      const y = network.apply(tf.tensor2d([x]), tf.tensor1d([0.6]), tf.tensor1d([label], 'int32'));
      expectClose(await y.data(), await byHand(network.variables, x, 0.6, label, [0.2, 3], 6), {
        absolute: 2e-5,
      });
    }
    // no condition is the null label
    const [none, nothing] = [
      network.apply(tf.tensor2d([x]), tf.tensor1d([0.6])),
      network.apply(tf.tensor2d([x]), tf.tensor1d([0.6]), tf.tensor1d([network.nullLabel!], 'int32')),
    ];
    expectClose(await none.data(), await nothing.data(), { absolute: 1e-6 });
  });

  it('has the gradient of its finite differences, in every weight', async () => {
    const network = mlp({
      eventShape: [2],
      width: 4,
      blocks: 1,
      fourierFeatures: 4,
      classes: 2,
      key: key(1),
    });
    shake(network.variables);
    const x = normal(key(5), [3, 2]);
    const c = tf.tensor1d([0.1, -0.4, 1]);
    const labels = tf.tensor1d([0, 1, -1], 'int32');
    const f = (): tf.Scalar => tf.sum(tf.square(tf.add(network.apply(x, c, labels), 1)));
    const { grads } = tf.variableGrads(f, Object.values(network.variables));
    for (const [name, v] of Object.entries(network.variables)) {
      const exact = await grads[v.name]!.data();
      const base = Array.from(await v.data());
      const numeric: number[] = [];
      for (let i = 0; i < v.size; i++) {
        const at = async (shift: number): Promise<number> => {
          const moved = base.with(i, base[i]! + shift);
          v.assign(tf.tensor(moved, v.shape));
          return (await f().data())[0]!;
        };
        numeric.push(((await at(0.02)) - (await at(-0.02))) / 0.04);
      }
      v.assign(tf.tensor(base, v.shape));
      // central differences at h = 0.02: truncation h²/6 f''' and rounding 1e-7·f/h, f about 10
      expectClose(exact, numeric, { absolute: 5e-3, relative: 5e-3 }, name);
    }
  });

  it('starts at zero, from the key alone, with variance-keeping layers', async () => {
    const make = (seed: number) => mlp({ eventShape: [4, 4], width: 64, blocks: 2, key: key(seed) });
    const [a, b, other] = [make(1), make(1), make(2)];
    const y = a.apply(tf.ones([2, 4, 4]), tf.tensor1d([0, 1]));
    expect(y.shape).toEqual([2, 4, 4]);
    expect(Array.from(await y.data()).every((v) => v === 0)).toBe(true);
    for (const [name, v] of Object.entries(a.variables)) {
      expectSameBits(await b.variables[name]!.data(), await v.data());
    }
    const kernel = Array.from(await a.variables['block0.first.kernel']!.data());
    expect(Array.from(await other.variables['block0.first.kernel']!.data())).not.toEqual(kernel);
    const variance = kernel.reduce((s, v) => s + v * v, 0) / kernel.length;
    // mean of 4096 squares of N(0, 1/64): relative deviation √(2/4096) = 0.022, five of them
    expect(Math.abs(variance * 64 - 1)).toBeLessThan(0.11);
    // no two layers share their numbers
    expect(Array.from(await a.variables['block1.first.kernel']!.data())).not.toEqual(kernel);
  });

  it('refuses what it cannot be', () => {
    const ok = { eventShape: [2], key: key(1) };
    expect(() => mlp({ ...ok, eventShape: [] })).toThrow(
      'mlp: eventShape must list at least one dimension, got [].',
    );
    expect(() => mlp({ ...ok, width: 2.5 })).toThrow('mlp: width must be a positive integer, got 2.5.');
    expect(() => mlp({ ...ok, fourierFeatures: 7 })).toThrow(
      'mlp: fourierFeatures / 2 must be a positive integer, got 3.5.',
    );
    expect(() => mlp(ok).apply(tf.zeros([2, 2]), tf.zeros([2]), tf.zeros([2], 'int32'))).toThrow(
      'mlp: this network was made without classes, got a condition, a tensor of shape [2].',
    );
    const network = mlp({ ...ok, classes: 3 });
    expect(() => network.apply(tf.zeros([2, 2]), tf.zeros([2]), tf.zeros([3]))).toThrow(
      'mlp: condition must be labels of shape [2], got a tensor of shape [3].',
    );
  });
});

describe('layersNetwork', () => {
  it('trains a tfjs-layers model', async () => {
    const x = layers.input({ shape: [2] });
    const c = layers.input({ shape: [1] });
    const hidden = layers.layers.dense({
      units: 8,
      activation: 'tanh',
      kernelInitializer: layers.initializers.glorotUniform({ seed: 1 }),
    });
    const last = layers.layers.dense({ units: 2, kernelInitializer: 'zeros' });
    const y = last.apply(hidden.apply(layers.layers.concatenate().apply([x, c]))) as layers.SymbolicTensor;
    const network = layersNetwork(layers.model({ inputs: [x, c], outputs: y }));
    expect(Object.values(network.variables).map((v) => v.shape)).toEqual([[3, 8], [8], [8, 2], [2]]);
    const model = precondition({ network, process: edm(), sigmaData: 1 });
    const data = tf.mul(0.1, normal(key(1), [64, 2])); // far narrower than sigmaData: much to learn
    const { history } = await train({
      model,
      data,
      key: key(2),
      steps: 150,
      batchSize: 64,
      reportEvery: 10,
      learningRate: 0.02,
    });
    const losses = history.training.map((p) => p.loss);
    expect(losses.at(-1)!).toBeLessThan(0.5 * losses[0]!);
  });

  it('refuses models of another form', () => {
    const x = layers.input({ shape: [2] });
    const y = layers.layers.dense({ units: 2 }).apply(x) as layers.SymbolicTensor;
    expect(() => layersNetwork(layers.model({ inputs: x, outputs: y }))).toThrow(
      'layersNetwork: the model must have 2 or 3 inputs (x, c_noise and possibly a condition), got 1.',
    );
  });
});
