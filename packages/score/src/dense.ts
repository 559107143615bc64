/**
 * A dense layer: act(Σ_t (x_t W_t + b_t) + addend), act = silu or the identity.
 *
 * Where the backend has the kernels DiffDense and DiffDenseGradient, sums and activation are taken while the rows of the
 * product are in the cache; elsewhere these are tfjs's own ops. Of the gradient
 *
 *   g = dact·silu′(sum) + dsum,   dW_t = x_tᵀ g,   dx_t = g W_tᵀ,   db_t = Σ_rows g,   daddend = g
 *
 * only the parts that are asked for are computed. Differentiable as often as tfjs's own ops, either way.
 */
import { ShapeError, shown } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { silu } from './silu.ts';

const FUSED = 'DiffDense';
const FUSED_GRADIENT = 'DiffDenseGradient';

export type DenseActivation = 'linear' | 'silu';

/** x [n, k] times W [k, units] plus b [units]. */
export interface DenseProduct {
  readonly x: tf.Tensor;
  readonly kernel: tf.Tensor;
  readonly bias?: tf.Tensor | undefined;
}

export interface DenseSums {
  readonly products: readonly DenseProduct[];
  /** Added to the sum, [n, units]. */
  readonly addend?: tf.Tensor | undefined;
}

/** How the array of the kernel's inputs is to be read. */
interface Layout {
  readonly biases: readonly boolean[];
  readonly addend: boolean;
  readonly activation: DenseActivation;
  /** Is the sum an output beside its activation? Where only the gradient needs it, one of shape [0] to tfjs. */
  readonly sum: 'none' | 'output' | 'hidden';
}

/** The sum in tfjs's own ops. */
function composed({ products, addend }: DenseSums): tf.Tensor {
  const sums = products.map(({ x, kernel, bias }) =>
    tf.fused.matMul({ a: x, b: kernel, ...(bias && { bias }) }),
  );
  return [...sums, ...(addend ? [addend] : [])].reduce((a, b) => tf.add(a, b));
}

function flat({ products, addend }: DenseSums): tf.Tensor[] {
  return [
    ...products.flatMap(({ x, kernel, bias }) => (bias ? [x, kernel, bias] : [x, kernel])),
    ...(addend ? [addend] : []),
  ];
}

function unflat(inputs: readonly tf.Tensor[], { biases, addend }: Layout): DenseSums {
  let at = 0;
  const products = biases.map((hasBias) => ({
    x: inputs[at++]!,
    kernel: inputs[at++]!,
    bias: hasBias ? inputs[at++] : undefined,
  }));
  return { products, addend: addend ? inputs[at] : undefined };
}

/** silu′(x)·dy in ops that have gradients themselves. */
function slope(x: tf.Tensor, dy: tf.Tensor): tf.Tensor {
  const s = tf.sigmoid(x);
  return tf.mul(dy, tf.mul(s, tf.add(1, tf.mul(x, tf.sub(1, s)))));
}

/** g and its sum over the rows. */
function gradientAtSum(
  dys: tf.Tensor | tf.Tensor[],
  saved: readonly tf.Tensor[],
  layout: Layout,
): { g: tf.Tensor; sum: () => tf.Tensor } {
  const of = (g: tf.Tensor): { g: tf.Tensor; sum: () => tf.Tensor } => ({ g, sum: () => tf.sum(g, 0) });
  if (layout.activation === 'linear') return of(dys as tf.Tensor);
  const [dy, dsum] = dys as [tf.Tensor, tf.Tensor];
  if (tf.engine().isTapeOn()) {
    // Somebody wants a second derivative: the sum that was saved would be a constant to it.
    const g = slope(composed(unflat(saved, layout)), dy);
    return of(layout.sum === 'output' ? tf.add(g, dsum) : g);
  }
  const inputs = { sum: saved.at(-1)!, dy, ...(layout.sum === 'output' && { dsum }) };
  const [g, rows]: tf.Tensor[] = tf.engine().runKernel(FUSED_GRADIENT, inputs);
  return { g: g!, sum: () => tf.clone(rows!) };
}

const gradient: tf.GradConfig = {
  kernelName: FUSED,
  saveAllInputs: true,
  outputsToSave: [false, true],
  gradFunc: (dys, saved, attrs) => {
    const layout = attrs as object as Layout;
    const { g, sum } = gradientAtSum(dys, saved, layout);
    const { products, addend } = unflat(saved, layout);
    const parts = products.flatMap(({ x, kernel, bias }) => [
      () => tf.matMul(g, kernel, false, true),
      () => tf.matMul(x, g, true, false),
      ...(bias ? [sum] : []),
    ]);
    if (addend) parts.push(() => tf.clone(g));
    return Object.fromEntries(parts.entries());
  },
};

function isFused(): boolean {
  return tf.getKernel(FUSED, tf.getBackend()) !== undefined;
}

function runFused(sums: DenseSums, activation: DenseActivation, isSumUsed: boolean): tf.Tensor[] {
  if (!tf.getGradient(FUSED)) tf.registerGradient(gradient);
  const engine = tf.engine();
  const layout: Layout = {
    biases: sums.products.map(({ bias }) => bias !== undefined),
    addend: sums.addend !== undefined,
    activation,
    sum: isSumUsed ? 'output' : engine.isTapeOn() ? 'hidden' : 'none',
  };
  const inputs = flat(sums) as object as tf.NamedTensorMap;
  return engine.runKernel(FUSED, inputs, layout as object as tf.NamedAttrMap);
}

/** A sum and its silu. */
export function denseWithSum(sums: DenseSums): { readonly sum: tf.Tensor; readonly activated: tf.Tensor } {
  if (isFused()) {
    const [activated, sum] = runFused(sums, 'silu', true) as [tf.Tensor, tf.Tensor];
    return { sum, activated };
  }
  const sum = composed(sums);
  return { sum, activated: silu(sum) };
}

/** act of a sum of several products. */
export function denseSum(sums: DenseSums, activation: DenseActivation): tf.Tensor {
  if (!isFused()) {
    const sum = composed(sums);
    return activation === 'silu' ? silu(sum) : sum;
  }
  const [out, sum] = runFused(sums, activation, false);
  sum?.dispose(); // A gradient has its own hold on it.
  return out!;
}

export interface DenseOptions {
  /** [units]. */
  readonly bias?: tf.Tensor;
  /** Added to the product, [n, units]: the other branch of a residual network, or another product. */
  readonly addend?: tf.Tensor;
  /** Default 'linear'. */
  readonly activation?: DenseActivation;
}

/**
 * A layer for networks of your own, act(x W + b + addend): one kernel where the backend has one for it, else tfjs's ops.
 *
 * @param x [n, k], float32.
 * @param kernel W, [k, units].
 * @returns [n, units], owned by the caller.
 * @throws ShapeError
 * @example
 * ```ts
 * import { dense } from '@diff/score';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const [w, b] = [tf.variable(tf.ones([2, 8])), tf.variable(tf.zeros([8]))];
 * const hidden = dense(tf.tensor2d([[1, -1]]), w, { bias: b, activation: 'silu' });
 * ```
 */
export function dense(x: tf.Tensor, kernel: tf.Tensor, options: DenseOptions = {}): tf.Tensor {
  const { bias, addend, activation = 'linear' } = options;
  if (x.rank !== 2 || kernel.rank !== 2 || x.shape[1] !== kernel.shape[0]) {
    throw new ShapeError(
      `dense: x [n, k] and the kernel [k, units] must fit, got ${shown(x)} and ${shown(kernel)}. Reshape x to rows.`,
    );
  }
  const units = kernel.shape[1]!;
  if (bias && !tf.util.arraysEqual(bias.shape, [units])) {
    throw new ShapeError(
      `dense: the bias must have shape [${units}], got ${shown(bias)}. Pass one number a unit.`,
    );
  }
  if (addend && !tf.util.arraysEqual(addend.shape, [x.shape[0]!, units])) {
    throw new ShapeError(
      `dense: the addend must have shape [${x.shape[0]}, ${units}], got ${shown(addend)}. Pass one row for each of x.`,
    );
  }
  return denseSum({ products: [{ x, kernel, bias }], addend }, activation);
}
