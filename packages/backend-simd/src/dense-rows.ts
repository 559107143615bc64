/**
 * A layer of assembly/dense.ts on all threads: sum = Σ_t (x_t W_t + b_t) + addend, out = silu(sum), slope = silu′(sum).
 *
 * Each W is packed once; then blocks of rows go from the products to the activation while they are in the cache.
 */
import type { SimdBackend } from './backend.ts';
import { BEGIN, COUNT, END } from './parallel.ts';
import { MULTIPLY_ADD } from './sgemm.ts';

/** Addresses and sizes; 0 is the address of what is not there. */
export interface DenseRows {
  readonly m: number;
  readonly n: number;
  /** x is m × k, W k × n, the bias n elements. */
  readonly products: readonly {
    readonly x: number;
    readonly w: number;
    readonly bias: number;
    readonly k: number;
  }[];
  /** m × n. */
  readonly addend: number;
  /** Where the sum goes, m × n; may be 0 with an activation. */
  readonly sum: number;
  /** Where its silu goes, m × n; 0 for no activation. */
  readonly out: number;
  /** Where silu′(sum) goes, m × n; 0 if nobody wants it. */
  readonly slope: number;
}

/** Nanoseconds for packing an element. */
const PACK = 1;
/** Nanoseconds for the silu of one. */
const SILU = 0.8;
/** Up to so many rows, each W is read where it lies. */
const FEW_ROWS = 8;
/** Pieces of so many rows keep whole tiles together, and what silu writes behind its last element within the piece. */
const UNIT = 24;

/** Address of the panels of W; 0 where its product does not go through panels. */
function packed(backend: SimdBackend, w: number, n: number, k: number): number {
  const bytes = backend.wasm.sgemmPackedBytes(n, k);
  if (bytes === 0) return 0;
  const to = backend.scratch(bytes);
  const panels = backend.wasm.sgemmPanels(n);
  const range = { items: panels, cost: (n / panels) * k * PACK };
  backend.parallel('sgemmPack', range, [w, n, k, false, to, BEGIN, END]);
  return to;
}

export function denseRows(backend: SimdBackend, layer: DenseRows): void {
  if (layer.m * layer.n === 0) return;
  // Its working memory is free again for the next of many layers.
  backend.guarded(() => run(backend, layer));
}

function run(backend: SimdBackend, { m, n, products, addend, sum, out, slope }: DenseRows): void {
  const words = [products.length, n, addend, sum, out, slope];
  let [scratch, cost] = [0, n * ((out ? SILU : 0) + 0.2 * products.length)];
  for (const { x, w, bias, k } of products) {
    const panels = m > FEW_ROWS ? packed(backend, w, n, k) : 0;
    words.push(x, panels || w, bias, panels ? -k : k);
    scratch = Math.max(scratch, backend.wasm.denseScratch(m, n, k));
    cost += n * k * MULTIPLY_ADD;
  }
  const table = backend.scratch(4 * words.length);
  const room = backend.scratchEach(scratch);
  backend.heap.i32(table, words.length).set(words);
  backend.parallel('denseRows', { items: m, cost, multiple: UNIT }, [table, BEGIN, COUNT, room]);
}
