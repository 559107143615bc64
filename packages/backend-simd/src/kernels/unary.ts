/**
 * Functions of each element, float32, on assembly/unary.ts (formulas and accuracy in assembly/unary-*.ts):
 *
 * - correctly rounded: Sqrt, Square, Neg, Abs, Reciprocal, Sign, Floor, Ceil, Round (half to even), Step, Relu,
 *   Relu6, LeakyRelu, ClipByValue
 * - at most 1 ulp: Exp, Log; 2 ulp: Rsqrt, Expm1, Log1p, Elu; 3 ulp: Sigmoid, Softplus; 6 ulp: Tanh; 8 ulp: Erf
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
import type { WasmExports } from '../generated/wasm-exports.ts';
import { kernel } from '../kernel.ts';
import { size } from '../numeric.ts';

/** A function over n elements; `out` may be `x`. Both are whole blocks of the heap: it goes in steps of 32 bytes. */
type Elementwise = (x: number, out: number, n: number) => void;

const plain: Readonly<Record<string, (wasm: WasmExports) => Elementwise>> = {
  [Abs]: (wasm) => wasm.abs,
  [Ceil]: (wasm) => wasm.ceil,
  [Cos]: (wasm) => wasm.cos,
  [Elu]: (wasm) => wasm.elu,
  [Erf]: (wasm) => wasm.erf,
  [Exp]: (wasm) => wasm.exp,
  [Expm1]: (wasm) => wasm.expm1,
  [Floor]: (wasm) => wasm.floor,
  [Log]: (wasm) => wasm.log,
  [Log1p]: (wasm) => wasm.log1p,
  [Neg]: (wasm) => wasm.neg,
  [Reciprocal]: (wasm) => wasm.reciprocal,
  [Relu]: (wasm) => wasm.relu,
  [Relu6]: (wasm) => wasm.relu6,
  [Round]: (wasm) => wasm.round,
  [Rsqrt]: (wasm) => wasm.rsqrt,
  [Sigmoid]: (wasm) => wasm.sigmoid,
  [Sign]: (wasm) => wasm.sign,
  [Sin]: (wasm) => wasm.sin,
  [Softplus]: (wasm) => wasm.softplus,
  [Sqrt]: (wasm) => wasm.sqrt,
  [Square]: (wasm) => wasm.square,
  [Tanh]: (wasm) => wasm.tanh,
};

function elementwise(backend: SimdBackend, x: TensorInfo, run: Elementwise): TensorInfo {
  const out = backend.output(x.shape, 'float32');
  run(backend.pointer(x), backend.pointer(out), size(x.shape));
  return out;
}

export const unaryConfigs: readonly KernelConfig[] = [
  ...Object.entries(plain).map(([name, select]) =>
    kernel<UnaryInputs>(name, ({ inputs: { x }, backend, args }) =>
      x.dtype === 'float32' ? elementwise(backend, x, select(backend.wasm)) : backend.fallback(name, args),
    ),
  ),
  kernel<LeakyReluInputs, LeakyReluAttrs>(LeakyRelu, ({ inputs: { x }, attrs: { alpha }, backend, args }) =>
    x.dtype === 'float32'
      ? elementwise(backend, x, (from, to, n) => backend.wasm.leakyRelu(from, to, n, alpha))
      : backend.fallback(LeakyRelu, args),
  ),
  kernel<StepInputs, StepAttrs>(Step, ({ inputs: { x }, attrs: { alpha }, backend, args }) =>
    x.dtype === 'float32'
      ? elementwise(backend, x, (from, to, n) => backend.wasm.step(from, to, n, alpha))
      : backend.fallback(Step, args),
  ),
  kernel<ClipByValueInputs, ClipByValueAttrs>(
    ClipByValue,
    ({ inputs: { x }, attrs: { clipValueMin, clipValueMax }, backend, args }) =>
      x.dtype === 'float32'
        ? elementwise(backend, x, (from, to, n) => backend.wasm.clip(from, to, n, clipValueMin, clipValueMax))
        : backend.fallback(ClipByValue, args),
  ),
];

/** The activations of fused kernels, over a tensor in place. */
export const activations: Readonly<Record<string, (wasm: WasmExports, alpha: number) => Elementwise>> = {
  linear: () => () => {},
  relu: (wasm) => wasm.relu,
  relu6: (wasm) => wasm.relu6,
  elu: (wasm) => wasm.elu,
  sigmoid: (wasm) => wasm.sigmoid,
  leakyrelu: (wasm, alpha) => (x, out, n) => wasm.leakyRelu(x, out, n, alpha),
};
