/**
 * Data as the network sees it: mean 0 and standard deviation ½ (the σ_data of Karras et al. 2022), by one affine map
 * for all pixels of an image, by one for each column of a table.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Dataset } from './dataset.ts';

export const SIGMA_DATA = 0.5;

export interface Scaling {
  /** Dataset rows as a tensor [n, d], scaled; the caller's. */
  toModel(data: Dataset): tf.Tensor2D;
  /** Back to the data's own units, [n·d]. */
  fromModel(x: tf.Tensor): Promise<Float32Array>;
}

/** Fits the map to `data`. */
export function fitScaling(data: Dataset): Scaling {
  const { d, n, values, side } = data;
  const groups = side ? 1 : d;
  const group = (i: number): number => (side ? 0 : i % d);
  const mean = new Float64Array(groups);
  const square = new Float64Array(groups);
  values.forEach((v, i) => {
    mean[group(i)]! += v;
  });
  const count = (n * d) / groups;
  for (let g = 0; g < groups; g++) mean[g]! /= count;
  values.forEach((v, i) => {
    square[group(i)]! += (v - mean[group(i)]!) ** 2;
  });
  const width = Float64Array.from(square, (s) => Math.sqrt(s / count) / SIGMA_DATA || 1);
  return {
    toModel: (rows) =>
      tf.tensor2d(
        rows.values.map((v, i) => (v - mean[group(i)]!) / width[group(i)]!),
        [rows.n, d],
      ),
    fromModel: async (x) =>
      Float32Array.from(await x.data(), (v, i) => v * width[group(i)]! + mean[group(i)]!),
  };
}
