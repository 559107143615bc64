/** Distances between two sets of 10⁴ points of the plane. */
import { energyDistance, mmdSquared, nearestDistance, slicedWasserstein } from '@diff/metrics';
import * as tf from '@tensorflow/tfjs-core';
import type { BenchCase, Inputs } from './bench-case.ts';
import { normals, onBackend } from './host-numbers.ts';

const [N, D, PROJECTIONS] = [10_000, 2, 64];
const BANDWIDTH = 1;

function inputs(): Inputs {
  const directions = normals(3, [PROJECTIONS, D]).values;
  for (let p = 0; p < PROJECTIONS; p++) {
    const row = directions.subarray(p * D, (p + 1) * D);
    const length = Math.hypot(...row);
    for (let j = 0; j < D; j++) row[j]! /= length;
  }
  return {
    x: normals(1, [N, D]),
    y: normals(2, [N, D], 1.2),
    directions: { shape: [PROJECTIONS, D], values: directions },
  };
}

type Points = Float32Array;

const squared = (x: Points, i: number, y: Points, k: number): number =>
  (x[2 * i]! - y[2 * k]!) ** 2 + (x[2 * i + 1]! - y[2 * k + 1]!) ** 2;

/** Mean over all pairs of a function of their squared distance. */
function pairMean(x: Points, y: Points, f: (squared: number) => number): number {
  let sum = 0;
  for (let i = 0; i < N; i++) for (let k = 0; k < N; k++) sum += f(squared(x, i, y, k));
  return sum / (N * N);
}

interface Metric {
  readonly id: string;
  readonly title: string;
  readonly op: string;
  /** Absolute error allowed; the values are differences of means of order 1, summed in float32. */
  readonly absolute: number;
  exact(inputs: Inputs): number;
  measure(x: tf.Tensor, y: tf.Tensor, directions: tf.Tensor): Promise<{ readonly value: number }>;
}

const METRICS: readonly Metric[] = [
  {
    id: 'energy-distance',
    title: 'energy distance',
    op: 'energyDistance',
    absolute: 1e-4,
    exact({ x, y }) {
      const [a, b] = [x!.values, y!.values];
      return 2 * pairMean(a, b, Math.sqrt) - pairMean(a, a, Math.sqrt) - pairMean(b, b, Math.sqrt);
    },
    measure: (x, y) => energyDistance(x, y),
  },
  {
    id: 'mmd',
    title: 'MMD², Gaussian kernel',
    op: 'mmdSquared',
    absolute: 1e-4,
    exact({ x, y }) {
      const kernel = (s: number): number => Math.exp(-s / (2 * BANDWIDTH ** 2));
      const [a, b] = [x!.values, y!.values];
      return pairMean(a, a, kernel) + pairMean(b, b, kernel) - 2 * pairMean(a, b, kernel);
    },
    measure: (x, y) => mmdSquared(x, y, { bandwidth: BANDWIDTH }),
  },
  {
    id: 'nearest',
    title: 'median distance to the nearest neighbour',
    op: 'nearestDistance',
    absolute: 1e-5,
    exact({ x, y }) {
      const nearest = Float64Array.from({ length: N }, (_, i) => {
        let least = Number.POSITIVE_INFINITY;
        for (let k = 0; k < N; k++) least = Math.min(least, squared(x!.values, i, y!.values, k));
        return Math.sqrt(least);
      }).sort();
      return (nearest[N / 2 - 1]! + nearest[N / 2]!) / 2;
    },
    measure: (x, y) => nearestDistance(x, y),
  },
  {
    id: 'sliced-w2',
    title: `sliced W₂, ${PROJECTIONS} directions`,
    op: 'slicedWasserstein',
    absolute: 1e-4,
    exact({ x, y, directions }) {
      const projected = (points: Points, p: number): Float64Array => {
        const [u, v] = directions!.values.subarray(2 * p);
        return Float64Array.from(
          { length: N },
          (_, i) => points[2 * i]! * u! + points[2 * i + 1]! * v!,
        ).sort();
      };
      let mean = 0;
      for (let p = 0; p < PROJECTIONS; p++) {
        const b = projected(y!.values, p);
        projected(x!.values, p).forEach((value, i) => {
          mean += (value - b[i]!) ** 2 / (N * PROJECTIONS);
        });
      }
      return Math.sqrt(mean);
    },
    measure: (x, y, directions) => slicedWasserstein(x, y, { projections: directions }),
  },
];

export const metricCases: readonly BenchCase[] = METRICS.map(
  ({ id, title, op, absolute, exact, measure }) => ({
    id: `metrics/${id}`,
    group: 'metrics',
    title: `${title}, 10⁴ points`,
    op,
    settings: { bandwidth: BANDWIDTH },
    work: { elements: op === 'slicedWasserstein' ? PROJECTIONS * N : N * N },
    quick: false,
    inputs,
    expected: (given) => ({ values: [exact(given)], absolute }),
    prepare(given) {
      const [x, y, directions] = [given.x!, given.y!, given.directions!].map(onBackend) as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
      ];
      const run = async (): Promise<tf.Tensor> => tf.tensor1d([(await measure(x, y, directions)).value]);
      return { run, dispose: () => tf.dispose([x, y, directions]) };
    },
  }),
);
