/**
 * DiffSoftmaxMean: posterior mean and log-density of an isotropic Gaussian mixture under noise, streaming over the
 * components (see `softmaxMean` in @diff/core and assembly/softmax-mean.ts).
 *
 * A row depends on nothing but itself, bit for bit. Accuracy: the exponents ℓ are float32 sums of float32 squares, so
 * log-densities and means carry a relative error of a few u·(1 + max |ℓ|), u = 2⁻²⁴, over the components that matter.
 * Where no component has weight, the log-density is −∞ and the mean NaN.
 */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel.ts';
import { COUNT, each } from '../parallel.ts';
import { floatPointer } from './float-pointer.ts';

interface SoftmaxMeanInputs {
  readonly x: TensorInfo;
  readonly centres: TensorInfo;
  readonly logWeights: TensorInfo;
  readonly variance?: TensorInfo;
  readonly noiseVariance?: TensorInfo;
  readonly values?: TensorInfo;
}

interface SoftmaxMeanAttrs {
  readonly variance: number | null;
  readonly noiseVariance: number | null;
  readonly blend: readonly [x: number, mean: number] | null;
}

export const diffSoftmaxMeanConfig: KernelConfig = kernel<SoftmaxMeanInputs, SoftmaxMeanAttrs>(
  'DiffSoftmaxMean',
  ({ inputs, attrs, backend }) => {
    const [n, d] = inputs.x.shape as [number, number];
    const count = inputs.centres.shape[0]!;
    // The inputs come as an array with names: `inputs.values` alone would be a method of arrays.
    const values = Object.hasOwn(inputs, 'values') ? inputs.values : undefined;
    const m = values ? values.shape[1]! : d;
    const mean = backend.output([n, m], 'float32');
    const logDensity = backend.output([n], 'float32');
    const at = (info: TensorInfo | undefined): number => (info ? floatPointer(backend, info) : 0);
    const noiseVariance = at(inputs.noiseVariance);
    const range = { items: n, cost: count * (0.5 + 0.15 * (d + m)), multiple: 64 };
    backend.parallel('softmaxMean', range, [
      each(at(inputs.x), 4 * d),
      COUNT,
      d,
      at(inputs.centres),
      count,
      at(inputs.logWeights),
      at(inputs.variance),
      attrs.variance ?? 0,
      each(noiseVariance, noiseVariance === 0 ? 0 : 4),
      attrs.noiseVariance ?? 0,
      at(values),
      m,
      attrs.blend ? 1 : 0,
      attrs.blend?.[0] ?? 0,
      attrs.blend?.[1] ?? 1,
      each(backend.pointer(mean), 4 * m),
      each(backend.pointer(logDensity), 4),
      backend.scratchEach(backend.wasm.softmaxMeanScratch(d, m, count)),
    ]);
    return [mean, logDensity];
  },
);
