// Puts faults into the kernels, one at a time, and looks whether the tests notice.
//
//   npm run mutation -- [--files combine,sgemm-tile] [--all] [--list] [--match 'gather.ts:17 ,gather.ts:24 one turn']
//
// Without --all each file gets about one mutant for 20 lines, spread over the kinds of faults (mutants.mjs) and over the
// file. Every mutant is compiled into both builds and meets the tests that concern its file (tests-of.mjs) in a copy
// of the package in the system's folder for temporary files. It is `killed` when a test fails, `stopped` when the
// tests do not end or their process dies (both count as killed), `equivalent` when equivalent.json says why no test
// can tell, else it `SURVIVED`. Ends with code 1 if one survived. Mutants that do not compile, or compile to the same
// bytes, do not count.
//
// Takes about two seconds a mutant, one after another: name --files to do it in parts.
import { fork } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import asc from 'assemblyscript/asc';
import { generate } from '../scripts/generate.mjs';
import { allMutants, someMutants } from './mutants.mjs';
import { testsOf } from './tests-of.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const LINES_PER_MUTANT = 20;
const BUILDS = { base: [], relaxed: ['--enable', 'relaxed-simd'] };

const { values: options } = parseArgs({
  options: {
    files: { type: 'string' },
    all: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    match: { type: 'string', default: '' },
  },
});

const assembly = Object.fromEntries(
  readdirSync(join(root, 'assembly'))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => [name, readFileSync(join(root, 'assembly', name), 'utf8')]),
);
const equivalents = JSON.parse(readFileSync(join(root, 'mutation/equivalent.json'), 'utf8'));

const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');

/** The module with one file replaced, for each build; undefined if it does not compile. */
async function compile(file, source) {
  const binaries = {};
  for (const [build, extra] of Object.entries(BUILDS)) {
    // As in scripts/generate.mjs, but quick.
    const flags = [
      '--runtime',
      'stub',
      '--importMemory',
      '--noExportMemory',
      '-O0',
      '--noAssert',
      '--enable',
      'simd',
    ];
    flags.push('--initialMemory', '16', '--maximumMemory', '65536');
    const { error } = await asc.main(['assembly/index.ts', ...flags, ...extra, '--outFile', 'out.wasm'], {
      readFile: (name) => {
        const own = name.replace(/^assembly\//, '');
        return own === file ? source : (assembly[own] ?? null);
      },
      writeFile: (_, contents) => {
        binaries[build] = Buffer.from(contents);
      },
      listFiles: () => [],
    });
    if (error) return undefined;
  }
  return binaries;
}

/** A copy of the package in `base` that runs on the modules that lie beside it. */
function copyOfPackage(base) {
  const folder = join(base, 'package');
  for (const name of ['src', 'test', 'package.json', 'tsconfig.json', 'README.md'])
    cpSync(join(root, name), join(folder, name), { recursive: true });
  mkdirSync(join(base, 'node_modules'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  symlinkSync(dirname(vitest), join(base, 'node_modules/vitest'));
  writeFileSync(
    join(folder, 'vitest.config.mjs'),
    `import base from '@diff/testkit/vitest';
const test = { ...base.test, setupFiles: ['./test/every-fault.ts'], outputFile: {}, fileParallelism: false };
export default { ...base, cacheDir: './.cache', test };
`,
  );
  writeFileSync(
    join(folder, 'src/module-bytes.ts'),
    `import { readFileSync } from 'node:fs';
export const moduleBytes = (build: string) => new Uint8Array(readFileSync(${JSON.stringify(base)} + '/' + build + '.wasm'));
`,
  );
  return folder;
}

let base;
let runner;

/** A process of its own that runs tests: one that hangs can be ended. */
async function startRunner() {
  const script = join(root, 'mutation/test-runner.mjs');
  runner = fork(script, [join(base, 'package')], {
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  // Said by the exit too.
  runner.on('error', () => {});
  if ((await answerOf(runner)) === undefined)
    throw new Error('mutation: the process that runs the tests died.');
}

/** The next message of a process; undefined if it dies before, or cannot be reached. */
const answerOf = (child, ...questions) =>
  new Promise((resolve) => {
    const end = (answer) => {
      child.off('message', end).off('exit', died);
      resolve(answer);
    };
    const died = () => end(undefined);
    child.on('message', end).on('exit', died);
    for (const question of questions) child.send(question, (error) => error && died());
  });

/** Ends the runner with everything that it started. */
function stopRunner() {
  try {
    if (runner) process.kill(-runner.pid, 'SIGKILL');
  } catch (error) {
    // It and all that it started have died already.
    if (error.code !== 'ESRCH') throw error;
  }
  runner = undefined;
}

/** 'passed', 'failed' or 'stopped' (the tests did not end, or their process died), and what the tests said. */
async function runTests(binaries, tests, limit) {
  for (const [build, binary] of Object.entries(binaries)) writeFileSync(join(base, `${build}.wasm`), binary);
  if (!runner?.connected) {
    stopRunner();
    await startRunner();
  }
  let timer;
  const timeout = new Promise((resolve) => {
    timer = setTimeout(resolve, limit, undefined);
  });
  const outcome = await Promise.race([answerOf(runner, tests), timeout]);
  clearTimeout(timer);
  if (outcome) return outcome;
  stopRunner();
  return { result: 'stopped', output: 'The tests did not end, or their process died.' };
}

const isEquivalent = (mutant) =>
  equivalents.some(
    ({ file, operator, code, change }) =>
      file === mutant.file &&
      operator === mutant.operator &&
      code === mutant.code &&
      change === mutant.change,
  );

const wanted = options.files?.split(',').map((name) => (name.endsWith('.ts') ? name : `${name}.ts`));
const mutants = Object.entries(assembly)
  .filter(([file]) => !wanted || wanted.includes(file))
  .flatMap(([file, source]) =>
    options.all
      ? allMutants(file, source)
      : someMutants(file, source, Math.max(6, Math.round(source.split('\n').length / LINES_PER_MUTANT) + 3)),
  )
  .filter(({ file, line, operator }) =>
    options.match.split(',').some((text) => `${file}:${line} ${operator}`.includes(text)),
  );
const shown = ({ file, line, operator, change }) => `${file}:${line}  ${operator}: ${change.slice(0, 110)}`;
if (options.list) {
  for (const mutant of mutants) console.log(shown(mutant));
  console.log(`${mutants.length} mutants`);
  process.exit(0);
}

await generate();
base = mkdtempSync(join(tmpdir(), 'simd-mutation-'));
const folder = copyOfPackage(base);
const existing = readdirSync(join(folder, 'test'))
  .filter((file) => file.endsWith('.test.ts') && file !== 'documentation.test.ts')
  .map((file) => file.replace('.test.ts', ''));
const score = new Map();
let survived = 0;
try {
  const whole = await compile('', '');
  const limits = new Map();
  for (const mutant of mutants) {
    const tests = testsOf(mutant.file, existing);
    const key = tests.join();
    if (!limits.has(key)) {
      const start = performance.now();
      const { result, output } = await runTests(whole, tests, 300_000);
      if (result !== 'passed')
        throw new Error(`mutation: the tests must pass without a fault, got\n${output}`);
      limits.set(key, 10_000 + 3 * (performance.now() - start));
    }
    const binaries = await compile(mutant.file, mutant.source);
    if (!binaries || Object.keys(BUILDS).every((build) => binaries[build].equals(whole[build]))) continue;
    const row = score.get(mutant.file) ?? { mutants: 0, killed: 0, equivalent: 0 };
    score.set(mutant.file, row);
    row.mutants++;
    let verdict = 'equivalent';
    if (!isEquivalent(mutant)) {
      const { result } = await runTests(binaries, tests, limits.get(key));
      verdict = result === 'passed' ? 'SURVIVED' : result === 'failed' ? 'killed' : 'stopped';
    }
    if (verdict === 'SURVIVED') survived++;
    else if (verdict === 'equivalent') row.equivalent++;
    else row.killed++;
    console.log(`${verdict.padEnd(10)} ${shown(mutant)}`);
  }
} finally {
  stopRunner();
  rmSync(base, { recursive: true, force: true });
}
console.table(Object.fromEntries(score));
const sum = (what) => [...score.values()].reduce((total, row) => total + row[what], 0);
console.log(
  `mutation: ${sum('killed')} of ${sum('mutants')} killed, ${sum('equivalent')} equivalent, ${survived} survived`,
);
process.exit(survived === 0 ? 0 : 1);
