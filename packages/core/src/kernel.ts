/**
 * How a diffusion op reaches the active backend.
 *
 * A backend may register a fused kernel under the op's name (`tf.registerKernel`). Where none is registered the
 * op's reference implementation, written in public tfjs ops, runs instead: it works on every backend, so this is
 * no silent change of backend. `fusedOps()` says what the active backend fuses.
 *
 * Inputs travel as an array that carries names instead of indices: the gradient registry of tfjs can only save a
 * variable number of inputs when they come as an array, and kernels read best by name. A kernel asks for optional
 * inputs with `Object.hasOwn(inputs, name)`, since an array has properties of its own such as `values`.
 */
import * as tf from '@tensorflow/tfjs-core';

/** Names of the fused kernels that a backend may register. */
export const DIFF_KERNELS = [
  'DiffNormal',
  'DiffUniform',
  'DiffRademacher',
  'DiffCombine',
  'DiffSoftmaxMean',
  'DiffPairwise',
] as const;
export type DiffKernelName = (typeof DIFF_KERNELS)[number];

/** Tensors by name. */
export type NamedTensors = Readonly<Record<string, tf.Tensor>>;
type Reference = (inputs: NamedTensors) => tf.Tensor[];

const INPUT_NAMES = 'inputNames';

/** Runs the active backend's kernel where it has one, otherwise the reference. */
export function runOp(
  kernelName: DiffKernelName,
  inputs: NamedTensors,
  attrs: Readonly<Record<string, unknown>>,
  reference: Reference,
): tf.Tensor[] {
  if (tf.getKernel(kernelName, tf.getBackend()) === undefined) return tf.tidy(() => reference(inputs));
  const named: tf.Tensor[] & tf.NamedTensorMap = Object.assign([], inputs);
  const all = { ...attrs, [INPUT_NAMES]: Object.keys(inputs) } as tf.NamedAttrMap;
  const out: tf.Tensor | tf.Tensor[] = tf.engine().runKernel(kernelName, named, all);
  return Array.isArray(out) ? out : [out];
}

/**
 * Registers the gradient of a fused kernel: that of its reference, evaluated again from the saved inputs.
 *
 * @param rebuild gives the reference for the attributes of one call.
 */
export function registerReferenceGradient<A extends Readonly<Record<string, unknown>>>(
  kernelName: DiffKernelName,
  rebuild: (attrs: A) => Reference,
): void {
  tf.registerGradient({
    kernelName,
    saveAllInputs: true,
    gradFunc: (dy, saved, attrs) => {
      const names = attrs[INPUT_NAMES] as string[];
      const dys = Array.isArray(dy) ? dy : [dy];
      const reference = rebuild(attrs as Readonly<Record<string, unknown>> as A);
      const inner = (...xs: tf.Tensor[]): tf.Tensor => {
        const outputs = reference(Object.fromEntries(names.map((name, i) => [name, xs[i]!])));
        return outputs
          .map((y, i) => (y.dtype === 'float32' ? tf.sum(tf.mul(y, dys[i]!)) : undefined))
          .filter((y) => y !== undefined)
          .reduce((a, b) => tf.add(a, b));
      };
      const gradients = names.length ? onTapeOfItsOwn(() => tf.grads(inner)(saved)) : [];
      return Object.fromEntries(names.map((name, i) => [name, (): tf.Tensor => gradients[i]!]));
    },
  });
}

/**
 * Differentiates inside a gradient function. tfjs keeps one tape, which an inner `tf.grads` would end while the outer
 * backward pass still walks it.
 */
function onTapeOfItsOwn<T>(differentiate: () => T): T {
  const { state } = tf.engine();
  const tape = state.activeTape;
  try {
    return differentiate();
  } finally {
    state.activeTape = tape;
  }
}

/**
 * Which diffusion ops the active backend runs as fused kernels.
 *
 * @example
 * ```ts
 * import { fusedOps, useBackend } from '@diff/core';
 * import '@tensorflow/tfjs-backend-cpu';
 * await useBackend('cpu');
 * console.log(fusedOps()); // [] here; all of them on the backend 'simd'
 * ```
 */
export function fusedOps(): DiffKernelName[] {
  return DIFF_KERNELS.filter((name) => tf.getKernel(name, tf.getBackend()) !== undefined);
}
