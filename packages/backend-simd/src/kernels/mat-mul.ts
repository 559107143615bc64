/**
 * BatchMatMul: C = A B over the last two axes, either operand transposed, batch axes broadcast.
 *
 *   C[…, i, j] = Σ_p A[…, i, p] B[…, p, j]
 *
 * float32 on assembly/sgemm.ts; int32 falls back. A row of C has the same bits however the rows of A are cut into
 * calls. Accuracy: |error| ≤ (k + 1) u Σ_p |A B|, u = 2⁻²⁴, the bound of a plain float32 sum.
 */
import {
  BatchMatMul,
  type BatchMatMulAttrs,
  type BatchMatMulInputs,
  backend_util,
  type KernelConfig,
  type TensorInfo,
  util,
} from '@tensorflow/tfjs-core';
import type { SimdBackend } from '../backend.ts';
import { kernel } from '../kernel.ts';
import { sgemm, sgemmBatch } from '../sgemm.ts';

/** What to multiply, all float32: `bias` is a row of n elements, added to each row of the product. */
export interface Product {
  readonly a: TensorInfo;
  readonly b: TensorInfo;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly bias?: TensorInfo;
}

/** Sizes of one product of the batch: A is m × k and B k × n, once transposed as asked. */
export function productSizes({ a, b, transposeA, transposeB }: Product): { m: number; n: number; k: number } {
  const [rowsA, columnsA] = a.shape.slice(-2) as [number, number];
  const [rowsB, columnsB] = b.shape.slice(-2) as [number, number];
  const k = transposeA ? rowsA : columnsA;
  util.assert(
    k === (transposeB ? columnsB : rowsB),
    () =>
      `matMul: inner shapes must be equal, got [${a.shape}] and [${b.shape}] with transposeA=${transposeA} and ` +
      `transposeB=${transposeB}. Check the last two axes.`,
  );
  return { m: transposeA ? columnsA : rowsA, n: transposeB ? rowsB : columnsB, k };
}

/** The position in a batch of shape `from` that broadcasting to `to` puts at each position of `to`. */
function broadcastPositions(from: readonly number[], to: readonly number[]): number[] {
  let positions = [0];
  let stride = util.sizeFromShape(from as number[]);
  for (let axis = 0; axis < to.length; axis++) {
    const size = from[axis - (to.length - from.length)] ?? 1;
    stride /= size || 1;
    const step = size === 1 ? 0 : stride;
    positions = positions.flatMap((at) => Array.from({ length: to[axis]! }, (_, i) => at + i * step));
  }
  return positions;
}

/** A B + bias as a new tensor. */
export function multiply(backend: SimdBackend, product: Product): TensorInfo {
  const { a, b, transposeA, transposeB, bias } = product;
  const { m, n, k } = productSizes(product);
  const batchA = a.shape.slice(0, -2);
  const batchB = b.shape.slice(0, -2);
  const batch = backend_util.assertAndGetBroadcastShape(batchA, batchB);
  const out = backend.output([...batch, m, n], 'float32');
  const count = util.sizeFromShape(batch);
  if (count * m * n === 0) return out;

  const pa = backend.pointer(a);
  const pb = backend.pointer(b);
  const pc = backend.pointer(out);
  const pbias = bias ? backend.pointer(bias) : 0;
  if (count > 1 && !transposeA && util.sizeFromShape(batchB) === 1) {
    // One B for the whole batch: its rows are the rows of one long A.
    sgemm(backend, { a: pa, b: pb, c: pc, bias: pbias, m: count * m, n, k, transposeA, transposeB });
    return out;
  }
  const sizes = { m, n, k, transposeA, transposeB, bias: pbias };
  if (util.arraysEqual(batchA, batchB)) {
    sgemmBatch(backend, { ...sizes, a: pa, b: pb, c: pc }, count);
    return out;
  }
  const atA = broadcastPositions(batchA, batch);
  const atB = broadcastPositions(batchB, batch);
  for (let i = 0; i < count; i++) {
    const ai = pa + 4 * m * k * atA[i]!;
    const bi = pb + 4 * k * n * atB[i]!;
    sgemm(backend, { ...sizes, a: ai, b: bi, c: pc + 4 * m * n * i });
  }
  return out;
}

export const batchMatMulConfig: KernelConfig = kernel<BatchMatMulInputs, BatchMatMulAttrs>(
  BatchMatMul,
  ({ inputs: { a, b }, attrs: { transposeA, transposeB }, backend, args }) =>
    a.dtype === 'float32' && b.dtype === 'float32'
      ? multiply(backend, { a, b, transposeA, transposeB })
      : backend.fallback(BatchMatMul, args),
);
