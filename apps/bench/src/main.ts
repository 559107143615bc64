/**
 * The cross-backend benchmark: one suite of cases on every backend of this project and of tfjs, and on other tensor
 * libraries where they are installed.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { FormatError, isDiffError } from '@diff/core';
import { BASELINE, CONTESTANTS } from './node/contestants.ts';
import { downloadSizes } from './node/download-size.ts';
import { createLiveTable, type LiveTable } from './node/live-table.ts';
import { measureStartUp } from './node/measure-start-up.ts';
import { runSuite } from './node/run-suite.ts';
import { type Options, readOptions } from './options.ts';
import { byClock, shareOfCore } from './report/by-clock.ts';
import { mergeResults, requireResults } from './report/merge-results.ts';
import { remarks } from './report/remarks.ts';
import { renderReport } from './report/render-report.ts';
import { targetsTable, terminalTable } from './report/terminal-table.ts';
import type { Pace } from './suite/pace.ts';
import type { Results } from './suite/results.ts';
import { CASES } from './suite/suite.ts';

const say = (line: string): boolean => process.stdout.write(`${line}\n`);

const PACES = {
  quick: { sample: 8, warmUp: 40, budget: 1000, limit: 10_000 },
  full: { sample: 30, warmUp: 400, budget: 15_000, limit: 120_000 },
} as const;
/** Milliseconds after which nothing more is begun. */
const DEADLINES = { quick: 48_000, full: Number.POSITIVE_INFINITY };
const START_UP_ROUNDS = 7;
/** Share of a core below which a reader is warned. */
const BUSY = 0.9;

function list(): void {
  say('Cases:');
  for (const { id, title, quick } of CASES)
    say(`  ${id.padEnd(32)} ${title}${quick ? ' (also --quick)' : ''}`);
  say('Contestants:');
  for (const { id, label, quick } of CONTESTANTS) {
    say(`  ${id.padEnd(32)} ${label}${quick ? ' (also --quick)' : ''}`);
  }
}

async function measure(options: Options): Promise<Results> {
  const { quick, rounds, cases, contestants, partial, clock } = options;
  const pace: Pace = { ...PACES[quick ? 'quick' : 'full'], rounds };
  let table: LiveTable | undefined;
  const interrupted = new AbortController();
  process.once('SIGINT', () => {
    // A second one ends the process at once.
    process.stderr.write('Interrupted: finishing this case, then writing what there is.\n');
    interrupted.abort();
  });
  const measured = await runSuite({
    cases,
    contestants,
    pace,
    deadline: DEADLINES[quick ? 'quick' : 'full'],
    clock,
    signal: interrupted.signal,
    options: { quick, rounds, cases: cases.length },
    onCrew: (crew) => {
      table = createLiveTable(crew.results, BASELINE, clock);
    },
    onProgress: (done, { title }, contestant, what) => table?.progress(done, title, contestant, what),
    onCase: (done, result) => table?.finished(done, result),
  });
  table?.end();
  if (quick || partial || interrupted.signal.aborted) return { ...measured, startUp: [], sizes: [] };
  const present = new Set(measured.contestants.filter((c) => c.absent === undefined).map(({ id }) => id));
  return {
    ...measured,
    startUp: await measureStartUp(present, START_UP_ROUNDS),
    sizes: await downloadSizes(),
  };
}

async function readResults(path: string, what: string): Promise<Results> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new FormatError(
      `${what}: the file must be readable, got ${(error as Error).message}. ${hint(what)}`,
    );
  }
  try {
    return requireResults(what, JSON.parse(text));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new FormatError(`${what}: the file must be JSON, got ${error.message}. ${hint(what)}`);
  }
}

const hint = (what: string): string =>
  what === '--out'
    ? 'Run the benchmark without --merge first.'
    : 'Name the JSON that another environment wrote.';

async function write(results: Results, folder: string): Promise<void> {
  const [json, html] = [join(folder, 'results.json'), join(folder, 'report.html')];
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(json, `${JSON.stringify(results, null, 1)}\n`);
    await writeFile(html, renderReport(results));
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    throw new FormatError(`--out: the folder must be writable, got ${error.message}. Name another folder.`);
  }
  say(`Written: ${[json, html].map((path) => relative(process.cwd(), path)).join(', ')}`);
}

async function run(options: Options): Promise<void> {
  const { merge, out } = options;
  if (options.list) return list();
  if (merge) {
    const ours = await readResults(join(out, 'results.json'), '--out');
    return write(mergeResults(ours, await readResults(merge, '--merge')), out);
  }
  const results = await measure(options);
  const seen = byClock(results);
  say(terminalTable(seen.cases, seen.contestants, seen.baseline));
  say(targetsTable(seen));
  for (const line of remarks(seen.cases, seen.contestants)) say(line);
  const share = shareOfCore(results);
  if (share !== undefined && share < BUSY) {
    say(
      `The machine was busy: programs of one thread had ${Math.round(100 * share)} % of a core. Prefer --clock cpu.`,
    );
  }
  if (results.notReached.length > 0) say(`Not reached: ${results.notReached.join(', ')}`);
  await write(results, out);
  const failed = results.cases.flatMap(({ cells }) =>
    Object.values(cells).filter(({ status }) => status === 'wrong' || status === 'error'),
  );
  if (failed.length > 0) say(`${failed.length} results were wrong or failed; see above.`);
}

try {
  await run(readOptions(process.argv.slice(2)));
} catch (error) {
  if (!isDiffError(error)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
