/**
 * FusedBatchNorm: (x − mean) · scale / √(variance + ε) + offset, with one number each for every channel (the last
 * axis). The factor is worked out in float64; float32, three roundings. Other shapes fall back.
 */
import {
  FusedBatchNorm,
  type FusedBatchNormAttrs,
  type FusedBatchNormInputs,
  type KernelConfig,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { kernel } from '../kernel.ts';
import { size } from '../numeric.ts';
import { COUNT, each } from '../parallel.ts';

export const batchNormConfig: KernelConfig = kernel<FusedBatchNormInputs, FusedBatchNormAttrs>(
  FusedBatchNorm,
  ({ inputs, attrs, backend, args }) => {
    const { x, mean, variance } = inputs;
    const scale: TensorInfo | undefined = inputs.scale;
    const offset: TensorInfo | undefined = inputs.offset;
    const channels = x.shape.at(-1) ?? 0;
    const fits = (info: TensorInfo | undefined): boolean =>
      !info || (info.dtype === 'float32' && size(info.shape) === channels && info.shape.at(-1) === channels);
    if (x.dtype !== 'float32' || ![mean, variance, scale, offset].every(fits))
      return backend.fallback(FusedBatchNorm, args);
    const out = backend.output(x.shape, 'float32');
    const n = size(x.shape);
    if (n === 0) return out;
    // As many channels as fill whole vectors.
    const period = channels * (channels % 4 === 0 ? 1 : channels % 2 === 0 ? 2 : 4);
    const address = backend.scratch(12 * period);
    const table = backend.heap.f32(address, 3 * period);
    const of = (info: TensorInfo): Float32Array => backend.heap.f32(backend.pointer(info), channels);
    const [means, variances] = [of(mean), of(variance)];
    const [scales, offsets] = [scale && of(scale), offset && of(offset)];
    const epsilon = attrs.varianceEpsilon ?? 0.001;
    for (let i = 0; i < period; i++) {
      const c = i % channels;
      table[i] = means[c]!;
      table[period + i] = (scales ? scales[c]! : 1) / Math.sqrt(variances[c]! + epsilon);
      table[2 * period + i] = offsets ? offsets[c]! : 0;
    }
    const range = { items: n, cost: 0.5, multiple: 16 * period };
    const [from, to] = [each(backend.pointer(x), 4), each(backend.pointer(out), 4)];
    backend.parallel('normalize', range, [from, to, COUNT, address, period]);
    return out;
  },
);
