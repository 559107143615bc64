import { key, normal } from '@diff/core';
import { edm, ornsteinUhlenbeck, perturb, varianceExploding, variancePreserving } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import { worst } from './golden.ts';

beforeAll(() => tf.setBackend('cpu'));

const ou = ornsteinUhlenbeck({ theta: 1.3, mu: 2, sigma: 0.7, T: 3 });

describe('perturb', () => {
  it('is α x0 + m + σ ξ with ξ = normal(key)', async () => {
    const x0 = tf.tensor([1, -2, 3, 0.5, 4, -1], [3, 2]);
    const noise = await normal(key(5), [3, 2]).data();
    const data = await x0.data();
    for (const t of [0, 0.4, 3]) {
      const result = perturb(ou, x0, t, { key: key(5) });
      expect(Array.from(await result.noise.data())).toEqual(Array.from(noise));
      const expected = Array.from(data, (x, i) => ou.alpha(t) * x + ou.mean(t) + ou.sigma(t) * noise[i]!);
      expect(worst(Array.from(await result.x.data()), expected).error).toBeLessThan(4e-7);
    }
  });

  it('takes a time per row, as numbers, typed arrays or a tensor', async () => {
    const x0 = tf.tensor([1, -2, 3, 0.5, 4, -1], [3, 2]);
    const times = [0, 0.5, 3];
    const noise = await normal(key(5), [3, 2]).data();
    const data = await x0.data();
    const expected = Array.from(data, (x, i) => {
      const t = times[Math.floor(i / 2)]!;
      return ou.alpha(t) * x + ou.mean(t) + ou.sigma(t) * noise[i]!;
    });
    const forms = [
      perturb(ou, x0, times, { key: key(5) }),
      perturb(ou, x0, Float32Array.from(times), { key: key(5) }),
      perturb(ou, x0, Float64Array.from(times), { key: key(5) }),
      await perturb(ou, x0, tf.tensor1d(times), { key: key(5) }),
    ];
    for (const { x } of forms) expect(worst(Array.from(await x.data()), expected).error).toBeLessThan(4e-7);
  });

  it('does not depend on how a batch is cut, for images too', async () => {
    const process = variancePreserving();
    const x0 = normal(key(1), [6, 2, 2, 1]);
    const times = [0.1, 0.2, 0.3, 0.4, 0.5, 1];
    const whole = Array.from(await perturb(process, x0, times, { key: key(2) }).x.data());
    const part = perturb(process, tf.slice(x0, [2, 0, 0, 0], [3, 2, 2, 1]), times.slice(2, 5), {
      key: key(2),
      firstRow: 2,
    });
    expect(part.x.shape).toEqual([3, 2, 2, 1]);
    expect(Array.from(await part.x.data())).toEqual(whole.slice(8, 20));
  });

  it('has the law N(α x0 + m, σ²)', async () => {
    const n = 40_000;
    for (const process of [ou, edm({ T: 5 }), varianceExploding({ dataHasSigmaMin: true })]) {
      const t = 0.6 * process.T;
      const x = await perturb(process, tf.fill([n, 1], -0.7), t, { key: key(8) }).x.data();
      const mean = Array.from(x).reduce((s, v) => s + v, 0) / n;
      const variance = Array.from(x).reduce((s, v) => s + (v - mean) ** 2, 0) / n;
      const sigma = process.sigma(t);
      expect(Math.abs(mean - (-0.7 * process.alpha(t) + process.mean(t)))).toBeLessThan(
        (4.5 * sigma) / Math.sqrt(n),
      );
      expect(Math.abs(variance / sigma ** 2 - 1)).toBeLessThan(4.5 * Math.sqrt(2 / n));
    }
  });

  it('takes a horizon that went through float32', () => {
    const process = edm({ T: 0.1 }); // fround(0.1) > 0.1
    expect(() => perturb(process, tf.zeros([1, 1]), new Float32Array([0.1]), { key: key(0) })).not.toThrow();
  });

  it('leaves two tensors and no more', async () => {
    const x0 = tf.zeros([3, 2]);
    for (const t of [0.5, [0.1, 0.2, 0.3]]) {
      const before = tf.memory().numTensors;
      const { x, noise } = perturb(ou, x0, t, { key: key(1) });
      expect(tf.memory().numTensors).toBe(before + 2);
      tf.dispose([x, noise]);
    }
  });

  it('refuses bad times', async () => {
    const x0 = tf.zeros([3, 2]);
    const at = { key: key(1) };
    expect(() => perturb(ou, x0, 3.1, at)).toThrow('ou.alpha: t must lie in [0, 3], got 3.1.');
    expect(() => perturb(ou, x0, Number.NaN, at)).toThrow('t must lie in [0, 3], got NaN.');
    expect(() => perturb(ou, x0, [1, 2], at)).toThrow(
      'perturb: t must be a number or hold one time for each of the 3 rows, got 2 times.',
    );
    expect(() => perturb(ou, x0, tf.zeros([3, 1]), at)).toThrow(
      'perturb: t must have shape [3], got a tensor of shape [3, 1].',
    );
    expect(() => perturb(ou, x0, 'now' as never, at)).toThrow(
      "perturb: t must be a number, a list of numbers or a tensor, got 'now'.",
    );
    await expect(perturb(ou, x0, tf.tensor1d([0, 1, 9]), at)).rejects.toThrow('t must lie in [0, 3], got 9.');
  });
});
