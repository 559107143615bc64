/**
 * Guidance away from a part u_∅′ of the unconditional prediction only, that which agrees with the conditional one: row by
 * row u = u_c + w (u_c − u_∅′), with
 *
 * - 'zeroStar' (Fan et al. 2025, "CFG-Zero*: improved classifier-free guidance for flow matching models"): the multiple
 *   s u_∅ that is nearest to u_c, s = ⟨u_c, u_∅⟩/|u_∅|², where u = ε̂ − x̂0 is the flow's velocity. (Their other half, no
 *   move in the first steps, is a run that starts later in the grid from the same noise.)
 * - 'tangential' (Kwon et al. 2025, "TCFG: tangential damping classifier-free guidance"): the projection onto the first
 *   right singular vector of the two rows u_c and u_∅, where u = ε̂ is the noise. With
 *   tan 2θ = 2⟨u_c, u_∅⟩/(|u_c|² − |u_∅|²) it is u_∅′ = sin θ (cos θ u_c + sin θ u_∅).
 *
 * Neither is the same in other terms, so u is worked out whatever the model predicts.
 */
import { combine, type Weight } from '@diff/core';
import type { LinearProcess } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { type Affine, conversion } from './convert.ts';
import type { PredictionPair } from './extrapolation.ts';
import { applied } from './model.ts';
import type { PredictionKind } from './prediction-kind.ts';
import { rowProducts } from './row-products.ts';

/** What part of the unconditional prediction is used. */
export type Alignment = 'zeroStar' | 'tangential';

/** u as an affine function of the state and the prediction, and what u = 1 is of a prediction. */
interface Terms extends Affine {
  readonly back: number;
}

function terms(process: LinearProcess, t: number, kind: PredictionKind, alignment: Alignment): Terms {
  const noise = conversion(process, t, kind, 'noise');
  if (alignment === 'tangential') return { ...noise, back: conversion(process, t, 'noise', kind).p };
  const data = conversion(process, t, kind, 'data');
  const p = noise.p - data.p;
  return { x: noise.x - data.x, p, constant: noise.constant - data.constant, back: 1 / p };
}

/** (u_c − u_∅′) as a difference of predictions; inside a tidy. */
export function alignedDifference(
  process: LinearProcess,
  kind: PredictionKind,
  alignment: Alignment,
): (pair: PredictionPair, x: tf.Tensor, times: readonly number[]) => tf.Tensor {
  return ({ better, worse }, x, times) => {
    const rows = times.map((t) => terms(process, t, kind, alignment));
    const maps = rows.length === 1 ? rows[0]! : rows;
    const [given, free] = [applied(x, better, maps), applied(x, worse, maps)];
    const [both, own] = [rowProducts(given, free), rowProducts(free, free)];
    // u_∅′ = along·u_c + kept·u_∅; of a tangential part without a leading direction, half is kept.
    let along: tf.Tensor = tf.zerosLike(both);
    let kept = tf.divNoNan(both, own);
    if (alignment === 'tangential') {
      const gap = tf.sub(rowProducts(given, given), own);
      const root = tf.sqrt(tf.add(tf.square(gap), tf.mul(tf.square(both), 4)));
      along = tf.divNoNan(both, root);
      kept = tf.mul(tf.sub(1, tf.divNoNan(gap, root)), 0.5);
    }
    const backs = tf.tensor1d(rows.map(({ back }) => back));
    const sum: [Weight, tf.Tensor][] = [
      [1, better],
      [-1, worse],
      [tf.mul(tf.sub(1, kept), backs), free],
      [tf.neg(tf.mul(along, backs)), given],
    ];
    return combine(sum);
  };
}
