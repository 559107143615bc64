/**
 * The matrix product of assembly/sgemm.ts on all threads: C = A B + bias, cut along the rows of A, or along the batch.
 *
 * Where B is large, its panels are packed first, by all threads, and shared; else each piece packs its own.
 */
import type { SimdBackend } from './backend.ts';
import { BEGIN, COUNT, END, each } from './parallel.ts';

/** Addresses and sizes: A is m × k, B k × n, once transposed as asked; bias n elements, or 0 for none. */
export interface Gemm {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly bias: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** Nanoseconds for a multiply-add. */
export const MULTIPLY_ADD = 0.04;
/** Elements of B from which on it is packed once for all pieces: packing this many takes 2 µs, as calling others does. */
const SHARE = 8_000;
/** Nanoseconds for packing an element; more than it takes, since others are needed for what follows anyway. */
const PACK = 1;
/** Rows of whole tiles in both builds. */
const ROWS = 6;

export function sgemm(backend: SimdBackend, product: Gemm): void {
  // Its working memory is free again for the next of many products.
  backend.guarded(() => multiply(backend, product));
}

function multiply(backend: SimdBackend, product: Gemm): void {
  const { a, b, c, bias, m, n, k, transposeA, transposeB } = product;
  const { wasm } = backend;
  const rowOfA = each(a, transposeA ? 4 : 4 * k);
  const rowOfC = each(c, 4 * n);
  const range = { items: m, cost: n * k * MULTIPLY_ADD + n * 0.2, multiple: ROWS };
  const scratch = backend.scratchEach(wasm.sgemmScratch(m, n, k));
  const packedBytes =
    backend.threads() > 1 && m >= 8 * ROWS && k * n >= SHARE ? wasm.sgemmPackedBytes(n, k) : 0;
  if (packedBytes > 0) {
    const packed = backend.scratch(packedBytes);
    const panels = wasm.sgemmPanels(n);
    const packing = { items: panels, cost: (n / panels) * k * PACK };
    backend.parallel('sgemmPack', packing, [b, n, k, transposeB, packed, BEGIN, END]);
    const operands = [rowOfA, m, packed, rowOfC, bias];
    backend.parallel('sgemmPacked', range, [...operands, COUNT, n, k, transposeA, scratch]);
  } else {
    const operands = [rowOfA, m, b, rowOfC, bias];
    backend.parallel('sgemmRows', range, [...operands, COUNT, n, k, transposeA, transposeB, scratch]);
  }
}

/** `count` products, their operands one after another. */
export function sgemmBatch(backend: SimdBackend, product: Gemm, count: number): void {
  const { a, b, c, bias, m, n, k, transposeA, transposeB } = product;
  if (count < 2 * backend.threads()) {
    for (let i = 0; i < count; i++) {
      sgemm(backend, { ...product, a: a + 4 * i * m * k, b: b + 4 * i * k * n, c: c + 4 * i * m * n });
    }
    return;
  }
  const scratch = backend.scratchEach(backend.wasm.sgemmScratch(m, n, k));
  const operands = [
    each(a, 4 * m * k),
    4 * m * k,
    each(b, 4 * k * n),
    4 * k * n,
    each(c, 4 * m * n),
    bias,
  ] as const;
  const range = { items: count, cost: m * (n * k * MULTIPLY_ADD + n * 0.2) };
  backend.parallel('sgemmBatch', range, [...operands, COUNT, m, n, k, transposeA, transposeB, scratch]);
}
