/**
 * The bootstrap of a two-sample kernel statistic T = uᵀHu, where H holds h over the pooled rows z = (x, y) and
 * u = (1/n, …, −1/m, …). Rows of x and of y are redrawn with replacement, u* = u + δ with δ_i = (a_i − 1)/n for x and
 * −(b_j − 1)/m for y:
 *
 *   T* − T = L* + Q*,   L* = 2 uᵀHδ (from row sums),   Q* = δᵀHδ (blocks of H times the δ of all resamples at once).
 *
 * The plain bootstrap is wrong near T = 0, where the true linear part vanishes but L* does not: the row means in it
 * carry the noise of the other rows, so that Var L* = Var L + 2 Var Q to leading order, for every T. Hence L* is
 * shrunk by c with c² = max(0, 1 − 2 Var(Q*) / Var(L*)), and the deviations are c (L* − mean L*) + Q* − mean Q*.
 * Away from T = 0, c → 1 and this is the plain bootstrap; at T = 0 it is the degenerate bootstrap of Arcones & Giné,
 * "On the bootstrap of U and V statistics", Ann. Statist. 20 (1992). 'V' and 'U' share the deviations: they differ by
 * a constant and by terms of relative order 1/n.
 *
 * Not guaranteed: digits. In Q* distances come from |x|² + |y|² − 2⟨x, y⟩ in float32, ample for a standard error
 * unless a bandwidth is below some thousandth of the spread of the rows. The value of a metric never comes from there.
 */
import type { Pacer } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Bootstrap } from './bootstrap.ts';
import type { Rows } from './finite-rows.ts';
import type { PairKernel } from './signed-kernel.ts';

/** 2 (Hu)_i for the rows of each side, in the sign of their own side. */
export interface Influence {
  readonly samples: Float64Array;
  readonly reference: Float64Array;
}

/** Elements of the largest intermediate tensor. */
const BLOCK_ELEMENTS = 2 ** 21;

/** T* − E T* for every resample. */
export async function signedKernelDeviations(
  rows: readonly [Rows, Rows],
  influence: Influence,
  kernel: PairKernel,
  bootstrap: Bootstrap,
  pacer: Pacer,
): Promise<Float64Array> {
  const R = bootstrap.resamples;
  const [n, m] = [rows[0].n, rows[1].n];
  const linear = new Float64Array(R);
  const weights = new Float32Array((n + m) * R); // n·δ, one column a resample
  for (let r = 0; r < R; r++) {
    await pacer.turn();
    const a = await bootstrap.counts('samples', r, n);
    const b = await bootstrap.counts('reference', r, m);
    for (let i = 0; i < n; i++) {
      weights[i * R + r] = a[i]! - 1;
      linear[r]! += (influence.samples[i]! * (a[i]! - 1)) / n;
    }
    for (let j = 0; j < m; j++) {
      weights[(n + j) * R + r] = ((1 - b[j]!) * n) / m;
      linear[r]! += (influence.reference[j]! * (b[j]! - 1)) / m;
    }
  }
  const form = await quadraticForm(pooledAndCentred(...rows), weights, R, kernel, pacer);
  return combined(
    linear,
    form.map((q) => q / n ** 2),
  );
}

/** wᵀHw for every column w of the weights [size, R], each of sum 0. */
async function quadraticForm(
  pooled: Rows,
  weights: Float32Array,
  R: number,
  kernel: PairKernel,
  pacer: Pacer,
): Promise<Float64Array> {
  const { n: size, d } = pooled;
  const z = tf.tensor2d(pooled.values, [size, d]);
  const w = tf.tensor2d(weights, [size, R]);
  const norms = tf.tidy(() => tf.sum(tf.square(z), 1, true));
  const places = tf.range(0, size, 1, 'int32');
  const out = new Float64Array(R);
  const blockRows = Math.max(1, Math.floor(BLOCK_ELEMENTS / size));
  try {
    for (let first = 0; first < size; first += blockRows) {
      await pacer.turn();
      const count = Math.min(blockRows, size - first);
      const part = tf.tidy(() => {
        const inner = tf.matMul(tf.slice(z, [first, 0], [count, d]), z, false, true);
        const bothNorms = tf.add(tf.slice(norms, [first, 0], [count, 1]), tf.reshape(norms, [1, size]));
        const squared = tf.relu(tf.sub(bothNorms, tf.mul(2, inner)));
        const own = tf.reshape(tf.slice(places, [first], [count]), [count, 1]);
        const offDiagonal = tf.cast(tf.notEqual(own, tf.reshape(places, [1, size])), 'float32');
        // h − h(0) has the same form on weights of sum 0, and nothing on its diagonal.
        const h = tf.mul(tf.sub(kernel.ofSquared(squared), kernel.atZero), offDiagonal);
        return tf.sum(tf.mul(tf.matMul(h, w), tf.slice(w, [first, 0], [count, R])), 0);
      });
      try {
        for (const [r, q] of (await part.data<'float32'>()).entries()) out[r]! += q;
      } finally {
        part.dispose();
      }
    }
  } finally {
    tf.dispose([z, w, norms, places]);
  }
  return out;
}

/** The rows of both sets less their common mean, which keeps |x|² + |y|² − 2⟨x, y⟩ from cancelling. */
function pooledAndCentred(x: Rows, y: Rows): Rows {
  const { d } = x;
  const n = x.n + y.n;
  const values = new Float32Array(n * d);
  values.set(x.values);
  values.set(y.values, x.values.length);
  for (let c = 0; c < d; c++) {
    let mean = 0;
    for (let i = c; i < values.length; i += d) mean += values[i]! / n;
    for (let i = c; i < values.length; i += d) values[i]! -= mean;
  }
  return { values, n, d };
}

function combined(linear: Float64Array, quadratic: Float64Array): Float64Array {
  const centred = (v: Float64Array): Float64Array => {
    const mean = v.reduce((a, b) => a + b, 0) / v.length;
    return v.map((a) => a - mean);
  };
  const square = (v: Float64Array): number => v.reduce((s, a) => s + a * a, 0);
  const l = centred(linear);
  const q = centred(quadratic);
  const ofLinear = square(l);
  const c = ofLinear > 0 ? Math.sqrt(Math.max(0, 1 - (2 * square(q)) / ofLinear)) : 0;
  return l.map((value, r) => c * value + q[r]!);
}
