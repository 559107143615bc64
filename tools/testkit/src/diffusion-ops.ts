/** The part of @diff/core that the conformance suite drives. */
import type * as tf from '@tensorflow/tfjs-core';
import type { streamOf } from './twins.ts';

type Key = { readonly words: readonly [number, number, number, number] };
type Noise = (key: Key, shape: readonly number[], options?: { firstRow?: number }) => tf.Tensor;

export interface DiffusionOps {
  key(seed: number): Key;
  threefry4x32: Parameters<typeof streamOf>[1];
  normal: Noise;
  uniform: Noise;
  rademacher: Noise;
  combine(
    terms: readonly (readonly [number | tf.Tensor, tf.Tensor])[],
    options?: { constant?: number; noise?: readonly [number | tf.Tensor, Key]; firstRow?: number },
  ): tf.Tensor;
  softmaxMean(
    x: tf.Tensor,
    centres: tf.Tensor,
    options: {
      noiseVariance: number | tf.Tensor;
      variance?: number | tf.Tensor;
      logWeights?: tf.Tensor;
      values?: tf.Tensor;
      blend?: readonly [number, number];
    },
  ): { mean: tf.Tensor; logDensity: tf.Tensor };
  pairwiseSumExp(
    x: tf.Tensor,
    y: tf.Tensor,
    o: { scale: number; weights?: tf.Tensor; excludeDiagonal?: boolean },
  ): tf.Tensor;
  pairwiseSumDistance(
    x: tf.Tensor,
    y: tf.Tensor,
    o?: { weights?: tf.Tensor; excludeDiagonal?: boolean },
  ): tf.Tensor;
  pairwiseLogSumExp(x: tf.Tensor, y: tf.Tensor, o: { potential: tf.Tensor; scale: number }): tf.Tensor;
  pairwiseNearest(
    x: tf.Tensor,
    y: tf.Tensor,
    o?: { k?: number; excludeDiagonal?: boolean },
  ): { distance: tf.Tensor; index: tf.Tensor };
}
