import { adam } from '@diff/score';
import { expectClose } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import '@tensorflow/tfjs-backend-cpu';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

interface Settings {
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  readonly weightDecay?: number;
  readonly clipNorm?: number;
}

/** The algorithm of the paper, line by line in float64. */
function byHand(
  start: readonly number[],
  gradients: readonly (readonly number[])[],
  rate: number,
  settings: Settings,
): number[] {
  const {
    beta1 = 0.9,
    beta2 = 0.999,
    epsilon = 1e-8,
    weightDecay = 0,
    clipNorm = Number.POSITIVE_INFINITY,
  } = settings;
  let p = [...start];
  let m = start.map(() => 0);
  let v = start.map(() => 0);
  gradients.forEach((raw, k) => {
    const scale = Math.min(1, clipNorm / Math.hypot(...raw));
    const g = raw.map((x) => scale * x);
    m = m.map((x, i) => beta1 * x + (1 - beta1) * g[i]!);
    v = v.map((x, i) => beta2 * x + (1 - beta2) * g[i]! ** 2);
    p = p.map((x, i) => {
      const first = m[i]! / (1 - beta1 ** (k + 1));
      const second = v[i]! / (1 - beta2 ** (k + 1));
      return x - rate * weightDecay * x - (rate * first) / (Math.sqrt(second) + epsilon);
    });
  });
  return p;
}

describe('adam', () => {
  const start = [0.5, -1, 2, 0];
  const gradients = [
    [0.1, -0.2, 30, 1e-6],
    [0.3, 0.1, -4, 2e-6],
    [-0.2, 0, 0.5, -1e-6],
  ];
  const cases: readonly (readonly [string, Settings])[] = [
    ['with its defaults', {}],
    ['with other rates', { beta1: 0.5, beta2: 0.9, epsilon: 1e-3 }],
    ['without momentum', { beta1: 0 }],
    ['with weight decay', { weightDecay: 0.1 }],
    ['with a norm that is sometimes clipped', { clipNorm: 3 }],
  ];
  for (const [what, settings] of cases) {
    it(`is the published algorithm ${what}`, async () => {
      const optimizer = adam(settings);
      const row = (values: readonly number[]): tf.Tensor => tf.tensor2d([[...values]]);
      let state = { parameters: row(start), first: row([0, 0, 0, 0]), second: row([0, 0, 0, 0]) };
      for (const [k, g] of gradients.entries()) {
        const { gradientNorm, ...next } = optimizer.step(state, row(g), k + 1, 0.05);
        expectClose(
          await gradientNorm.data(),
          [Math.hypot(...g)],
          { relative: 1e-6 },
          'norm before clipping',
        );
        state = next;
      }
      // three steps of at most 0.05 each, in float32
      expectClose(await state.parameters.data(), byHand(start, gradients, 0.05, settings), {
        absolute: 1e-6,
      });
    });
  }

  it('a zero gradient moves nothing, clipped or not', async () => {
    const zero = tf.zeros([1, 2]);
    const parameters = tf.tensor2d([[1, 2]]);
    for (const settings of [{}, { clipNorm: 1 }]) {
      const { parameters: after } = adam(settings).step(
        { parameters, first: zero, second: zero },
        zero,
        1,
        0.1,
      );
      expect(Array.from(await after.data())).toEqual([1, 2]);
    }
  });

  it('leaves nothing behind but its state', () => {
    const zero = tf.zeros([1, 2]);
    const before = tf.memory().numTensors;
    tf.dispose({
      ...adam({ clipNorm: 1 }).step({ parameters: zero, first: zero, second: zero }, zero, 1, 0.1),
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses rates that are none', () => {
    expect(() => adam({ beta1: 1 })).toThrow('adam: 1 − beta1 must be a positive finite number, got 0.');
    expect(() => adam({ epsilon: 0 })).toThrow('adam: epsilon must be a positive finite number, got 0.');
    expect(() => adam({ clipNorm: -1 })).toThrow('adam: clipNorm must be a positive finite number, got -1.');
  });
});
