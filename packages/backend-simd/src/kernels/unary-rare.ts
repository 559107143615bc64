/**
 * Functions of each element on assembly/unary-rare.ts: Asin, Acos, Atan, Sinh, Cosh, Asinh, Acosh, Atanh (4 ulp),
 * Tan (5 ulp, and what the rounding of multiples of π/2 leaves), Selu (3 ulp); LogicalNot and IsInf. Other types
 * fall back.
 */
import {
  Acos,
  Acosh,
  Asin,
  Asinh,
  Atan,
  Atanh,
  Cosh,
  IsInf,
  type KernelConfig,
  LogicalNot,
  Selu,
  Sinh,
  Tan,
  type UnaryInputs,
} from '@tensorflow/tfjs-core';
import { kernel } from '../kernel.ts';
import { size } from '../numeric.ts';
import { COUNT, each } from '../parallel.ts';

/** In the order of the enum of assembly/unary-rare.ts. */
const functions = [Tan, Asin, Acos, Atan, Sinh, Cosh, Asinh, Acosh, Atanh, Selu];

export const rareUnaryConfigs: readonly KernelConfig[] = [
  ...functions.map((name, op) =>
    kernel<UnaryInputs>(name, ({ inputs: { x }, backend, args }) => {
      if (x.dtype !== 'float32') return backend.fallback(name, args);
      const out = backend.output(x.shape, 'float32');
      const [from, to] = [each(backend.pointer(x), 4), each(backend.pointer(out), 4)];
      backend.parallel('unaryRare', { items: size(x.shape), cost: 3, multiple: 32 }, [from, to, COUNT, op]);
      return out;
    }),
  ),
  kernel<UnaryInputs>(LogicalNot, ({ inputs: { x }, backend, args }) => {
    if (x.dtype !== 'bool') return backend.fallback(LogicalNot, args);
    const out = backend.output(x.shape, 'bool');
    backend.wasm.logicalNot(backend.pointer(x), backend.pointer(out), size(x.shape));
    return out;
  }),
  kernel<UnaryInputs>(IsInf, ({ inputs: { x }, backend, args }) => {
    if (x.dtype !== 'float32') return backend.fallback(IsInf, args);
    const out = backend.output(x.shape, 'bool');
    backend.wasm.infinite(backend.pointer(x), backend.pointer(out), size(x.shape));
    return out;
  }),
];
