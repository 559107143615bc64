// Random sequences of ops on simd beside cpu (test/random-run.ts) for as long as asked.
//
//   npm run random-ops -- [--seconds 60] [--seed N] [--variant base|relaxed] [--plain]
//
// Growth, poisoned memory and guards behind every block are on unless --plain. A failure is printed with the shortest
// sequence that still fails, and the seed.
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import fc from 'fast-check';
import { generate } from '../scripts/generate.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const folder = join(here, '../.conformance');
const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    variant: { type: 'string', default: 'auto' },
    plain: { type: 'boolean', default: false },
  },
});

await generate();
mkdirSync(folder, { recursive: true });
const outfile = join(folder, 'random-ops.mjs');
await build({
  stdin: {
    contents:
      "export * from './test/random-run.ts'; export { setVariant, simdInfo } from './src/index.ts'; export { wasm } from './src/wasm.ts';",
    resolveDir: join(here, '..'),
  },
  bundle: true,
  outfile,
  format: 'esm',
  platform: 'node',
  mainFields: ['module', 'main'],
  conditions: ['@diff/source'],
  external: ['fast-check'],
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
  logLevel: 'error',
});
const { runSequence, sequences, setVariant, simdInfo, tally, wasm } = await import(`file://${outfile}`);

setVariant(options.variant);
if (!options.plain) wasm().heap.stress({ detach: true, poison: true, guard: true });
console.warn = () => {};
const seed = Number(options.seed);
const count = tally();
const result = await fc.check(
  fc.asyncProperty(sequences(40), (commands) => runSequence(commands, count)),
  {
    seed,
    numRuns: Number.MAX_SAFE_INTEGER,
    maxSkipsPerRun: 0,
    interruptAfterTimeLimit: 1000 * Number(options.seconds),
    markInterruptAsFailure: false,
  },
);
const { variant, memory } = simdInfo();
console.log(
  `random-ops (${variant}${options.plain ? '' : ', stress'}, seed ${seed}): ${count.sequences} sequences, ${count.calls} calls of ` +
    `${count.byOp.size} ops, ${count.elements} elements compared, ${count.beyondRange} beyond the range of float32; ` +
    `memory ${(memory.highWater / 1e6).toFixed(1)} MB at most, ${memory.blocks} blocks left`,
);
if (result.failed) {
  console.error(fc.defaultReportMessage(result), result.errorInstance);
  process.exit(1);
}
