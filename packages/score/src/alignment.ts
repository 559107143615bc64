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
import { combine, DomainError, type Weight } from '@diff/core';
import type { LinearProcess } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { type Affine, conversion } from './convert.ts';
import type { PredictionPair } from './extrapolation.ts';
import { applied } from './model.ts';
import type { PredictionKind } from './prediction-kind.ts';
import { rowProducts } from './row-products.ts';

/** What part of the unconditional prediction is used. */
export type Alignment = 'zeroStar' | 'tangential';

/** u as an affine function of the state and the prediction. */
function terms(process: LinearProcess, t: number, kind: PredictionKind, alignment: Alignment): Affine {
  const noise = conversion(process, t, kind, 'noise');
  if (alignment === 'tangential') {
    if (noise.p !== 0) return noise;
    throw new DomainError(
      `classifierFreeGuidance: alpha(t) must be above 0 for align: 'tangential', got 0 at t = ${t}, where all noise predictions agree. Start below that time, or leave its noise level out with interval: { upTo }.`,
    );
  }
  const data = conversion(process, t, kind, 'data');
  return { x: noise.x - data.x, p: noise.p - data.p, constant: noise.constant - data.constant };
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
    // u = (…) + p·prediction, so differences of u are p times those of predictions.
    const slopes = rows.length === 1 ? rows[0]!.p : tf.tensor1d(rows.map(({ p }) => p));
    const sum: [Weight, tf.Tensor][] = [
      [1, better],
      [-1, worse],
      [tf.div(tf.sub(1, kept), slopes), free],
      [tf.neg(tf.div(along, slopes)), given],
    ];
    return combine(sum);
  };
}
