/**
 * DiffPairwise: reductions over all pairs of rows of a function of their distance, streaming (see `pairwise…` in
 * @diff/core, assembly/pairwise.ts and assembly/nearest.ts).
 *
 * Distances come from differences; sums run in float64 over runs of eight float32 terms, so that 10⁵ terms lose
 * nothing. A row depends on nothing but itself, bit for bit. NaN is never near.
 */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel.ts';
import { BEGIN, COUNT, each } from '../parallel.ts';
import { floatPointer } from './float-pointer.ts';

interface PairwiseInputs {
  readonly x: TensorInfo;
  readonly y: TensorInfo;
  readonly potential?: TensorInfo;
  readonly weights?: TensorInfo;
}

interface PairwiseAttrs {
  readonly reduce: 'sumExp' | 'sumDistance' | 'logSumExp' | 'nearest';
  readonly scale: number;
  readonly k: number;
  readonly excludeDiagonal: boolean;
}

const SUMS = { sumExp: 0, sumDistance: 1, logSumExp: 2 } as const;

export const diffPairwiseConfig: KernelConfig = kernel<PairwiseInputs, PairwiseAttrs>(
  'DiffPairwise',
  ({ inputs, attrs: { reduce, scale, k, excludeDiagonal }, backend }) => {
    const { pairwiseNearestScratch, pairwiseSumScratch } = backend.wasm;
    const [n, d] = inputs.x.shape as [number, number];
    const m = inputs.y.shape[0]!;
    const range = { items: n, cost: m * (0.6 + 0.15 * d), multiple: 64 };
    if (reduce === 'nearest') {
      const distance = backend.output([n, k], 'float32');
      const index = backend.output([n, k], 'int32');
      const x = floatPointer(backend, inputs.x);
      const y = floatPointer(backend, inputs.y);
      const scratch = backend.scratchEach(pairwiseNearestScratch(d));
      const to = [each(backend.pointer(distance), 4 * k), each(backend.pointer(index), 4 * k)];
      const points = [each(x, 4 * d), COUNT, d, y, m];
      backend.parallel('pairwiseNearest', range, [...points, k, excludeDiagonal, ...to, scratch, BEGIN]);
      return [distance, index];
    }
    const factor: TensorInfo | undefined = reduce === 'logSumExp' ? inputs.potential : inputs.weights;
    const out = backend.output([n], 'float32');
    const x = floatPointer(backend, inputs.x);
    const y = floatPointer(backend, inputs.y);
    const weights = factor ? floatPointer(backend, factor) : 0;
    const scratch = backend.scratchEach(pairwiseSumScratch(d));
    const to = each(backend.pointer(out), 4);
    const points = [each(x, 4 * d), COUNT, d, y, m, weights];
    backend.parallel('pairwiseSum', range, [
      SUMS[reduce],
      ...points,
      scale,
      excludeDiagonal,
      to,
      scratch,
      BEGIN,
    ]);
    return out;
  },
);
