/**
 * DiffAdam: one step of Adam on a row of weights, with clipping of the gradient's norm (see `adam` in @diff/score
 * and assembly/adam.ts). Two passes over the gradient, one over everything else; the norm is summed in float64.
 */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel.ts';
import { size } from '../numeric.ts';
import { COUNT, each } from '../parallel.ts';

interface AdamInputs {
  readonly parameters: TensorInfo;
  readonly first: TensorInfo;
  readonly second: TensorInfo;
  readonly gradient: TensorInfo;
}

interface AdamAttrs {
  readonly beta1: number;
  readonly beta2: number;
  /** Largest norm, or null. */
  readonly clipNorm: number | null;
  /** Factor of the old weights. */
  readonly decay: number;
  /** Factor of the direction, and ε, with the bias corrections in them. */
  readonly rate: number;
  readonly epsilon: number;
}

/** float32 [1, P] each; gives the new weights, both moments and the norm before clipping. */
export const diffAdamConfig: KernelConfig = kernel<AdamInputs, AdamAttrs>(
  'DiffAdam',
  ({ inputs: { parameters, first, second, gradient }, attrs, backend }) => {
    const { beta1, beta2, clipNorm, decay, rate, epsilon } = attrs;
    const n = size(gradient.shape);
    const outputs = [parameters, first, second].map(({ shape }) => backend.output(shape, 'float32'));
    const norm = backend.output([], 'float32');
    const [p, m, v, g] = [parameters, first, second, gradient].map((info) => backend.pointer(info)) as [
      number,
      number,
      number,
      number,
    ];
    const [outP, outM, outV] = outputs.map((info) => backend.pointer(info)) as [number, number, number];
    const length = Math.sqrt(backend.wasm.sumOfSquares(g, n));
    const scale = clipNorm === null || length <= clipNorm ? 1 : clipNorm / length;
    const constants = backend.scratch(28);
    backend.heap
      .f32(constants, 7)
      .set([scale * (1 - beta1), beta1, scale * scale * (1 - beta2), beta2, decay, rate, epsilon]);
    const rows = [p, m, v, g, outP, outM, outV].map((address) => each(address, 4));
    backend.parallel('adamStep', { items: n, cost: 1.2, multiple: 32 }, [...rows, COUNT, constants]);
    backend.heap.f32(backend.pointer(norm), 1)[0] = length;
    return [...outputs, norm];
  },
);
