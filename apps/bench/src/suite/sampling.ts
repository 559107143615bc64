/** The sampling loops, and their growth with n, d and the number of steps. */
import type { BenchCase } from './bench-case.ts';
import { eightGaussians, perceptron } from './loop-scores.ts';
import { loopCase } from './sampling-loop.ts';

export const samplingCases: readonly BenchCase[] = [
  loopCase({
    id: 'loop/8-gaussians',
    title: '10⁴ points × 100 steps, exact score of 8 Gaussians',
    score: eightGaussians,
    n: 10_000,
    steps: 100,
    quick: true,
  }),
  loopCase({
    id: 'loop/mlp',
    title: '10⁴ points × 100 steps, score 2→128→128→128→2',
    score: perceptron,
    n: 10_000,
    steps: 100,
    quick: true,
  }),
  loopCase({
    id: 'loop/overhead',
    title: '100 points × 1000 steps, exact score of 8 Gaussians',
    score: eightGaussians,
    n: 100,
    steps: 1000,
    quick: true,
  }),
];

const BASE = { n: 10_000, d: 2, steps: 50 };

function curve(axis: 'n' | 'd' | 'steps', values: readonly number[]): BenchCase[] {
  return values.map((value) => {
    const [n, d, steps] = (['n', 'd', 'steps'] as const).map((a) => (a === axis ? value : BASE[a])) as [
      number,
      number,
      number,
    ];
    return loopCase({
      id: `growth/8-gaussians/${axis}=${value}`,
      title: `8 Gaussians, n = ${n}, d = ${d}, ${steps} steps`,
      score: eightGaussians,
      n,
      d,
      steps,
      curve: { curve: '8-Gaussian loop', axis, value },
    });
  });
}

function mlpCurve(values: readonly number[]): BenchCase[] {
  return values.map((n) =>
    loopCase({
      id: `growth/mlp/n=${n}`,
      title: `score 2→128→128→128→2, n = ${n}, 20 steps`,
      score: perceptron,
      n,
      steps: 20,
      curve: { curve: 'MLP loop', axis: 'n', value: n },
    }),
  );
}

export const growthCases: readonly BenchCase[] = [
  ...curve('n', [1000, 3000, 10_000, 30_000, 100_000]),
  ...curve('d', [2, 4, 8, 16, 32, 64]),
  ...curve('steps', [25, 50, 100, 200, 400]),
  ...mlpCurve([1000, 3000, 10_000, 30_000]),
];
