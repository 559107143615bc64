/** Identity, Reshape, ExpandDims: the same elements, nothing copied. */
import {
  ExpandDims,
  type ExpandDimsAttrs,
  type ExpandDimsInputs,
  Identity,
  type IdentityInputs,
  type KernelConfig,
  Reshape,
  type ReshapeAttrs,
  type ReshapeInputs,
  util,
} from '@tensorflow/tfjs-core';
import { kernel } from '../kernel.ts';
import { size } from '../numeric.ts';

export const identityConfig: KernelConfig = kernel<IdentityInputs>(Identity, ({ inputs: { x }, backend }) =>
  backend.alias(x, x.shape),
);

export const reshapeConfig: KernelConfig = kernel<ReshapeInputs, ReshapeAttrs>(
  Reshape,
  ({ inputs: { x }, attrs, backend, args }) => {
    // The two parts of a complex tensor carry a shape of their own.
    if (x.dtype === 'complex64') return backend.fallback(Reshape, args);
    const n = size(x.shape);
    const shape = util.inferFromImplicitShape(attrs.shape, n);
    util.assert(
      n === size(shape),
      () => `reshape: [${shape}] must have as many elements as [${x.shape}], which has ${n}.`,
    );
    return backend.alias(x, shape);
  },
);

export const expandDimsConfig: KernelConfig = kernel<ExpandDimsInputs, ExpandDimsAttrs>(
  ExpandDims,
  ({ inputs: { input }, attrs: { dim }, backend, args }) => {
    if (input.dtype === 'complex64') return backend.fallback(ExpandDims, args);
    const rank = input.shape.length;
    util.assert(
      dim >= -(rank + 1) && dim <= rank,
      () => `expandDims: axis must be in [${-(rank + 1)}, ${rank}], got ${dim}.`,
    );
    return backend.alias(input, input.shape.toSpliced(dim < 0 ? rank + dim + 1 : dim, 0, 1));
  },
);
