/**
 * Stochastic localization of a measure π₀ on K points: dU = a_s(U) ds + dB, a_s(u) the mean of the tilted measure
 * π_s ∝ exp(⟨U_s, x⟩ − (s/2)|x|²) π₀. As E[x | s x + √s G = u] it is the posterior mean at noise variance 1/s, which is what
 * `softmaxMean` computes. Euler on a geometric grid of s.
 */
import { combine, createPacer, fold, key, softmaxMean } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Job } from '../../engine/protocol.ts';
import { pointsOf } from '../noise-and-back/shapes.ts';
import type { LocalizationArgs, LocalizationResult, Measure, Moment } from './options.ts';

const FIRST = 0.01;
const LAST = 400;

/** Weights of the tilted measure at u, and the trace of its covariance. */
function tilted(
  atoms: readonly (readonly [number, number])[],
  s: number,
  u: readonly [number, number],
): { readonly weights: Float64Array; readonly trace: number } {
  const logits = atoms.map(([x, y]) => u[0] * x + u[1] * y - (s / 2) * (x * x + y * y));
  const most = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const weights = Float64Array.from(logits, (l) => Math.exp(l - most));
  const total = weights.reduce((a, b) => a + b, 0);
  let [mx, my, square] = [0, 0, 0];
  atoms.forEach(([x, y], k) => {
    const w = weights[k]! / total;
    weights[k] = w;
    mx += w * x;
    my += w * y;
    square += w * (x * x + y * y);
  });
  return { weights, trace: square - mx * mx - my * my };
}

const pair = (values: ArrayLike<number>, scale = 1): [number, number] => [
  values[0]! * scale,
  values[1]! * scale,
];

export const localization: Job<LocalizationArgs, Measure | Moment, LocalizationResult> = async (
  { shape, points, paths, steps, seed },
  { signal, update },
) => {
  const started = performance.now();
  const atoms = await pointsOf(shape, points, seed, []);
  update({ atoms: Float32Array.from(atoms.flat()) });
  const centres = tf.tensor2d(atoms.map(([x, y]) => [x, y]));
  const pacer = createPacer({ signal });
  let u = tf.zeros([paths, 2]);
  try {
    for (let i = 0; i <= steps; i++) {
      await pacer.turn();
      const s = i === 0 ? 0 : FIRST * (LAST / FIRST) ** ((i - 1) / (steps - 1));
      const next = FIRST * (LAST / FIRST) ** (i / (steps - 1));
      // At s = 0 the measure is π₀ itself; a huge noise variance says the same.
      const variance = s === 0 ? 1e8 : 1 / s;
      const observed = combine([[s === 0 ? 0 : 1 / s, u]]);
      const { mean, logDensity } = softmaxMean(observed, centres, { noiseVariance: variance });
      const [us, as] = [await u.data(), await mean.data()];
      const laws = Array.from({ length: paths }, (_, p) => tilted(atoms, s, [us[2 * p]!, us[2 * p + 1]!]));
      if (s > 0) {
        const weights = Float32Array.from(laws[0]!.weights);
        update(
          {
            s,
            t: 0.5 * Math.log(1 + 1 / s),
            weights,
            mean: pair(as),
            observed: pair(us, 1 / s),
            diffusion: pair(us, 1 / Math.sqrt(s * (s + 1))),
            trace: laws.reduce((sum, { trace }) => sum + trace, 0) / paths,
          },
          [weights.buffer],
        );
      }
      const moved = combine(
        [
          [1, u],
          [next - s, mean],
        ],
        { noise: [Math.sqrt(next - s), fold(key(seed), i + 10)] },
      );
      tf.dispose([u, mean, logDensity, observed]);
      u = moved;
    }
  } finally {
    tf.dispose([u, centres]);
  }
  return { seconds: (performance.now() - started) / 1000 };
};
