/**
 * _FusedMatMul: activation(A B + bias), bit for bit what the separate ops give.
 *
 * A bias of one row is added as the product is stored, any other by Add; the activation goes over the product in
 * place.
 */
import {
  _FusedMatMul,
  type _FusedMatMulAttrs,
  type _FusedMatMulInputs,
  type KernelConfig,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import type { SimdBackend } from '../backend.ts';
import { kernel } from '../kernel.ts';
import { size } from '../numeric.ts';
import { add, prelu } from './binary.ts';
import { multiply, type Product, productSizes } from './mat-mul.ts';
import { activations } from './unary.ts';

/** Is the bias one row, the same for every row of the product? */
function isRow(bias: TensorInfo, n: number): boolean {
  return bias.shape.at(-1) === n && size(bias.shape) === n;
}

function multiplyAndAdd(backend: SimdBackend, product: Product, bias: TensorInfo | undefined): TensorInfo {
  if (!bias) return multiply(backend, product);
  if (isRow(bias, productSizes(product).n)) return multiply(backend, { ...product, bias });
  const y = multiply(backend, product);
  const out = add(backend, y, bias);
  backend.discard(y);
  return out;
}

export const fusedMatMulConfig: KernelConfig = kernel<_FusedMatMulInputs, _FusedMatMulAttrs>(
  _FusedMatMul,
  ({ inputs: { a, b, bias, preluActivationWeights: alpha }, attrs, backend, args }) => {
    const { transposeA, transposeB, activation, leakyreluAlpha } = attrs;
    if (![a, b, bias, alpha].every((info) => !info || info.dtype === 'float32')) {
      return backend.fallback(_FusedMatMul, args);
    }
    const inPlace = activations[activation];
    if (inPlace) {
      const y = multiplyAndAdd(backend, { a, b, transposeA, transposeB }, bias);
      inPlace(backend, y, leakyreluAlpha ?? 0);
      return y;
    }
    if (activation !== 'prelu' || !alpha) return backend.fallback(_FusedMatMul, args);
    const y = multiplyAndAdd(backend, { a, b, transposeA, transposeB }, bias);
    const out = prelu(backend, y, alpha);
    backend.discard(y);
    return out;
  },
);
