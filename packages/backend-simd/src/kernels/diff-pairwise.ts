/**
 * DiffPairwise: reductions over all pairs of rows of a function of their distance, streaming (see `pairwise…` in
 * @diff/core, assembly/pairwise.ts and assembly/nearest.ts).
 *
 * Distances come from differences; sums run in float64 over runs of eight float32 terms, so that 10⁵ terms lose
 * nothing. A row depends on nothing but itself, bit for bit. NaN is never near.
 */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel.ts';
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
    const { pairwiseNearest, pairwiseNearestScratch, pairwiseSum, pairwiseSumScratch } = backend.wasm;
    const [n, d] = inputs.x.shape as [number, number];
    const m = inputs.y.shape[0]!;
    if (reduce === 'nearest') {
      const distance = backend.output([n, k], 'float32');
      const index = backend.output([n, k], 'int32');
      const x = floatPointer(backend, inputs.x);
      const y = floatPointer(backend, inputs.y);
      const to = [backend.pointer(distance), backend.pointer(index)] as const;
      pairwiseNearest(x, n, d, y, m, k, excludeDiagonal, ...to, backend.scratch(pairwiseNearestScratch(d)));
      return [distance, index];
    }
    const factor: TensorInfo | undefined = reduce === 'logSumExp' ? inputs.potential : inputs.weights;
    const out = backend.output([n], 'float32');
    const x = floatPointer(backend, inputs.x);
    const y = floatPointer(backend, inputs.y);
    const weights = factor ? floatPointer(backend, factor) : 0;
    const scratch = backend.scratch(pairwiseSumScratch(d));
    const to = backend.pointer(out);
    pairwiseSum(SUMS[reduce], x, n, d, y, m, weights, scale, excludeDiagonal, to, scratch);
    return out;
  },
);
