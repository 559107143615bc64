/**
 * The main job of this library in one command: learn a data set, draw new rows, measure how good they are.
 */
import { fold, isDiffError, key, useBackend } from '@diff/core';
import '@diff/backend-simd';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { relative } from 'node:path';
import { halves } from './dataset.ts';
import { loadDigits } from './digits.ts';
import { draw, film } from './draw.ts';
import { learn } from './learn.ts';
import { measure, measureFloor } from './measure.ts';
import { type Options, readOptions } from './options.ts';
import { figures, type Outcome, writeOutputs } from './outputs.ts';
import { readData } from './read-data.ts';
import { otherSampler } from './samplers.ts';
import { fitScaling } from './scaling.ts';

/** One split for all seeds, so that their figures can be compared. */
const SPLIT = key(0);

const say = (line: string): boolean => process.stdout.write(`${line}\n`);

async function run(options: Options): Promise<void> {
  const data = options.data ? await readData(options.data) : await loadDigits();
  const { name: backend } = await useBackend(options.backend);
  const root = key(options.seed);
  const [train, held] = await halves(data, SPLIT);
  say(
    `${data.name}: ${train.n} rows to learn from, ${held.n} held out. Backend ${backend}, seed ${options.seed}.`,
  );

  const scaling = fitScaling(train);
  const learned = await learn({ data: train, held, scaling, epochs: options.epochs, key: fold(root, 1) });
  const drawing = { ...options, model: learned.model, like: train, scaling };
  const runs: Outcome['runs'][number][] = [];
  for (const [i, sampler] of [options.sampler, otherSampler(options.sampler)].entries()) {
    const drawn = await draw({ ...drawing, sampler, key: fold(root, 2 + i) });
    runs.push({ drawn, measured: await measure({ rows: drawn.data, train, held, key: fold(root, 4) }) });
  }
  const floor = await measureFloor({ train, held, key: fold(root, 4) });
  const states = await film({ ...drawing, key: fold(root, 5) });

  const outcome: Outcome = { options, backend, train, held, learned, runs, floor, film: states };
  const written = await writeOutputs(outcome);
  say(JSON.stringify(figures(outcome), null, 2));
  say(`Written: ${written.map((path) => relative(process.cwd(), path)).join(', ')}`);
}

try {
  await run(readOptions(process.argv.slice(2)));
} catch (error) {
  if (!isDiffError(error)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
