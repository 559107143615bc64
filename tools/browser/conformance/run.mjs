// tfjs-core's published op tests (about 4,000 specs) in Chromium: on simd, on a plain page and, with threads, on a
// cross-origin isolated one; and on the wasm and webgpu backends of tfjs, WebGPU on SwiftShader.
//
//   pnpm --filter @diff/browser run conformance [--run "simd, plain page"] [--record]
//
// --run: the run of that name alone.
// --record: writes what fails on wasm and webgpu to known-failures/, instead of comparing with it.
// Prints one line for each run. Ends with code 1 if a spec fails that is not in known-failures/, if one passes that
// is, or if fewer specs pass on simd than pass on cpu. Without a Chromium nothing runs.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { chromium } from 'playwright';
import { chromiumFlags, findChromium, swiftShaderFlags } from '../src/index.ts';
import { compareWithKnown, recordKnown } from './known-failures.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
/** Specs that the cpu backend passes and that are not for it alone. */
const EXPECTED = 3848;

/** The longest first. */
const RUNS = [
  { name: 'webgpu', backend: 'webgpu', foreign: true, flags: swiftShaderFlags },
  { name: 'wasm', backend: 'wasm', foreign: true },
  {
    name: 'simd on 2 threads, isolated page',
    backend: 'simd',
    variant: 'threads',
    threads: 2,
    isolated: true,
  },
  { name: 'simd, plain page', backend: 'simd' },
];
/** Runs at the same time: a page of the tests keeps one core busy. */
const TOGETHER = 2;

const { values: options } = parseArgs({
  options: { run: { type: 'string' }, record: { type: 'boolean', default: false } },
});
const runs = RUNS.filter(({ name }) => options.run === undefined || name === options.run);
if (runs.length === 0) {
  console.error(
    `conformance: --run must be one of ${RUNS.map(({ name }) => `"${name}"`).join(', ')}, got "${options.run}".`,
  );
  process.exit(2);
}

const executablePath = findChromium();
if (!executablePath) {
  console.log(
    "conformance in a browser: skipped, it needs Chromium (Debian: 'chromium') or its path in CHROMIUM.",
  );
  process.exit(0);
}

const bundled = await build({
  entryPoints: [join(here, 'suite.ts')],
  bundle: true,
  write: false,
  format: 'esm',
  platform: 'browser',
  target: 'esnext',
  mainFields: ['module', 'main'],
  conditions: ['@diff/source'],
  // tfjs-core's package.json says that its tests have no side effects.
  ignoreAnnotations: true,
  alias: { 'jasmine-core/lib/jasmine-core/jasmine.js': join(here, 'jasmine-shim.cjs') },
  // Asked for by the wasm backend and a test, in Node alone.
  external: [
    'fs',
    'path',
    'os',
    'crypto',
    'worker_threads',
    'perf_hooks',
    'util',
    'node-fetch',
    'string_decoder',
  ],
  logLevel: 'error',
});
const jasmine = join(dirname(require.resolve('jasmine-core')), 'jasmine-core/jasmine.js');
const wasmFiles = dirname(require.resolve('@tensorflow/tfjs-backend-wasm'));

const PAGE = `<!doctype html><meta charset="utf-8"><title>conformance</title>
<script src="jasmine.js"></script><script type="module" src="suite.js"></script>`;

/** A file of the site: its type and content. */
function fileAt(path) {
  if (path === '/') return ['text/html', PAGE];
  if (path === '/suite.js') return ['text/javascript', bundled.outputFiles[0].contents];
  if (path === '/jasmine.js') return ['text/javascript', readFileSync(jasmine)];
  if (/^\/wasm\/[\w-]+\.wasm$/.test(path)) {
    return ['application/wasm', readFileSync(join(wasmFiles, path.slice('/wasm/'.length)))];
  }
  return undefined;
}

async function serve(isolated) {
  const server = createServer((request, response) => {
    const found = fileAt(new URL(request.url, 'http://page').pathname);
    if (!found) return response.writeHead(404).end();
    response.writeHead(200, {
      'Content-Type': found[0],
      ...(isolated && {
        'Cross-Origin-Opener-Policy': 'same-origin',
        'Cross-Origin-Embedder-Policy': 'require-corp',
      }),
    });
    response.end(found[1]);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function outcomeOf({ isolated = false, backend, variant = 'auto', threads = 1, flags = [] }) {
  const server = await serve(isolated);
  const browser = await chromium.launch({ executablePath, args: [...chromiumFlags, ...flags] });
  try {
    const page = await browser.newPage();
    const failed = new Promise((_, reject) => page.on('pageerror', reject));
    failed.catch(() => undefined); // specs provoke some, too
    await page.goto(
      `http://127.0.0.1:${server.address().port}/?${new URLSearchParams({ backend, variant, threads: String(threads) })}`,
    );
    await Promise.race([
      page.waitForFunction('globalThis.results !== undefined', undefined, { timeout: 60_000 }),
      failed,
    ]);
    return await page.evaluate('globalThis.results');
  } finally {
    await browser.close();
    server.close();
  }
}

/** Runs the suite, prints what came out, and says whether it is as it should be. */
async function isAsExpected(run) {
  const start = performance.now();
  const { passed, pending, leftOut, failures } = await outcomeOf(run);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  if (run.foreign && options.record) recordKnown(run.backend, failures);
  const { unexpected, missing } = compareWithKnown(run.foreign ? run.backend : undefined, failures);
  const enough = run.foreign || passed >= EXPECTED;
  const known = run.foreign ? ` (${failures.length - unexpected.length} of them known)` : '';
  const lines = [
    ...unexpected.slice(0, 60).map(({ name, message }) => `FAILED ${name}\n    ${message}`),
    ...missing
      .slice(0, 60)
      .map(
        (name) =>
          `PASSED, but is among the known failures: ${name}\n    Take it out of known-failures/${run.backend}.txt.`,
      ),
    `conformance in Chromium: ${run.name}: ${passed} passed, ${failures.length} failed${known}, ${pending} pending, ${leftOut} left out in ${seconds} s${
      enough ? '' : `; expected ${EXPECTED} or more to pass`
    }`,
  ];
  console.log(lines.join('\n'));
  return unexpected.length === 0 && missing.length === 0 && enough;
}

const waiting = [...runs];
const verdicts = [];
async function work() {
  for (let run = waiting.shift(); run; run = waiting.shift()) verdicts.push(await isAsExpected(run));
}
await Promise.all(Array.from({ length: TOGETHER }, work));
process.exit(verdicts.every(Boolean) ? 0 : 1);
