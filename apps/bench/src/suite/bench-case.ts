/**
 * What one case of the benchmark is: inputs, the answer that everybody must give, and how tfjs computes it.
 *
 * Nothing in this folder knows of Node, so that a page can run the same cases in a browser.
 */
import type * as tf from '@tensorflow/tfjs-core';

/** A float32 tensor on the host. */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export type Inputs = Readonly<Record<string, HostTensor>>;

/** What the routine runs on. */
interface Surroundings {
  /** Name of the tfjs backend. */
  readonly backend: string;
}

/** The answer, element by element, and how far from it a contestant may be. */
export interface Expected {
  readonly values: ArrayLike<number>;
  readonly relative?: number;
  /** One number for all elements, or one for each. */
  readonly absolute?: number | ArrayLike<number>;
}

/** Something to be checked and timed. */
interface Routine {
  /** What is timed. Its result is disposed of by the caller. */
  run(): tf.Tensor | Promise<tf.Tensor>;
  /** What is compared with the expected values; default: the result of `run`. */
  check?(): tf.Tensor | Promise<tf.Tensor>;
  dispose?(): void;
}

export type Group = 'ops' | 'diffusion ops' | 'sampling' | 'training' | 'metrics' | 'growth';

/** How much work one run is, for units that can be compared across sizes. */
export interface Work {
  /** Floating-point operations, an add and a multiply counted as two. */
  readonly flops?: number;
  readonly elements?: number;
  /** Times are given per this many pieces, such as training steps; default 1. */
  readonly pieces?: number;
}

/** A point of a growth curve: the cases of one curve differ in this alone. */
export interface CurvePoint {
  readonly curve: string;
  readonly axis: 'n' | 'd' | 'steps';
  readonly value: number;
}

export interface BenchCase {
  /** Unique, such as 'matmul/256x256x256/at'. */
  readonly id: string;
  readonly group: Group;
  readonly title: string;
  /** Names the routine of a peer outside tfjs. */
  readonly op: string;
  /** All that such a peer has to know beside the inputs. */
  readonly settings: Readonly<Record<string, number | string | boolean>>;
  readonly work?: Work;
  readonly curve?: CurvePoint;
  /** Is this case in the quick suite? */
  readonly quick: boolean;
  inputs(): Inputs;
  /** The answer in float64; absent where the tfjs cpu backend (float64 sums, float32 results) gives it. */
  expected?(inputs: Inputs): Expected;
  /** How far from the cpu backend's answer a contestant may be, where there is no `expected`. */
  readonly tolerance?: { readonly relative: number; readonly absolute: number };
  /** The routine in tfjs and @diff on the active backend. */
  prepare(inputs: Inputs, surroundings: Surroundings): Routine | Promise<Routine>;
}
