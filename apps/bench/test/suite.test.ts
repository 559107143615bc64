/** The cases as such: their names, what they may import, and that tfjs and the peers give the expected results. */
import { readdirSync, readFileSync } from 'node:fs';
import { useBackend } from '@diff/core';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { CONTESTANTS } from '../src/node/contestants.ts';
import { onnxContestant } from '../src/peers/onnx.ts';
import { FLOPS_A_TURN, peakContestant, peakModule } from '../src/peers/peak.ts';
import type { BenchCase } from '../src/suite/bench-case.ts';
import { disagreement } from '../src/suite/digest.ts';
import { eightGaussians, perceptron } from '../src/suite/loop-scores.ts';
import { loopCase } from '../src/suite/sampling-loop.ts';
import { CannotRun, type Contestant, createSession } from '../src/suite/session.ts';
import { CASES, caseOf } from '../src/suite/suite.ts';
import { asCannot, tfjsContestant } from '../src/suite/tfjs-contestant.ts';
import { TARGETS } from '../src/targets/judge-targets.ts';

const folder = new URL('../src/suite/', import.meta.url);

describe('the suite', () => {
  it('has a unique id for each case, and finds it', () => {
    expect(new Set(CASES.map(({ id }) => id)).size).toBe(CASES.length);
    expect(caseOf('add/8').title).toBe('add, 8 elements');
    expect(() => caseOf('add/9')).toThrow("the id must be one of the suite's, got 'add/9'");
  });

  it('imports nothing that a browser does not have', () => {
    for (const file of readdirSync(folder)) {
      const source = readFileSync(new URL(file, folder), 'utf8');
      const imported = [...source.matchAll(/(?:from|import) '([^']+)'/g)].map((match) => match[1]!);
      for (const name of imported) expect(name, file).toMatch(/^(\.\/|@diff\/|@tensorflow\/tfjs-core$)/);
    }
  });

  it('has an answer or a tolerance for each case', () => {
    for (const { id, expected, tolerance } of CASES) {
      expect(expected !== undefined || tolerance !== undefined, id).toBe(true);
    }
  });

  it('has every case and contestant that the targets name', () => {
    const contestants = CONTESTANTS.map(({ id }) => id);
    for (const target of TARGETS) {
      expect(CASES.map(({ id }) => id)).toContain(target.case);
      expect(contestants).toContain(target.slower);
      expect(contestants).toContain(target.faster);
      expect(target.atLeast).toBeGreaterThan(0);
    }
  });
});

/** Two short loops, for contestants that would take long over the real ones. */
const shortLoops = [eightGaussians, perceptron].map((score) =>
  loopCase({ id: `short/${score.op}`, title: '', score, n: 50, steps: 5 }),
);
const quickCases = ['matmul/256x256x256/at', 'add/8', 'sum/axis0', 'sum/axis1', 'softmax/1000x1000'].map(
  caseOf,
);

async function verdict<R>(contestant: Contestant<R>, benchCase: BenchCase): Promise<string | undefined> {
  const session = createSession(contestant);
  const found = await session.prepare(benchCase);
  const wrong = disagreement(found, benchCase.expected!(benchCase.inputs()));
  if (!wrong) expect((await session.time(1, 2)).milliseconds).toBeGreaterThan(0);
  session.finish();
  return wrong;
}

describe('tfjs cpu', () => {
  beforeAll(async () => {
    await useBackend('cpu');
  });

  it.each([...quickCases, ...shortLoops].map((c) => [c.id, c] as const))('%s', async (_, benchCase) => {
    const before = tf.memory().numTensors;
    expect(await verdict(tfjsContestant(), benchCase)).toBeUndefined();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('computes loss and gradient of both networks without leaving a tensor behind', async () => {
    const before = tf.memory().numTensors;
    const session = createSession(tfjsContestant());
    const { elements } = await session.prepare(caseOf('train/mlp'));
    session.finish();
    expect(elements).toHaveLength(2);
    for (const value of elements) expect(value).toBeGreaterThan(0);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('finds a score that is off by 1 %', async () => {
    const benchCase = shortLoops[0]!;
    const shifted: BenchCase = {
      ...benchCase,
      prepare: (inputs, surroundings) => {
        const centres = { ...inputs.centres!, values: inputs.centres!.values.map((v) => 1.01 * v) };
        return benchCase.prepare({ ...inputs, centres }, surroundings);
      },
    };
    expect(await verdict(tfjsContestant(), shifted)).toContain('instead of');
  });

  it('calls a missing kernel what it is', () => {
    const error = new Error("Error: Kernel 'Conv2DBackpropFilter' not registered for backend 'wasm'");
    expect(asCannot(error)).toEqual(new CannotRun('Conv2DBackpropFilter is not implemented there'));
    expect(asCannot(error)).toBeInstanceOf(CannotRun);
    const other = new Error('boom');
    expect(asCannot(other)).toBe(other);
  });
});

describe('onnx', () => {
  it.each([
    'matmul/256x256x256',
    'matmul/256x256x256/at',
    'dense-silu/512x256x256',
    'add/8',
    'softmax/1000x1000',
  ])('%s', async (id) => {
    expect(await verdict(onnxContestant(), caseOf(id))).toBeUndefined();
  });

  it('follows the perceptron', async () => {
    expect(await verdict(onnxContestant(), shortLoops[1]!)).toBeUndefined();
  });

  it('says what it has no graph for', async () => {
    await expect(createSession(onnxContestant()).prepare(shortLoops[0]!)).rejects.toBeInstanceOf(CannotRun);
  });
});

describe('the yardstick', () => {
  it.each(['base', 'relaxed'] as const)('%s multiplies and adds as it says', async (build) => {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(peakModule(build)));
    const run = exports.run as (turns: number) => number;
    const chains = FLOPS_A_TURN / 8;
    const [a, b] = [Math.fround(0.999), Math.fround(0.001)];
    for (const turns of [1, 2, 100]) {
      let expected = 0;
      for (let c = 1; c <= chains; c++) {
        let acc = c / chains;
        for (let i = 0; i < turns; i++) acc = acc * a + b;
        expected += acc;
      }
      expect(run(turns)).toBeCloseTo(expected, 4);
    }
  });

  it('takes part in matrix products only', async () => {
    const session = createSession(peakContestant('base'));
    await expect(session.prepare(caseOf('add/8'))).rejects.toBeInstanceOf(CannotRun);
    await session.prepare(caseOf('matmul/512x256x256'));
  });
});
