/**
 * A network of dense layers as one op:
 *
 *   sum_l = Σ_t (x_t W_t + b_t) + sum_j,   act_l = silu(sum_l) or sum_l;     x_t an input or an earlier act
 *
 * Where the backend has the kernels DiffLayers and DiffLayersGradient tfjs sees one op forward and one backward, whatever
 * the number of layers; elsewhere they are tfjs's own ops. Differentiable as often as tfjs's own ops, either way.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { DenseActivation } from './dense.ts';
import { silu } from './silu.ts';

const FUSED = 'DiffLayers';
const FUSED_GRADIENT = 'DiffLayersGradient';
/** The kernel takes as many inputs, the last again in place of one that is missing. */
const INPUTS = 3;

/** What a layer multiplies: an input, or the activation of an earlier layer, by a weight; weights by their places. */
export interface LayerProduct {
  readonly x: { readonly input: number } | { readonly layer: number };
  readonly kernel: number;
  readonly bias?: number;
}

export interface Layer {
  readonly products: readonly LayerProduct[];
  /** The earlier layer whose sum is added. */
  readonly addend?: number;
  readonly activation: DenseActivation;
}

type Weights = readonly tf.Tensor[];

/** One op after another. */
function composed(layers: readonly Layer[], inputs: readonly tf.Tensor[], weights: Weights): tf.Tensor {
  const sums: tf.Tensor[] = [];
  const activations: tf.Tensor[] = [];
  for (const { products, addend, activation } of layers) {
    const parts = products.map(({ x, kernel, bias }): tf.Tensor => {
      const a = 'input' in x ? inputs[x.input]! : activations[x.layer]!;
      return tf.fused.matMul({ a, b: weights[kernel]!, ...(bias !== undefined && { bias: weights[bias]! }) });
    });
    if (addend !== undefined) parts.push(sums[addend]!);
    const sum = parts.reduce((p, q) => tf.add(p, q));
    sums.push(sum);
    activations.push(activation === 'silu' ? silu(sum) : sum);
  }
  return activations.at(-1)!;
}

/** What the gradient needs to know; the weights are variables, which nobody disposes of before it. */
interface Call {
  readonly layers: readonly Layer[];
  readonly weights: Weights;
  /** As the kernels read them. */
  readonly plain: tf.NamedAttrMap;
}

const gradient: tf.GradConfig = {
  kernelName: FUSED,
  inputsToSave: Array.from({ length: INPUTS }, (_, i) => `${i}`),
  outputsToSave: [false, true],
  gradFunc: (dys, saved, attrs) => {
    const { layers, weights, plain } = attrs.call as object as Call;
    const [dy] = dys as tf.Tensor[];
    const [inputs, kept] = [saved.slice(0, INPUTS), saved[INPUTS]!];
    // Whoever asks does so in a scope of his own. What is saved lives until the whole gradient is there.
    const shared = (parts: readonly tf.Tensor[]): readonly tf.Tensor[] => {
      for (const part of parts) saved.push(tf.keep(part));
      return parts;
    };
    if (tf.engine().isTapeOn()) {
      // Somebody wants a second derivative: of what was kept there would be none.
      const all = [...inputs, ...weights];
      const f = (): tf.Tensor => composed(layers, inputs, weights);
      let grads: readonly tf.Tensor[] | undefined;
      const part = (i: number) => (): tf.Tensor => {
        grads ??= shared(
          (tf.engine().gradients(f, all, dy!, true).grads as (tf.Tensor | null)[]).map(
            (g, j) => g ?? tf.zerosLike(all[j]!),
          ),
        );
        return tf.clone(grads[i]!);
      };
      return Object.fromEntries(all.map((_, i) => [i, part(i)]));
    }
    // Each side is computed when one of it is asked for.
    const parts: { weights?: readonly tf.Tensor[]; inputs?: readonly tf.Tensor[] } = {};
    const part = (of: 'weights' | 'inputs', i: number) => (): tf.Tensor => {
      const all = [...inputs, ...weights, kept, dy!] as object as tf.NamedTensorMap;
      parts[of] ??= shared(tf.engine().runKernel<tf.Tensor[]>(FUSED_GRADIENT, all, { ...plain, of }));
      return tf.clone(parts[of][i]!);
    };
    return Object.fromEntries([
      ...inputs.map((_, i) => [i, part('inputs', i)]),
      ...weights.map((_, i) => [INPUTS + i, part('weights', i)]),
    ]);
  },
};

/** Layers with the form in which the kernels read them. */
export interface LayerProgram {
  readonly layers: readonly Layer[];
  readonly plain: tf.NamedAttrMap;
}

/** Prepares layers for `runLayers`. */
export function layerProgram(layers: readonly Layer[]): LayerProgram {
  const plain = {
    inputs: INPUTS,
    layers: layers.map(({ products, addend = -1, activation }) => ({
      products: products.map(({ x, kernel, bias = -1 }) => ({
        x: 'input' in x ? x.input : INPUTS + x.layer,
        kernel,
        bias,
      })),
      addend,
      activation,
    })),
  };
  return { layers, plain: plain as object as tf.NamedAttrMap };
}

/** Runs the layers; `weights` must be variables. */
export function runLayers(
  { layers, plain }: LayerProgram,
  inputs: readonly tf.Tensor[],
  weights: readonly tf.Variable[],
): tf.Tensor {
  if (!tf.getKernel(FUSED, tf.getBackend())) return composed(layers, inputs, weights);
  if (!tf.getGradient(FUSED)) tf.registerGradient(gradient);
  const engine = tf.engine();
  const given = Array.from({ length: INPUTS }, (_, i) => inputs[i] ?? inputs.at(-1)!);
  const call: Call = { layers, weights, plain };
  const attrs = { ...plain, keep: engine.isTapeOn(), call: call as object as tf.NamedAttrMap };
  const all = [...given, ...weights] as object as tf.NamedTensorMap;
  const [out, kept] = engine.runKernel<tf.Tensor[]>(FUSED, all, attrs);
  kept?.dispose(); // A gradient has its own hold on it.
  return out!;
}
