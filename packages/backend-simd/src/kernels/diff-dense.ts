/**
 * DiffDense: silu(Σ_t (x_t W_t + b_t) + addend), or that sum itself, and DiffDenseGradient: the gradient at the sum
 * (see `dense` in @diff/score and assembly/dense.ts). Bit for bit what the separate ops give.
 */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { type DenseRows, denseRows } from '../dense-rows.ts';
import { kernel } from '../kernel.ts';
import { size } from '../numeric.ts';
import { COUNT, each } from '../parallel.ts';
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

/** Inputs, all float32: of each product x [m, k], W [k, n] and maybe b [n], then maybe the addend [m, n]. */
export const diffDenseConfig: KernelConfig = kernel<TensorInfo[], DenseAttrs>(
  'DiffDense',
  ({ inputs, attrs: { biases, addend, activation, sum: fate }, backend }) => {
    const [m, n] = [inputs[0]!.shape[0]!, inputs[1]!.shape[1]!];
    const isActive = activation === 'silu';
    const sum = !isActive || fate !== 'none' ? backend.output([m, n], 'float32') : undefined;
    const out = isActive ? backend.output([m, n], 'float32') : undefined;
    let at = 0;
    const next = (): number => backend.pointer(inputs[at++]!);
    const products = biases.map((hasBias) => {
      const k = inputs[at]!.shape[1]!;
      return { k, x: next(), w: next(), bias: hasBias ? next() : 0 };
    });
    const [pAddend, pSum, pOut] = [
      addend ? next() : 0,
      ...[sum, out].map((y) => (y ? backend.pointer(y) : 0)),
    ];
    const rows: DenseRows = { m, n, products, addend: pAddend!, sum: pSum!, out: pOut!, slope: 0 };
    denseRows(backend, rows);
    const shown = sum && isActive && fate === 'hidden' ? { ...sum, shape: [0] } : sum;
    return [out, shown].filter((info) => info !== undefined);
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
