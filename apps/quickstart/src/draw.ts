/**
 * Drawing: as many new rows of each class, and the states that one row of each class goes through.
 */
import type { Key } from '@diff/core';
import { sample, trajectory } from '@diff/samplers';
import { classifierFreeGuidance, type NetworkModel, type ScoreModel } from '@diff/score';
import { karrasGrid } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import type { Dataset } from './dataset.ts';
import { startTask } from './progress.ts';
import { SAMPLERS, type SamplerName } from './samplers.ts';
import type { Scaling } from './scaling.ts';

const PER_CLASS = 100;
const UNCONDITIONAL = 1000;
const FILM_FRAMES = 12;
/** Noise level, in units of the scaled data, above which a state looks like noise alone. */
const SHOWING_FROM = 3;

export interface Drawn {
  readonly sampler: SamplerName;
  readonly data: Dataset;
  readonly nfe: number;
  readonly seconds: number;
}

interface DrawOptions {
  readonly model: NetworkModel;
  readonly like: Dataset;
  readonly scaling: Scaling;
  readonly sampler: SamplerName;
  readonly steps: number;
  readonly guidance: number;
  readonly key: Key;
}

function guided({ model, like, guidance }: DrawOptions): ScoreModel {
  return like.classes > 0 && guidance > 0
    ? classifierFreeGuidance({ conditional: model, weight: guidance })
    : model;
}

function gridOf({ model, steps }: DrawOptions): readonly number[] {
  return karrasGrid({ process: model.process, steps, end: 0, sigmaMin: 0.002 });
}

/** 100 new rows of each class (1,000 where there are none), ordered by class. */
export async function draw(options: DrawOptions): Promise<Drawn> {
  const { like, scaling, sampler, steps, key } = options;
  const n = like.classes > 0 ? like.classes * PER_CLASS : UNCONDITIONAL;
  const labels =
    like.classes > 0 ? Int32Array.from({ length: n }, (_, i) => Math.floor(i / PER_CLASS)) : undefined;
  const condition = labels && tf.tensor1d(labels, 'int32');
  const task = startTask(`Drawing, ${sampler}`, steps);
  const started = performance.now();
  let nfe = 0;
  try {
    const x = await sample({
      model: guided(options),
      sampler: SAMPLERS[sampler](),
      grid: gridOf(options),
      shape: [n, like.d],
      key,
      condition,
      onStep: (report) => {
        nfe = report.nfe;
        task.update(report.step);
      },
    });
    const values = await scaling.fromModel(x);
    x.dispose();
    const seconds = (performance.now() - started) / 1000;
    const data = {
      name: `drawn by ${sampler}`,
      values,
      n,
      d: like.d,
      classes: like.classes,
      ...(labels && { labels }),
    };
    return { sampler, data: like.side ? { ...data, side: like.side } : data, nfe, seconds };
  } finally {
    task.end();
    condition?.dispose();
  }
}

/** One row of each class on its way from noise to data: the states at evenly spaced steps, by class, then by time. */
export async function film(
  options: DrawOptions,
): Promise<{ readonly frames: Float32Array; readonly columns: number }> {
  const { like, scaling, sampler, steps, key } = options;
  const n = Math.max(1, like.classes);
  const condition = like.classes > 0 ? tf.range(0, n, 1, 'int32') : undefined;
  const grid = gridOf(options);
  // The start, then evenly spaced steps from where the image begins to show.
  const showing = grid.findIndex((t) => t < SHOWING_FROM);
  const columns = Math.min(FILM_FRAMES, steps - showing + 2);
  const wanted = new Set([0]);
  for (let i = 0; i < columns - 1; i++)
    wanted.add(showing + Math.round((i * (steps - showing)) / (columns - 2)));
  const states: Float32Array[] = [];
  const run = trajectory({
    model: guided(options),
    sampler: SAMPLERS[sampler](),
    grid,
    shape: [n, like.d],
    key,
    condition,
  });
  try {
    for await (const { x, t, step } of run) {
      if (!wanted.has(step)) continue;
      // Shown at the data's own size: a state at noise level t has standard deviation √(σ_data² + t²).
      const shrunk = tf.tidy(() => tf.mul(x, 0.5 / Math.hypot(0.5, t)));
      states.push(await scaling.fromModel(shrunk));
      shrunk.dispose();
    }
  } finally {
    condition?.dispose();
  }
  const frames = new Float32Array(n * states.length * like.d);
  states.forEach((state, s) => {
    for (let i = 0; i < n; i++) {
      frames.set(state.subarray(i * like.d, (i + 1) * like.d), (i * states.length + s) * like.d);
    }
  });
  return { frames, columns: states.length };
}
