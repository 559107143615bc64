/**
 * Functions of each element, float32, on assembly/unary.ts (formulas and accuracy in assembly/unary-*.ts):
 *
 * - correctly rounded: Sqrt, Square, Neg, Abs, Reciprocal, Sign, Floor, Ceil, Round (half to even), Step, Relu,
 *   Relu6, LeakyRelu, ClipByValue
 * - at most 1 ulp: Log, 1.1 ulp: Exp; 2 ulp: Rsqrt, Expm1, Log1p, Elu; 3 ulp: Sigmoid, Softplus; 6 ulp: Tanh; 8 ulp: Erf
 * - Sin, Cos: 2 ulp + 4e-15 |x| up to |x| = 8192, 1 ulp beyond
 *
 * NaN gives NaN (0 for Sign, as in tfjs's cpu backend). Other types fall back.
 */
import {
  Abs,
  Ceil,
  ClipByValue,
  type ClipByValueAttrs,
  type ClipByValueInputs,
  Cos,
  Elu,
  Erf,
  Exp,
  Expm1,
  Floor,
  type KernelConfig,
  LeakyRelu,
  type LeakyReluAttrs,
  type LeakyReluInputs,
  Log,
  Log1p,
  Neg,
  Reciprocal,
  Relu,
  Relu6,
  Round,
  Rsqrt,
  Sigmoid,
  Sign,
  Sin,
  Softplus,
  Sqrt,
  Square,
  Step,
  type StepAttrs,
  type StepInputs,
  Tanh,
  type TensorInfo,
  type UnaryInputs,
} from '@tensorflow/tfjs-core';
import type { SimdBackend } from '../backend.ts';
import { kernel } from '../kernel.ts';
import { size } from '../numeric.ts';
import { COUNT, each, type KernelName } from '../parallel.ts';

const plain = {
  [Abs]: 'abs',
  [Ceil]: 'ceil',
  [Cos]: 'cos',
  [Elu]: 'elu',
  [Erf]: 'erf',
  [Exp]: 'exp',
  [Expm1]: 'expm1',
  [Floor]: 'floor',
  [Log]: 'log',
  [Log1p]: 'log1p',
  [Neg]: 'neg',
  [Reciprocal]: 'reciprocal',
  [Relu]: 'relu',
  [Relu6]: 'relu6',
  [Round]: 'round',
  [Rsqrt]: 'rsqrt',
  [Sigmoid]: 'sigmoid',
  [Sign]: 'sign',
  [Sin]: 'sin',
  [Softplus]: 'softplus',
  [Sqrt]: 'sqrt',
  [Square]: 'square',
  [Tanh]: 'tanh',
} as const satisfies Readonly<Record<string, KernelName>>;

/**
 * n elements from x to out, which may be x. Both are whole blocks of the heap: the kernel goes in steps of 32 bytes, and
 * pieces begin at lines of the cache.
 */
function run(
  backend: SimdBackend,
  name: KernelName,
  x: number,
  out: number,
  n: number,
  ...parameters: readonly number[]
): void {
  backend.parallel(name, { items: n, cost: 0.6, multiple: 32 }, [
    each(x, 4),
    each(out, 4),
    COUNT,
    ...parameters,
  ]);
}

function elementwise(
  backend: SimdBackend,
  x: TensorInfo,
  name: KernelName,
  ...parameters: readonly number[]
): TensorInfo {
  const out = backend.output(x.shape, 'float32');
  run(backend, name, backend.pointer(x), backend.pointer(out), size(x.shape), ...parameters);
  return out;
}

export const unaryConfigs: readonly KernelConfig[] = [
  ...Object.entries(plain).map(([name, method]) =>
    kernel<UnaryInputs>(name, ({ inputs: { x }, backend, args }) =>
      x.dtype === 'float32' ? elementwise(backend, x, method) : backend.fallback(name, args),
    ),
  ),
  kernel<LeakyReluInputs, LeakyReluAttrs>(LeakyRelu, ({ inputs: { x }, attrs: { alpha }, backend, args }) =>
    x.dtype === 'float32' ? elementwise(backend, x, 'leakyRelu', alpha) : backend.fallback(LeakyRelu, args),
  ),
  kernel<StepInputs, StepAttrs>(Step, ({ inputs: { x }, attrs: { alpha }, backend, args }) =>
    x.dtype === 'float32' ? elementwise(backend, x, 'step', alpha) : backend.fallback(Step, args),
  ),
  kernel<ClipByValueInputs, ClipByValueAttrs>(
    ClipByValue,
    ({ inputs: { x }, attrs: { clipValueMin, clipValueMax }, backend, args }) =>
      x.dtype === 'float32'
        ? elementwise(backend, x, 'clip', clipValueMin, clipValueMax)
        : backend.fallback(ClipByValue, args),
  ),
];

/** Applies a function to all elements of y, in place. */
type Activation = (backend: SimdBackend, y: TensorInfo, alpha: number) => void;

function activation(name: KernelName): Activation {
  return (backend, y) => run(backend, name, backend.pointer(y), backend.pointer(y), size(y.shape));
}

/** The activations of fused kernels. */
export const activations: Readonly<Record<string, Activation>> = {
  linear: () => {},
  relu: activation('relu'),
  relu6: activation('relu6'),
  elu: activation('elu'),
  sigmoid: activation('sigmoid'),
  leakyrelu: (backend, y, alpha) =>
    run(backend, 'leakyRelu', backend.pointer(y), backend.pointer(y), size(y.shape), alpha),
};
