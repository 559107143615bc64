/** CFG-Zero* and TCFG: values of independent linear algebra, and what defines the two parts. */
import {
  type Alignment,
  classifierFreeGuidance,
  conversion,
  defineModel,
  PREDICTION_KINDS,
  type PredictionKind,
  type ScoreModel,
} from '@diff/score';
import { flowMatching, type LinearProcess, ornsteinUhlenbeck } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const ou = ornsteinUhlenbeck({ theta: 1, mu: 0.5, sigma: 1.2, T: 4 });
const x = tf.tensor2d([
  [0.2, 0.1, -0.6, 1.1],
  [1.3, -0.4, 0.3, -0.2],
]);
const labels = tf.tensor1d([0, 0], 'int32');
const numbers = async (y: tf.Tensor | Promise<tf.Tensor>): Promise<number[]> =>
  Array.from(await (await y).data());
function close(actual: readonly number[], expected: readonly number[], room = 1e-5): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((a, i) => {
    expect(Math.abs(a - expected[i]!), `[${i}]: ${a} for ${expected[i]}`).toBeLessThan(
      room * (1 + Math.abs(expected[i]!)),
    );
  });
}

type Rows = readonly (readonly number[])[];

/** u = x·X + p·P + constant of a prediction P: ε̂ − x̂0, or ε̂. */
function inTermsOf(process: LinearProcess, t: number, kind: PredictionKind, align: Alignment) {
  const noise = conversion(process, t, kind, 'noise');
  if (align === 'tangential') return noise;
  const data = conversion(process, t, kind, 'data');
  return { x: noise.x - data.x, p: noise.p - data.p, constant: noise.constant - data.constant };
}

/** A model whose u has these rows. */
const fixed = (process: LinearProcess, kind: PredictionKind, align: Alignment, rows: Rows): ScoreModel =>
  defineModel({
    process,
    kind,
    predict: async (state, t) => {
      const times = typeof t === 'number' ? rows.map(() => t) : Array.from(await t.data());
      const maps = times.map((time) => inTermsOf(process, time, kind, align));
      const column = (of: (map: (typeof maps)[number]) => number) => tf.tensor2d(maps.map((m) => [of(m)]));
      const rest = tf.add(
        tf.mul(
          state,
          column((m) => m.x),
        ),
        column((m) => m.constant),
      );
      return tf.div(
        tf.sub(tf.tensor2d(rows as number[][]), rest),
        column((m) => m.p),
      );
    },
  });

/** u of a prediction. */
async function reached(
  process: LinearProcess,
  t: number | readonly number[],
  kind: PredictionKind,
  align: Alignment,
  prediction: tf.Tensor,
): Promise<number[]> {
  const [p, state] = [await numbers(prediction), await numbers(x)];
  return p.map((v, i) => {
    const time = typeof t === 'number' ? t : t[Math.floor(i / 4)]!;
    const map = inTermsOf(process, time, kind, align);
    return map.x * state[i]! + map.p * v + map.constant;
  });
}

const given = [
  [0.5, -1.25, 2, 0.75],
  [1, 0, -0.5, 0.25],
];
const free = [
  [0.25, -1, 1.5, 1.25],
  [-0.5, 0.75, 1, -2],
];
/**
 * torch 1.13, float64, scale 3 = 1 + w. TCFG: U, S, V = linalg.svd(stack([c, u], 1)), then u' = u V₁ᵀ V₁ and
 * u' + 3 (c − u'). CFG-Zero*: s = Σ c u/Σ u², then s u + 3 (c − s u).
 */
const recorded: Readonly<Record<Alignment, Rows>> = {
  tangential: [
    [0.7898570024077957, -1.6520638601755642, 2.7293231485059497, 0.432101996642533],
    [4.470725343394151, -1.3740377207533832, -3.6094003924504587, 4.552775637731994],
  ],
  zeroStar: [
    [0.9551282051282051, -1.5705128205128207, 2.730769230769231, -0.474358974358974],
    [2.7419354838709675, 0.3870967741935483, -0.9838709677419355, -0.282258064516129],
  ],
};

describe.each(['tangential', 'zeroStar'] as const)('%s', (align) => {
  describe.each([
    ['ou', ou],
    ['flow', flowMatching()],
  ] as const)('of %s', (_name, process) => {
    test.each(PREDICTION_KINDS)('is what torch finds, whatever the model predicts: %s', async (kind) => {
      const guided = classifierFreeGuidance({
        conditional: fixed(process, kind, align, given),
        unconditional: fixed(process, kind, align, free),
        weight: 2,
        align,
      });
      expect(guided.kind).toBe(kind);
      const one = await guided.predict(x, 0.4, labels);
      close(await reached(process, 0.4, kind, align, one), recorded[align].flat(), 3e-5);
      const times = [0.7, 0.2];
      const each = await guided.predict(x, tf.tensor1d(times), labels);
      close(await reached(process, times, kind, align, each), recorded[align].flat(), 1e-4);
    });
  });

  const row = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 4, maxLength: 4 });
  const norm = (v: readonly number[]): number => Math.hypot(...v);
  const dot = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, v, i) => sum + v * b[i]!, 0);

  test('the part is the best of its kind, for any two predictions', async () => {
    await fc.assert(
      fc.asyncProperty(row, row, async (c, u) => {
        fc.pre(norm(c) > 0.3 && norm(u) > 0.3);
        const kind = align === 'tangential' ? 'noise' : 'data';
        const one = tf.slice(x, [0, 0], [1, 4]);
        const process = flowMatching();
        const guided = classifierFreeGuidance({
          conditional: fixed(process, kind, align, [c]),
          unconditional: fixed(process, kind, align, [u]),
          weight: 1,
          align,
        });
        const label = tf.tensor1d([0], 'int32');
        const reach = await reached(process, 0.4, kind, align, await guided.predict(one, 0.4, label));
        const part = c.map((v, i) => 2 * v - reach[i]!);
        if (align === 'zeroStar') {
          // The rest is orthogonal to u_∅, and the part along it.
          const rest = c.map((v, i) => v - part[i]!);
          expect(Math.abs(dot(rest, u))).toBeLessThan(1e-4 * norm(c) * norm(u));
          expect(Math.abs(norm(part) * norm(u) - Math.abs(dot(part, u)))).toBeLessThan(
            1e-4 * norm(c) * norm(u),
          );
          return;
        }
        // Predictions of one length at a right angle have no leading direction.
        fc.pre(Math.hypot(norm(c) ** 2 - norm(u) ** 2, 2 * dot(c, u)) > 0.1);
        // The best direction of the plane, by trying them all.
        const along = (a: number): number[] => {
          const other = u.map((v, i) => v / norm(u) - (dot(u, c) / (norm(u) * norm(c) ** 2)) * c[i]!);
          const size = norm(other) < 1e-6 ? Number.POSITIVE_INFINITY : norm(other); // one line only
          return c.map((v, i) => (Math.cos(a) * v) / norm(c) + (Math.sin(a) * other[i]!) / size);
        };
        const energy = (v: readonly number[]): number => dot(v, c) ** 2 + dot(v, u) ** 2;
        let best = 0;
        for (let k = 0; k < 720; k++) best = Math.max(best, energy(along((k * Math.PI) / 720)));
        const size = norm(part);
        fc.pre(size > 0.05);
        expect(energy(part.map((v) => v / size))).toBeGreaterThan(best * (1 - 1e-4));
        const leading = part.map((v) => v / size);
        close([dot(leading, u)], [size], 1e-3);
      }),
      { numRuns: 60 },
    );
  });

  test('predictions that agree but for length leave nothing to guide away from, or all but that', async () => {
    const process = flowMatching();
    const guided = classifierFreeGuidance({
      conditional: fixed(process, 'noise', align, given),
      unconditional: fixed(
        process,
        'noise',
        align,
        given.map((r) => r.map((v) => 0.5 * v)),
      ),
      weight: 4,
      align,
    });
    const reach = await reached(process, 0.4, 'noise', align, await guided.predict(x, 0.4, labels));
    const factor = align === 'zeroStar' ? 1 : 1 + 4 * 0.5;
    close(
      reach,
      given.flat().map((v) => factor * v),
      3e-5,
    );
  });

  test('predictions of zero are no direction, and come out finite', async () => {
    const zeros = given.map((r) => r.map(() => 0));
    // Next to nothing still has a direction, which is why u_∅ = 0 is left to the noise that is exactly 0.
    const pairs: [Rows, Rows][] = [
      [zeros, free],
      [zeros, zeros],
    ];
    if (align === 'tangential') pairs.push([given, zeros]);
    for (const [c, u] of pairs) {
      const guided = classifierFreeGuidance({
        conditional: fixed(ou, 'noise', align, c),
        unconditional: fixed(ou, 'noise', align, u),
        weight: 2,
        align,
      });
      const reach = await reached(ou, 0.4, 'noise', align, await guided.predict(x, 0.4, labels));
      const left = align === 'tangential' ? -2 : 0;
      close(
        reach,
        c.flatMap((r, i) => r.map((v, j) => (c === given ? 3 * v : left * u[i]![j]!))),
        1e-5,
      );
    }
  });

  test('with rescaling, and outside the interval', async () => {
    const options = {
      conditional: fixed(ou, 'noise', align, given),
      unconditional: fixed(ou, 'noise', align, free),
      weight: 2,
      align,
    };
    const spread = (y: tf.Tensor) => numbers(tf.moments(y, 1).variance);
    const before = tf.memory().numTensors;
    const scaled = await classifierFreeGuidance({ ...options, rescale: 1 }).predict(x, 0.4, labels);
    const plain = await options.conditional.predict(x, 0.4);
    close(await spread(scaled), await spread(plain), 1e-5);
    const off = classifierFreeGuidance({ ...options, interval: { upTo: 0.01 } });
    expect(await numbers(off.predict(x, 0.4, labels))).toEqual(await numbers(plain));
    expect(before).toBeGreaterThan(0);
  });
});

test('pure noise and unknown names are refused in words', async () => {
  const model = defineModel({ process: flowMatching(), kind: 'data', predict: (s) => tf.mul(s, 0.5) });
  const options = { conditional: model, unconditional: model, weight: 1 };
  const tangential = classifierFreeGuidance({ ...options, align: 'tangential' });
  await expect(tangential.predict(x, 1, labels)).rejects.toThrow(
    'conversion: data from noise needs alpha(t) > 0, got alpha = 0, sigma = 1 at t = 1.',
  );
  // The flow's velocity is known there.
  const zeroStar = classifierFreeGuidance({ ...options, align: 'zeroStar' });
  close(await numbers(zeroStar.predict(x, 1, labels)), await numbers(tf.mul(x, 0.5)));
  expect(() => classifierFreeGuidance({ ...options, align: 'best' as never })).toThrow(
    'classifierFreeGuidance: align must be one of',
  );
});

test('no tensor is left behind, also when a time is refused', async () => {
  const itself = defineModel({ process: flowMatching(), kind: 'data', predict: (state) => state });
  const t = tf.tensor1d([0.2, 0.7]);
  const before = tf.memory().numTensors;
  for (const align of ['zeroStar', 'tangential'] as const) {
    const guided = classifierFreeGuidance({ conditional: itself, unconditional: itself, weight: 1, align });
    for (const time of [0.5, t]) (await guided.predict(x, time, labels)).dispose();
    await expect(guided.predict(x, 0, labels)).rejects.toThrow('sigma(t) > 0');
  }
  expect(tf.memory().numTensors).toBe(before);
});
