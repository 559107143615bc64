/**
 * Sampling loops through `sample()`: Euler–Maruyama on the reverse process of an exact or of a learned score.
 *
 * What is checked: 256 points of the probability flow from given starting points, element by element, and first and
 * second moments of points drawn with noise, whose generators differ. What is timed: the loop with noise.
 */
import { key } from '@diff/core';
import { eulerMaruyama, sample } from '@diff/samplers';
import type { ScoreModel } from '@diff/score';
import { type LinearProcess, uniformGrid } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import type { BenchCase, CurvePoint, Expected, HostTensor, Inputs } from './bench-case.ts';
import { normals, onBackend } from './host-numbers.ts';
import { COLUMNS, loopTable } from './loop-table.ts';

/** A score that can be evaluated by tfjs and, point by point, in float64. */
export interface LoopScore {
  /** Name of the peers' routine. */
  readonly op: string;
  readonly process: LinearProcess;
  readonly settings: BenchCase['settings'];
  inputs(d: number): Inputs;
  model(inputs: Inputs): { readonly model: ScoreModel; dispose(): void };
  /** Writes the score of `x` at the time with (α, σ²) into `out`. */
  exact(inputs: Inputs): (x: Float64Array, alpha: number, variance: number, out: Float64Array) => void;
  /** Floating-point operations per point and step; absent where they are not what counts. */
  readonly flops?: number;
}

export interface LoopOptions {
  readonly id: string;
  readonly title: string;
  readonly score: LoopScore;
  readonly n: number;
  readonly d?: number;
  readonly steps: number;
  readonly quick?: boolean;
  readonly curve?: CurvePoint;
}

const QUIET = { n: 256, steps: 20 };
const NOISY = { n: 1000, steps: 20 };

/** Runs the loop in float64. */
function follow(
  { score, inputs, d }: { readonly score: LoopScore; readonly inputs: Inputs; readonly d: number },
  start: HostTensor,
  table: HostTensor,
  noise: Float32Array | undefined,
): Float64Array {
  const n = start.shape[0]!;
  const evaluate = score.exact(inputs);
  const out = Float64Array.from(start.values);
  const s = new Float64Array(d);
  for (let step = 0; step < table.shape[0]!; step++) {
    const [a, b, c, alpha, variance] = table.values.subarray(step * COLUMNS);
    for (let i = 0; i < n; i++) {
      const x = out.subarray(i * d, (i + 1) * d);
      evaluate(x, alpha!, variance!, s);
      for (let j = 0; j < d; j++) {
        x[j] = a! * x[j]! + b! * s[j]! + (noise ? c! * noise[(step * n + i) * d + j]! : 0);
      }
    }
  }
  return out;
}

/** Mean of each coordinate and of its square, [2d]. */
function moments(x: ArrayLike<number>, d: number): { values: number[]; deviations: number[] } {
  const n = x.length / d;
  const of = (power: number): number[] =>
    Array.from({ length: d }, (_, j) => {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += x[i * d + j]! ** power / n;
      return sum;
    });
  const [first, second, fourth] = [of(1), of(2), of(4)];
  return {
    values: [...first, ...second],
    deviations: [
      ...first.map((m, j) => Math.sqrt((second[j]! - m * m) / n)),
      ...second.map((m, j) => Math.sqrt((fourth[j]! - m * m) / n)),
    ],
  };
}

export function loopCase(options: LoopOptions): BenchCase {
  const { id, title, score, n, d = 2, steps, quick = false, curve } = options;
  const { process } = score;
  const gridOf = (count: number): readonly number[] => uniformGrid({ process, steps: count, end: 0 });
  const inputs = (): Inputs => ({
    ...score.inputs(d),
    start: normals(11, [QUIET.n, d], process.prior.std),
    quiet: loopTable(process, gridOf(QUIET.steps), 0),
    noisy: loopTable(process, gridOf(NOISY.steps), 1),
    table: loopTable(process, gridOf(steps), 1),
  });
  return {
    id,
    group: curve ? 'growth' : 'sampling',
    title,
    op: score.op,
    settings: { ...score.settings, n, d, steps, checkRows: NOISY.n, prior: process.prior.std },
    work: { elements: n * d * steps, ...(score.flops && { flops: score.flops * n * steps }) },
    ...(curve && { curve }),
    quick,
    inputs,
    expected(given): Expected {
      const job = { score, inputs: given, d };
      const path = follow(job, given.start!, given.quiet!, undefined);
      const noise = normals(13, [NOISY.steps * NOISY.n * d]).values;
      const drawn = follow(job, normals(12, [NOISY.n, d], process.prior.std), given.noisy!, noise);
      const { values, deviations } = moments(drawn, d);
      return {
        values: [...path, ...values],
        // Both sides are samples: 6 standard deviations of their difference.
        absolute: [...Array.from(path, () => 2e-3), ...deviations.map((s) => 6 * Math.SQRT2 * s)],
        relative: 1e-3,
      };
    },
    prepare(given) {
      const { model, dispose } = score.model(given);
      const start = onBackend(given.start!);
      const draw = (rows: number, count: number): Promise<tf.Tensor> =>
        sample({ model, sampler: eulerMaruyama(), grid: gridOf(count), shape: [rows, d], key: key(5) });
      return {
        run: () => draw(n, steps),
        async check() {
          const path = await sample({
            model,
            sampler: eulerMaruyama({ noiseLevel: 0 }),
            grid: gridOf(QUIET.steps),
            shape: [QUIET.n, d],
            key: key(5),
            initial: start,
          });
          const drawn = await draw(NOISY.n, NOISY.steps);
          const { values } = moments(await drawn.data(), d);
          const result = tf.tidy(() => tf.concat([tf.reshape(path, [-1]), tf.tensor1d(values)]));
          tf.dispose([path, drawn]);
          return result;
        },
        dispose() {
          start.dispose();
          dispose();
        },
      };
    },
  };
}
