// tfjs-core's published op tests (about 4,000 specs) on the backend "simd": once for each of RUNS, or once as asked.
//
//   pnpm --filter @diff/backend-simd run conformance [--variant base|relaxed|threads] [--threads N] [--stress]
//     [--grep TEXT] [--backend cpu] [--fallbacks]
//
// --threads: computes on so many threads (default: 2 for the variant threads, else 1), and cuts even small tensors
//   into pieces.
// --stress: all views are detached at every allocation, free memory is filled with NaN, and no kernel may write
//   behind its output.
// --fallbacks: lists the ops of which a call reached a cpu kernel.
// Prints one line for each run. Ends with code 1 if a spec fails, or if fewer pass than the cpu backend passes of the
// specs for every backend.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { generate } from '../scripts/generate.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const folder = join(here, '../.conformance');
const require = createRequire(import.meta.url);
/** Specs that the cpu backend passes and that are not for it alone. */
const EXPECTED = 3848;

/** What is run when nothing is asked for: each in a process of its own, because the build is chosen once. */
const RUNS = [
  ['--variant', 'relaxed'],
  ['--variant', 'base'],
  ['--variant', 'threads'],
  ['--variant', 'relaxed', '--stress'],
  ['--variant', 'base', '--stress'],
  ['--variant', 'threads', '--stress'],
];

if (process.argv.length === 2) {
  const codes = RUNS.map(
    (run) => spawnSync(process.execPath, [process.argv[1], ...run], { stdio: 'inherit' }).status,
  );
  process.exit(codes.every((code) => code === 0) ? 0 : 1);
}

const { values: options } = parseArgs({
  options: {
    variant: { type: 'string', default: 'auto' },
    threads: { type: 'string' },
    stress: { type: 'boolean', default: false },
    fallbacks: { type: 'boolean', default: false },
    grep: { type: 'string' },
    backend: { type: 'string', default: 'simd' },
  },
});

await generate();
mkdirSync(folder, { recursive: true });
const bundle = join(folder, 'suite.mjs');
await build({
  entryPoints: [join(here, 'suite.ts')],
  bundle: true,
  outfile: bundle,
  format: 'esm',
  platform: 'node',
  mainFields: ['module', 'main'],
  conditions: ['@diff/source'],
  // tfjs-core's package.json says that its tests have no side effects.
  ignoreAnnotations: true,
  alias: { 'jasmine-core/lib/jasmine-core/jasmine.js': join(here, 'jasmine-shim.cjs') },
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
  logLevel: 'error',
});

const jasmineCore = require('jasmine-core');
jasmineCore.installGlobals(globalThis);
const jasmine = jasmineCore.jasmine;
const env = jasmine.getEnv();
// The specs print what they profile, and jasmine that this setting will go.
const { log, warn, error } = console;
Object.assign(console, { log() {}, warn() {}, error() {} });
env.configure({
  random: false,
  forbidDuplicateNames: false,
  ...(options.grep && { specFilter: (spec) => spec.getFullName().includes(options.grep) }),
});
jasmine.DEFAULT_TIMEOUT_INTERVAL = 20_000;
const threads = Number(options.threads ?? (options.variant === 'threads' ? 2 : 1));
process.env.CONFORMANCE = JSON.stringify({ ...options, threads });
const suite = await import(`file://${bundle}`);

const counts = { passed: 0, failed: 0, pending: 0, excluded: 0 };
const failures = [];
env.addReporter({
  specDone(result) {
    if (!result.fullName.includes(suite.marker)) return;
    counts[result.status] = (counts[result.status] ?? 0) + 1;
    if (result.status === 'failed')
      failures.push(`${result.fullName}\n    ${result.failedExpectations[0]?.message}`);
  },
});
const start = performance.now();
await env.execute();
Object.assign(console, { log, warn, error });

for (const failure of failures.slice(0, 60)) console.log(`FAILED ${failure}`);
if (options.fallbacks) console.table(suite.counts().filter((count) => count.fallback > 0));
const enough = options.grep !== undefined || counts.passed >= EXPECTED;
const seconds = (performance.now() - start) / 1000;
writeFileSync(
  join(folder, `results-${options.variant}${options.stress ? '-stress' : ''}.json`),
  JSON.stringify({ ...options, ...counts, seconds, failures }, null, 1),
);
console.log(
  `conformance: ${suite.description()}: ${counts.passed} passed, ${counts.failed} failed, ${counts.pending} pending in ${seconds.toFixed(1)} s` +
    (enough ? '' : `; expected ${EXPECTED} or more to pass`),
);
process.exit(counts.failed === 0 && enough ? 0 : 1);
