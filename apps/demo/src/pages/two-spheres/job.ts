/** Two spheres in R³, one for each class, and samples of the class that is asked for, by the exact conditional score. */
import { key } from '@diff/core';
import { exponentialIntegrator, trajectory } from '@diff/samplers';
import { classifierFreeGuidance, uniformSpheres } from '@diff/score';
import { canonicalOu, logSnrGrid } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import type { Job } from '../../engine/protocol.ts';
import { CLASSES, type Frame, RADII, type TwoSpheresArgs, type TwoSpheresResult } from './options.ts';

export const twoSpheres: Job<TwoSpheresArgs, Frame, TwoSpheresResult> = async (args, { signal, update }) => {
  const process = canonicalOu({ T: 5 });
  const exact = uniformSpheres({
    process,
    spheres: RADII.map((radius) => ({ center: [0, 0, 0], radius })),
    labels: [0, 1],
  });
  const conditional = args.class !== 'either';
  const model =
    conditional && args.guidance > 0
      ? classifierFreeGuidance({ conditional: exact, weight: args.guidance })
      : exact;
  const condition = conditional ? tf.fill([args.count], CLASSES.indexOf(args.class), 'int32') : undefined;
  const started = performance.now();
  let [nfe, radius, spread] = [0, 0, 0];
  try {
    const run = trajectory({
      model,
      sampler: exponentialIntegrator({ hold: 'data', noiseLevel: args.noiseLevel }),
      grid: logSnrGrid({ process, steps: args.steps, end: 1e-4 }),
      shape: [args.count, 3],
      key: key(args.seed),
      condition,
      signal,
    });
    for await (const { x, t, step, nfe: used } of run) {
      const values = Float32Array.from(await x.data());
      if (step === args.steps) [radius, spread] = radii(values);
      const scale = Math.hypot(process.alpha(t), process.sigma(t));
      const points = values.map((v) => v / scale);
      update({ t, points }, [points.buffer]);
      nfe = used;
    }
  } finally {
    condition?.dispose();
  }
  return { nfe, seconds: (performance.now() - started) / 1000, radius, spread };
};

/** Mean and standard deviation of the distance from the origin. */
function radii(points: Float32Array): [mean: number, deviation: number] {
  const n = points.length / 3;
  const lengths = Array.from({ length: n }, (_, i) =>
    Math.hypot(points[3 * i]!, points[3 * i + 1]!, points[3 * i + 2]!),
  );
  const mean = lengths.reduce((a, b) => a + b, 0) / n;
  return [mean, Math.sqrt(lengths.reduce((a, b) => a + (b - mean) ** 2, 0) / n)];
}
