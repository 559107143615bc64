/**
 * Adam (Kingma, Ba 2015) with decoupled weight decay (Loshchilov, Hutter 2019) and clipping of the gradient's norm,
 * on one row [1, P] that holds all weights:
 *
 *   g ← g·min(1, c/|g|),   m ← β₁m + (1−β₁)g,   v ← β₂v + (1−β₂)g²,
 *   p ← (1 − ηω)p − η (m/(1−β₁ᵏ)) / (√(v/(1−β₂ᵏ)) + ε),            k = 1, 2, …
 *
 * The bias corrections are moved into η and ε, so that a step is one kernel where the backend has DiffAdam and eleven
 * elsewhere, whatever the number of variables, and the norm never leaves the backend. The state is tensors, so that
 * a checkpoint can hold it exactly.
 */
import { combine, requireFinite, requirePositive, type Weight } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';

/** The kernel that a backend may have for the whole step. */
const FUSED = 'DiffAdam';

export interface AdamOptions {
  /** Default 0.9. */
  readonly beta1?: number;
  /** Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
  /** ω, decoupled from the gradient; default 0. */
  readonly weightDecay?: number;
  /** Largest Euclidean norm of the gradient over all weights; default none. */
  readonly clipNorm?: number;
}

/** Weights and moments, each [1, P]. */
export interface AdamState {
  readonly parameters: tf.Tensor;
  readonly first: tf.Tensor;
  readonly second: tf.Tensor;
}

export interface AdamStep extends AdamState {
  /** |g| before clipping, scalar. */
  readonly gradientNorm: tf.Tensor;
}

/** What a kernel for the step is given. */
export interface AdamAttributes {
  readonly beta1: number;
  readonly beta2: number;
  readonly clipNorm: number | null;
  /** 1 − ηω. */
  readonly decay: number;
  /** η and ε with the bias corrections in them. */
  readonly rate: number;
  readonly epsilon: number;
}

export interface Adam {
  /** The numbers of step k = 1, 2, … */
  attributes(k: number, learningRate: number): AdamAttributes;
  /** The state after step k = 1, 2, …; new tensors, owned by the caller. */
  step(state: AdamState, gradient: tf.Tensor, k: number, learningRate: number): AdamStep;
}

/**
 * Makes an Adam optimiser; it holds no state.
 *
 * @throws DomainError for rates outside [0, 1) and the like.
 * @example
 * ```ts
 * import { adam } from '@diff/score';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const optimizer = adam({ clipNorm: 1 });
 * let state = { parameters: tf.ones([1, 3]), first: tf.zeros([1, 3]), second: tf.zeros([1, 3]) };
 * for (let k = 1; k <= 10; k++) state = optimizer.step(state, state.parameters, k, 0.1); // down |p|²/2
 * ```
 */
export function adam(options: AdamOptions = {}): Adam {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0, clipNorm } = options;
  for (const [name, beta] of [
    ['beta1', beta1],
    ['beta2', beta2],
  ] as const) {
    requirePositive('adam', `1 − ${name}`, 1 - requireFinite('adam', name, beta), `Pass ${name} below 1.`);
  }
  requirePositive('adam', 'epsilon', epsilon);
  requireFinite('adam', 'weightDecay', weightDecay);
  if (clipNorm !== undefined) requirePositive('adam', 'clipNorm', clipNorm);
  const attributes = (k: number, learningRate: number): AdamAttributes => {
    const correction = Math.sqrt(1 - beta2 ** k);
    return {
      beta1,
      beta2,
      clipNorm: clipNorm ?? null,
      decay: 1 - learningRate * weightDecay,
      rate: (learningRate * correction) / (1 - beta1 ** k),
      epsilon: epsilon * correction,
    };
  };
  return {
    attributes,
    step(state, gradient, k, learningRate) {
      const attrs = attributes(k, learningRate);
      if (tf.getKernel(FUSED, tf.getBackend())) {
        const { parameters, first, second } = state;
        const outputs: tf.Tensor[] = tf
          .engine()
          .runKernel(FUSED, { parameters, first, second, gradient }, attrs as object as tf.NamedAttrMap);
        const [p, m, v, gradientNorm] = outputs as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
        return { parameters: p, first: m, second: v, gradientNorm };
      }
      return tf.tidy(() => {
        const square = tf.mul(gradient, gradient);
        const gradientNorm = tf.sqrt(tf.sum(square));
        let w1: Weight = 1 - beta1;
        let w2: Weight = 1 - beta2;
        if (clipNorm !== undefined) {
          const scale = tf.minimum(1, tf.div(clipNorm, tf.reshape(gradientNorm, [1])));
          w1 = tf.mul(scale, w1);
          w2 = tf.mul(tf.mul(scale, scale), w2);
        }
        const first = combine([
          [beta1, state.first],
          [w1, gradient],
        ]);
        const second = combine([
          [beta2, state.second],
          [w2, square],
        ]);
        const direction = tf.div(first, tf.add(tf.sqrt(second), attrs.epsilon));
        const parameters = combine([
          [attrs.decay, state.parameters],
          [-attrs.rate, direction],
        ]);
        return { parameters, first, second, gradientNorm };
      });
    },
  };
}
