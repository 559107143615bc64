/**
 * What holds across backends: the same key gives the same samples on each, and a batch can be cut anywhere.
 */
import { key, normal, useBackend } from '@diff/core';
import '@diff/backend-simd';
import { ddpm, dpmSolver, eulerMaruyama, heun, type Sampler, sample } from '@diff/samplers';
import { gaussianMixture, mlp, precondition, type ScoreModel } from '@diff/score';
import { edm, karrasGrid, logSnrGrid, variancePreserving } from '@diff/sde';
import { expectClose, expectSameBits } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';

/** The digits' network with random weights, its last layer included, so that every product counts. */
function network(): ScoreModel {
  const net = mlp({ eventShape: [64], width: 256, blocks: 3, classes: 10, key: key(1) });
  tf.tidy(() => net.variables['output.kernel']!.assign(tf.mul(0.05, normal(key(2), [256, 64]))));
  return precondition({ network: net, process: edm(), sigmaData: 0.5 });
}

function mixture(): ScoreModel {
  const means = Array.from({ length: 8 }, (_, k) => [
    Math.cos((k * Math.PI) / 4),
    Math.sin((k * Math.PI) / 4),
  ]);
  return gaussianMixture({ process: variancePreserving(), means, variance: 0.01 });
}

interface Case {
  readonly model: () => ScoreModel;
  readonly d: number;
  readonly grid: (model: ScoreModel) => readonly number[];
  readonly sampler: () => Sampler;
  readonly labelled: boolean;
}

const cases: readonly (readonly [string, Case])[] = [
  [
    'Heun on a network',
    {
      model: network,
      d: 64,
      grid: ({ process }) => karrasGrid({ process, steps: 4, end: 0 }),
      sampler: heun,
      labelled: true,
    },
  ],
  [
    'DDPM on a network',
    {
      model: network,
      d: 64,
      grid: ({ process }) => karrasGrid({ process, steps: 4, end: 0 }),
      sampler: ddpm,
      labelled: true,
    },
  ],
  [
    'DPM-Solver++(2M) on a mixture',
    {
      model: mixture,
      d: 2,
      grid: ({ process }) => logSnrGrid({ process, steps: 12, end: 1e-3 }),
      sampler: dpmSolver,
      labelled: false,
    },
  ],
  [
    'Euler–Maruyama on a mixture',
    {
      model: mixture,
      d: 2,
      grid: ({ process }) => logSnrGrid({ process, steps: 12, end: 1e-3 }),
      sampler: eulerMaruyama,
      labelled: false,
    },
  ],
];

async function drawn(
  model: ScoreModel,
  { d, grid, sampler, labelled }: Case,
  firstRow: number,
  n: number,
): Promise<Float32Array> {
  const condition = labelled
    ? tf.tensor1d(
        Int32Array.from({ length: n }, (_, i) => (firstRow + i) % 10),
        'int32',
      )
    : undefined;
  const x = await sample({
    model,
    sampler: sampler(),
    grid: grid(model),
    shape: [n, d],
    key: key(7),
    firstRow,
    condition,
  });
  const values = Float32Array.from(await x.data());
  tf.dispose([x, ...(condition ? [condition] : [])]);
  return values;
}

describe('a batch of 1,000 on simd', () => {
  it.each(cases)('%s: the same bits in 1, 7 and 1,000 pieces', { timeout: 120_000 }, async (_, given) => {
    await useBackend('simd');
    const model = given.model();
    const whole = await drawn(model, given, 0, 1000);
    const before = tf.memory().numTensors;
    for (const pieces of [7, 1000]) {
      const parts = new Float32Array(whole.length);
      for (let i = 0; i < pieces; i++) {
        const start = Math.floor((i * 1000) / pieces);
        const end = Math.floor(((i + 1) * 1000) / pieces);
        parts.set(await drawn(model, given, start, end - start), start * given.d);
      }
      expectSameBits(parts, whole, `${pieces} pieces`);
    }
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('cpu, wasm and simd', () => {
  it.each(cases)('%s: agree to 1e-4 of the data scale', { timeout: 120_000 }, async (_, given) => {
    const results: Float32Array[] = [];
    for (const backend of ['cpu', 'wasm', 'simd']) {
      await useBackend(backend);
      results.push(await drawn(given.model(), given, 0, 100));
    }
    const [cpu, ...others] = results;
    const scale = Math.sqrt(cpu!.reduce((sum, v) => sum + v * v, 0) / cpu!.length);
    for (const other of others) expectClose(other, cpu!, { absolute: 1e-4 * scale });
  });
});
