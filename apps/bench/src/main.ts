/**
 * The cross-backend benchmark: one suite of cases on every backend of this project and of tfjs, and on other tensor
 * libraries where they are installed.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { isDiffError } from '@diff/core';
import { BASELINE, CONTESTANTS } from './node/contestants.ts';
import { createLiveTable, type LiveTable } from './node/live-table.ts';
import type { Pace } from './node/measure-case.ts';
import { runSuite } from './node/run-suite.ts';
import { type Options, readOptions } from './options.ts';
import type { Results } from './report/results.ts';
import { remarks, terminalTable } from './report/terminal-table.ts';
import { CASES } from './suite/suite.ts';

const say = (line: string): boolean => process.stdout.write(`${line}\n`);

const PACES = {
  quick: { sample: 8, budget: 1000, limit: 10_000 },
  full: { sample: 30, budget: 12_000, limit: 90_000 },
} as const;
/** Milliseconds after which nothing more is begun. */
const DEADLINES = { quick: 50_000, full: Number.POSITIVE_INFINITY };

function list(): void {
  say('Cases:');
  for (const { id, title, quick } of CASES)
    say(`  ${id.padEnd(32)} ${title}${quick ? ' (also --quick)' : ''}`);
  say('Contestants:');
  for (const { id, label } of CONTESTANTS) say(`  ${id.padEnd(32)} ${label}`);
}

async function measure(options: Options): Promise<Results> {
  const { quick, rounds, cases, contestants } = options;
  const pace: Pace = { ...PACES[quick ? 'quick' : 'full'], rounds };
  let table: LiveTable | undefined;
  const measured = await runSuite({
    cases,
    contestants,
    pace,
    deadline: DEADLINES[quick ? 'quick' : 'full'],
    options: { quick, rounds, cases: cases.length },
    onCrew: (crew) => {
      table = createLiveTable(crew.results, BASELINE);
    },
    onProgress: (done, { title }, contestant, what) => table?.progress(done, title, contestant, what),
    onCase: (done, result) => table?.finished(done, result),
  });
  table?.end();
  return { ...measured, startUp: [], sizes: [] };
}

async function run(options: Options): Promise<void> {
  if (options.list) return list();
  const results = await measure(options);
  say(terminalTable(results.cases, results.contestants, results.baseline));
  for (const line of remarks(results.cases, results.contestants)) say(line);
  await mkdir(options.out, { recursive: true });
  const path = join(options.out, 'results.json');
  await writeFile(path, `${JSON.stringify(results, null, 1)}\n`);
  say(`Written: ${relative(process.cwd(), path)}`);
}

try {
  await run(readOptions(process.argv.slice(2)));
} catch (error) {
  if (!isDiffError(error)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
