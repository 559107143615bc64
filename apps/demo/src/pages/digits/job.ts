/** Handwritten digits from the network that comes with the page. */
import { key } from '@diff/core';
import {
  ddim,
  ddpm,
  dpmSolver,
  edmStochastic,
  eulerAncestral,
  heun,
  type Sampler,
  trajectory,
} from '@diff/samplers';
import { classifierFreeGuidance, loadCheckpoint, type ScoreModel } from '@diff/score';
import { karrasGrid } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import type { Job } from '../../engine/protocol.ts';
import weights from './digits.safetensors?url';
import { type DigitsArgs, type DigitsResult, type Frame, type SamplerName, SIDE } from './options.ts';

const samplers: Readonly<Record<SamplerName, () => Sampler>> = {
  Heun: () => heun(),
  'DPM-Solver++ (2M)': () => dpmSolver({ order: 2 }),
  DDIM: () => ddim(),
  DDPM: () => ddpm(),
  'Euler ancestral': () => eulerAncestral(),
  'EDM stochastic': () => edmStochastic({ churn: 10 }),
};

interface Loaded {
  readonly model: ScoreModel;
  /** Grey value = mean + width · the network's number. */
  readonly mean: number;
  readonly width: number;
}

let loaded: Promise<Loaded> | undefined;

async function load(): Promise<Loaded> {
  const response = await fetch(weights);
  if (!response.ok)
    throw new Error(`The weights could not be fetched: ${response.status} ${response.statusText}.`);
  const { model, metadata } = loadCheckpoint(new Uint8Array(await response.arrayBuffer()));
  const { mean, width } = JSON.parse(metadata.pixels!) as { mean: number; width: number };
  return { model, mean, width };
}

export const digits: Job<DigitsArgs, Frame, DigitsResult> = async (args, { signal, update }) => {
  loaded ??= load();
  loaded.catch(() => {
    loaded = undefined;
  });
  const { model: network, mean, width } = await loaded;
  const started = performance.now();
  const model =
    args.guidance > 0 ? classifierFreeGuidance({ conditional: network, weight: args.guidance }) : network;
  const label = (i: number): number => (args.digit === 'all' ? i % 10 : Number(args.digit));
  const condition = tf.tensor1d(
    Int32Array.from({ length: args.count }, (_, i) => label(i)),
    'int32',
  );
  const grid = karrasGrid({ process: network.process, steps: args.steps, end: 0 });
  let nfe = 0;
  try {
    for (const name of args.samplers) {
      const run = trajectory({
        model,
        sampler: samplers[name](),
        grid,
        shape: [args.count, SIDE * SIDE],
        key: key(args.seed),
        condition,
        signal,
      });
      let used = 0;
      for await (const { x, t, step, nfe: evaluations } of run) {
        const pixels = Float32Array.from(await x.data(), (v) => mean + width * v);
        update({ sampler: name, step, sigma: t, pixels }, [pixels.buffer]);
        used = evaluations;
      }
      nfe += used;
    }
  } finally {
    condition.dispose();
  }
  return { nfe, seconds: (performance.now() - started) / 1000 };
};
