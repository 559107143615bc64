/**
 * Writes docs/samplers.md and its plots: `npm run samplers`. With --check it only compares what the page says that samplers
 * claim with what they do claim, and measures nothing.
 */
import '@diff/backend-simd';
import './float64-backend.ts';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { Command } from 'commander';
import { cataloguePlots, dimensionPlot } from './catalogue-plots.ts';
import { SCALING_METHODS, type Scaling, scalingOf } from './dimension-scaling.ts';
import { type Kept, keep, readKept } from './kept.ts';
import { measureAll } from './measure.ts';
import { page } from './page.ts';
import { REGISTRY } from './registry.ts';
import { staleClaims } from './stale-claims.ts';

const docs = new URL('../../../docs/', import.meta.url);
const file = new URL('samplers.md', docs);

async function write(missing: boolean): Promise<void> {
  const kept: Kept = missing ? readKept() : { measured: new Map(), scalings: new Map() };
  const catalogue = await measureAll(REGISTRY, kept.measured, (one) => {
    process.stderr.write(`${one.entry.call}\n`);
    kept.measured.set(one.entry.call, one);
    keep(kept);
  });
  await tf.setBackend('float64');
  const scalings: Scaling[] = [];
  for (const method of SCALING_METHODS) {
    process.stderr.write(`dimension: ${method.name}\n`);
    const scaling = kept.scalings.get(method.name) ?? (await scalingOf(method));
    scalings.push(scaling);
    kept.scalings.set(method.name, scaling);
    keep(kept);
  }
  mkdirSync(new URL('samplers/', docs), { recursive: true });
  const plots = cataloguePlots(catalogue);
  for (const { file: name, svg } of [...plots, dimensionPlot(scalings)]) {
    writeFileSync(new URL(`samplers/${name}`, docs), svg);
  }
  writeFileSync(file, page(catalogue, scalings, plots));
}

function check(): void {
  const stale = staleClaims(readFileSync(file, 'utf8'));
  if (stale.length === 0) return;
  process.stderr.write(
    `samplers: ${fileURLToPath(file)} must say what the samplers claim, got other lines for\n${stale.join('\n')}\nRun npm run samplers.\n`,
  );
  process.exitCode = 1;
}

const { check: only, missing = false } = new Command()
  .name('npm run samplers --')
  .showHelpAfterError('(npm run samplers -- --help lists all options)')
  .description('Measure all samplers and write docs/samplers.md')
  .option('--check', 'compare the claims on the page with the samplers')
  .option('--missing', 'measure only what the last run did not; for when samplers have been added')
  .parse()
  .opts<{ check?: boolean; missing?: boolean }>();
if (only) check();
else await write(missing);
