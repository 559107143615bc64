/**
 * DiffDense: silu(Σ_t (x_t W_t + b_t) + addend), or that sum itself, and DiffDenseGradient: the gradient at the sum
 * (see `dense` in @diff/score and assembly/dense.ts). Bit for bit what the separate ops give.
 *
 * Each W is packed once; then blocks of rows go from the products to the activation while they are in the cache.
 */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import type { SimdBackend } from '../backend.ts';
import { kernel } from '../kernel.ts';
import { size } from '../numeric.ts';
import { BEGIN, COUNT, END, each } from '../parallel.ts';
import { MULTIPLY_ADD } from '../sgemm.ts';
import { sumFloat } from './reduce.ts';

interface DenseAttrs {
  /** Which of the products have a bias. */
  readonly biases: readonly boolean[];
  readonly addend: boolean;
  readonly activation: 'linear' | 'silu';
  /**
   * What becomes of the sum beside its activation: no output; or one; or one that tfjs takes to be empty, of shape [0],
   * since it makes zeros for the gradient of an output without consumers. DiffDenseGradient knows better.
   */
  readonly sum: 'none' | 'output' | 'hidden';
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

/** Inputs, all float32: of each product x [m, k], W [k, n] and maybe b [n], then maybe the addend [m, n]. */
export const diffDenseConfig: KernelConfig = kernel<TensorInfo[], DenseAttrs>(
  'DiffDense',
  ({ inputs, attrs: { biases, addend, activation, sum: fate }, backend }) => {
    const [m, n] = [inputs[0]!.shape[0]!, inputs[1]!.shape[1]!];
    const isActive = activation === 'silu';
    const sum = !isActive || fate !== 'none' ? backend.output([m, n], 'float32') : undefined;
    const out = isActive ? backend.output([m, n], 'float32') : undefined;
    const shown = sum && isActive && fate === 'hidden' ? { ...sum, shape: [0] } : sum;
    const outputs = [out, shown].filter((info) => info !== undefined);
    if (m * n === 0) return outputs;

    let at = 0;
    const next = (): number => backend.pointer(inputs[at++]!);
    const words: number[] = [];
    let [scratch, cost] = [0, n * ((isActive ? SILU : 0) + 0.2 * biases.length)];
    for (const hasBias of biases) {
      const k = inputs[at]!.shape[1]!;
      const [x, w] = [next(), next()];
      const panels = m > FEW_ROWS ? packed(backend, w, n, k) : 0;
      words.push(x, panels || w, hasBias ? next() : 0, panels ? -k : k);
      scratch = Math.max(scratch, backend.wasm.denseScratch(m, n, k));
      cost += n * k * MULTIPLY_ADD;
    }
    const head = [biases.length, n, addend ? next() : 0];
    for (const info of [sum, out]) head.push(info ? backend.pointer(info) : 0);
    const table = backend.scratch(4 * (head.length + words.length));
    const room = backend.scratchEach(scratch);
    backend.heap.i32(table, head.length + words.length).set([...head, ...words]);
    backend.parallel('denseRows', { items: m, cost, multiple: UNIT }, [table, BEGIN, COUNT, room]);
    return outputs;
  },
);

interface GradientInputs {
  /** What the activation was taken of; its shape is that of dy. */
  readonly sum: TensorInfo;
  /** Gradient at the activation. */
  readonly dy: TensorInfo;
  /** Gradient at the sum itself, where it was used. */
  readonly dsum: TensorInfo | undefined;
}

/** dy·silu′(sum) + dsum, [m, n], and its sums over the rows, [n]. */
export const diffDenseGradientConfig: KernelConfig = kernel<GradientInputs>(
  'DiffDenseGradient',
  ({ inputs: { sum, dy, dsum }, backend }) => {
    const g = backend.output(dy.shape, 'float32');
    const range = { items: size(dy.shape), cost: 1, multiple: 32 };
    const to = each(backend.pointer(g), 4);
    const [from, slope] = [backend.pointer(sum), backend.pointer(dy)];
    backend.parallel('siluGradient', range, [each(from, 4), each(slope, 4), to, COUNT]);
    if (dsum) backend.parallel('addFloats', range, [to, each(backend.pointer(dsum), 4), to, COUNT]);
    return [g, sumFloat(backend, g, 0, false, 1)];
  },
);
