/**
 * Noise and back: points of the data drift into noise along the forward process, then a sampler brings fresh noise back
 * along the exact score of the same data.
 */
import { fold, key } from '@diff/core';
import { energyDistance } from '@diff/metrics';
import { trajectory } from '@diff/samplers';
import { gaussianMixture } from '@diff/score';
import { type LinearProcess, perturb } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import type { Job } from '../../engine/protocol.ts';
import { fieldAt } from '../../ui/score-field.ts';
import { grids, processes, samplers } from './choices.ts';
import { EXTENT, type NoiseAndBackArgs } from './options.ts';
import { pointsOf } from './shapes.ts';

/** One moment: particles and the score field, both divided by the spread √(α² + σ²) so that the picture keeps its size. */
export interface Frame {
  readonly forward: boolean;
  readonly t: number;
  /** x, y of every particle. */
  readonly points: Float32Array;
  /** σ·score at the nodes of a square lattice row by row. */
  readonly arrows: Float32Array;
  /** Energy distance to fresh data, at some moments of the way back. */
  readonly distance?: number;
}

export interface NoiseAndBackResult {
  readonly nfe: number;
  readonly seconds: number;
  /** Energy distance between the samples and fresh data, and between two draws of fresh data. */
  readonly distance: number;
  readonly floor: number;
}

/** Points that stand for the data; each is a Gaussian of standard deviation WIDTH. */
const CENTRES = 500;
const WIDTH = 0.05;
const FORWARD_FRAMES = 24;
const MEASURED = 1000;

const spread = (process: LinearProcess, t: number): number => Math.hypot(process.alpha(t), process.sigma(t));

async function values(x: tf.Tensor): Promise<Float32Array<ArrayBuffer>> {
  try {
    return Float32Array.from(await x.data());
  } finally {
    x.dispose();
  }
}

export const noiseAndBack: Job<NoiseAndBackArgs, Frame, NoiseAndBackResult> = async (
  args,
  { signal, update },
) => {
  const process = processes[args.process]();
  const means = await pointsOf(args.shape, CENTRES, args.seed, args.drawn);
  const model = gaussianMixture({ process, means, variance: WIDTH ** 2 });
  const grid = grids[args.grid](process, args.steps);
  const [root, n] = [key(args.seed), args.count];

  const frame = async (x: tf.Tensor, t: number, forward: boolean, distance?: number): Promise<void> => {
    const points = await values(tf.div(x, spread(process, t)));
    const arrows = await fieldAt(model, t, EXTENT, spread(process, t));
    const shown = { forward, t, points, arrows, ...(distance === undefined ? {} : { distance }) };
    update(shown, [points.buffer, arrows.buffer]);
  };

  const data = await model.sample(fold(root, 1), n);
  const fresh = await model.sample(fold(root, 2), MEASURED);
  const started = performance.now();
  try {
    const times = Array.from(
      { length: FORWARD_FRAMES + 1 },
      (_, i) => grid.at(-1)! + (grid[0]! - grid.at(-1)!) * (i / FORWARD_FRAMES) ** 2,
    );
    for (const t of times) {
      signal.throwIfAborted();
      const noised = perturb(process, data, t, { key: fold(root, 3) });
      noised.noise.dispose();
      await frame(noised.x, t, true);
      noised.x.dispose();
    }
    const measure = async (x: tf.Tensor): Promise<number> => {
      const some = tf.slice(x, 0, Math.min(n, MEASURED));
      const { value } = await energyDistance(some, fresh);
      some.dispose();
      return value;
    };
    const sampler = samplers[args.sampler](args.noiseLevel);
    let [nfe, distance] = [0, Number.NaN];
    for await (const { x, t, step, nfe: used } of trajectory({
      model,
      sampler,
      grid,
      shape: [n, 2],
      key: fold(root, 4),
      signal,
    })) {
      if (step % 5 === 0 || step === args.steps) distance = await measure(x);
      await frame(x, t, false, distance);
      nfe = used;
    }
    const other = await model.sample(fold(root, 5), Math.min(n, MEASURED));
    const { value: floor } = await energyDistance(other, fresh);
    other.dispose();
    return { nfe, seconds: (performance.now() - started) / 1000, distance, floor };
  } finally {
    tf.dispose([data, fresh]);
  }
};
