/**
 * A dense layer: act(x W + b + addend), act = silu or the identity.
 *
 * Where the backend has the kernels DiffDense and DiffDenseGradient, sum and activation are taken while the rows of the
 * product are in the cache; elsewhere these are tfjs's own ops. Of the gradient
 *
 *   g = dy·silu′(sum),   dx = g Wᵀ,   dW = xᵀ g,   db = Σ_rows g,   daddend = g
 *
 * only the parts that are asked for are computed. Differentiable as often as tfjs's own ops, either way.
 */
import { ShapeError, shown } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { silu } from './silu.ts';

const FUSED = 'DiffDense';
const FUSED_GRADIENT = 'DiffDenseGradient';

export type DenseActivation = 'linear' | 'silu';

/** How the kernel reads the array of its inputs: x, W, maybe b, maybe the addend. */
interface Layout {
  readonly biases: readonly [boolean];
  readonly addend: boolean;
  readonly activation: DenseActivation;
  /** Is the sum kept for the gradient? Then it is an output, of shape [0] to tfjs. */
  readonly sum: 'none' | 'hidden';
}

/** x W + b + addend in tfjs's own ops. */
function composedSum(
  x: tf.Tensor,
  kernel: tf.Tensor,
  bias: tf.Tensor | undefined,
  addend: tf.Tensor | undefined,
): tf.Tensor {
  const product = tf.fused.matMul({ a: x, b: kernel, ...(bias && { bias }) });
  return addend ? tf.add(product, addend) : product;
}

/** silu′(x)·dy in ops that have gradients themselves. */
function slope(x: tf.Tensor, dy: tf.Tensor): tf.Tensor {
  const s = tf.sigmoid(x);
  return tf.mul(dy, tf.mul(s, tf.add(1, tf.mul(x, tf.sub(1, s)))));
}

const gradient: tf.GradConfig = {
  kernelName: FUSED,
  saveAllInputs: true,
  outputsToSave: [false, true],
  gradFunc: (dys, saved, attrs) => {
    const { biases, addend: hasAddend, activation } = attrs as object as Layout;
    const [x, kernel] = saved as [tf.Tensor, tf.Tensor];
    const bias = biases[0] ? saved[2] : undefined;
    const addend = hasAddend ? saved[biases[0] ? 3 : 2] : undefined;
    let g = [dys].flat()[0]!;
    let rows = (): tf.Tensor => tf.sum(g, 0);
    if (activation === 'silu' && tf.engine().isTapeOn()) {
      // Somebody wants a second derivative: the sum that was saved would be a constant to it.
      g = slope(composedSum(x, kernel, bias, addend), g);
    } else if (activation === 'silu') {
      const both: tf.Tensor[] = tf.engine().runKernel(FUSED_GRADIENT, { sum: saved.at(-1)!, dy: g });
      g = both[0]!;
      rows = () => tf.clone(both[1]!);
    }
    const parts = [
      () => tf.matMul(g, kernel, false, true),
      () => tf.matMul(x, g, true, false),
      ...(bias ? [rows] : []),
      ...(addend ? [() => tf.clone(g)] : []),
    ];
    return Object.fromEntries(parts.entries());
  },
};

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
  if (!tf.getKernel(FUSED, tf.getBackend())) {
    const sum = composedSum(x, kernel, bias, addend);
    return activation === 'silu' ? silu(sum) : sum;
  }
  if (!tf.getGradient(FUSED)) tf.registerGradient(gradient);
  const layout: Layout = {
    biases: [bias !== undefined],
    addend: addend !== undefined,
    activation,
    sum: tf.engine().isTapeOn() ? 'hidden' : 'none',
  };
  const inputs = [x, kernel, ...(bias ? [bias] : []), ...(addend ? [addend] : [])];
  const [out, kept]: tf.Tensor[] = tf
    .engine()
    .runKernel(FUSED, inputs as object as tf.NamedTensorMap, layout as object as tf.NamedAttrMap);
  kept?.dispose(); // A gradient has its own hold on it.
  return out!;
}
