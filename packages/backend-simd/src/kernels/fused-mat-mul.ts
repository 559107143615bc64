/**
 * _FusedMatMul: activation(A B + bias), bit for bit what the separate ops give.
 *
 * The bias is added as the product is stored when it is one row of n elements.
 */
import {
  _FusedMatMul,
  type _FusedMatMulAttrs,
  type _FusedMatMulInputs,
  type KernelConfig,
  type TensorInfo,
  util,
} from '@tensorflow/tfjs-core';
import { kernel } from '../kernel.ts';
import { multiply, productSizes } from './mat-mul.ts';

/** Is the bias one row, the same for every row of the product? */
function isRow(bias: TensorInfo, n: number): boolean {
  return bias.dtype === 'float32' && bias.shape.at(-1) === n && util.sizeFromShape(bias.shape) === n;
}

export const fusedMatMulConfig: KernelConfig = kernel<_FusedMatMulInputs, _FusedMatMulAttrs>(
  _FusedMatMul,
  ({ inputs: { a, b, bias }, attrs: { transposeA, transposeB, activation }, backend, args }) => {
    if (a.dtype !== 'float32' || b.dtype !== 'float32' || activation !== 'linear') {
      return backend.fallback(_FusedMatMul, args);
    }
    const product = { a, b, transposeA, transposeB };
    if (!bias) return multiply(backend, product);
    if (!isRow(bias, productSizes(product).n)) return backend.fallback(_FusedMatMul, args);
    return multiply(backend, { ...product, bias });
  },
);
