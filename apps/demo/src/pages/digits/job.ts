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
import { classifierFreeGuidance, loadCheckpoint } from '@diff/score';
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

let file: Promise<Uint8Array> | undefined;

async function download(): Promise<Uint8Array> {
  const response = await fetch(weights);
  if (!response.ok)
    throw new Error(`The weights could not be fetched: ${response.status} ${response.statusText}.`);
  return new Uint8Array(await response.arrayBuffer());
}

export const digits: Job<DigitsArgs, Frame, DigitsResult> = async (args, { signal, update }) => {
  file ??= download().catch((error: unknown) => {
    file = undefined;
    throw error;
  });
  // Each run has its weights on the backend that computes now.
  const { model: network, metadata } = loadCheckpoint(await file);
  // Grey value = mean + width · the network's number.
  const { mean, width } = JSON.parse(metadata.pixels!) as { mean: number; width: number };
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
    tf.dispose([condition, ...Object.values(network.network.variables)]);
  }
  return { nfe, seconds: (performance.now() - started) / 1000 };
};
