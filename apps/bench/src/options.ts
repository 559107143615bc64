/** The command line. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DomainError } from '@diff/core';
import { Command, InvalidArgumentError, Option } from 'commander';
import { CONTESTANTS, type ContestantSpec } from './node/contestants.ts';
import type { BenchCase } from './suite/bench-case.ts';
import type { Clock } from './suite/results.ts';
import { CASES } from './suite/suite.ts';

export interface Options {
  readonly quick: boolean;
  readonly list: boolean;
  readonly rounds: number;
  readonly out: string;
  readonly clock: Clock;
  /** Was --only or --backends given? Then start-up and sizes are left out. */
  readonly partial: boolean;
  readonly cases: readonly BenchCase[];
  readonly contestants: readonly ContestantSpec[];
  /** Results of another environment to be merged into those in `out`. */
  readonly merge?: string;
}

interface Raw {
  readonly quick: boolean;
  readonly list: boolean;
  readonly rounds?: number;
  readonly out: string;
  readonly clock: Clock;
  readonly only?: string;
  readonly backends?: string;
  readonly merge?: string;
}

const ROUNDS = { quick: 3, full: 15 };

/** Paths are relative to where the user called from, which npm replaces by the project's root. */
const here = process.env.INIT_CWD ?? process.cwd();
const projectRoot = fileURLToPath(new URL('../../..', import.meta.url));

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('It must be a whole number of at least 1.');
  return value;
}

/** Cases whose id contains one of the comma-separated words; * stands for anything. */
export function chosenCases(pattern: string): readonly BenchCase[] {
  const words = pattern.split(',').map((w) => w.trim());
  const tests = words.map((word) => {
    const escaped = word.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
    return new RegExp(escaped.join('.*'));
  });
  const unknown = words.find((word, i) => word === '' || !CASES.some(({ id }) => tests[i]!.test(id)));
  if (unknown !== undefined) {
    throw new DomainError(
      `--only: each pattern must match a case, got '${unknown}'. Choose from: ${CASES.map(({ id }) => id).join(', ')}.`,
    );
  }
  return CASES.filter(({ id }) => tests.some((test) => test.test(id)));
}

/** Contestants by their comma-separated ids. */
export function chosenContestants(list: string): readonly ContestantSpec[] {
  const wanted = list.split(',').map((w) => w.trim());
  const unknown = wanted.find((word) => !CONTESTANTS.some(({ id }) => id === word));
  if (unknown !== undefined) {
    throw new DomainError(
      `--backends: each must be a contestant, got '${unknown}'. Choose from: ${CONTESTANTS.map(({ id }) => id).join(', ')}.`,
    );
  }
  return CONTESTANTS.filter(({ id }) => wanted.includes(id));
}

/** Reads the arguments; prints help or the error and ends the process where that is what they ask for. */
export function readOptions(args: readonly string[]): Options {
  const command = new Command('npm run bench --')
    .description(
      'Measures this project beside other tensor libraries on the same cases, and checks their results.',
    )
    .option('--quick', 'a selection of cases and contestants in few rounds, within a minute', false)
    .option('--only <patterns>', 'cases whose name contains one of these, comma-separated; * is a wildcard')
    .option('--backends <names>', 'contestants, comma-separated')
    .option(
      '--rounds <n>',
      `turns of each contestant in each case (default ${ROUNDS.full}, or ${ROUNDS.quick} with --quick)`,
      positive,
    )
    .addOption(
      new Option(
        '--clock <clock>',
        'what ratios go by: time that passes, or, on a busy machine, of the processor',
      )
        .choices(['wall', 'cpu'])
        .default('wall'),
    )
    .option('--out <folder>', 'where results.json and report.html go', 'out/bench in the project')
    .option('--merge <file>', 'adds results of another environment to those in --out, and measures nothing')
    .option('--list', 'prints the cases and contestants', false)
    .allowExcessArguments(false)
    .showHelpAfterError('(npm run bench -- --help lists all options)')
    .parse(args, { from: 'user' });
  const raw = command.opts<Raw>();
  const given = command.getOptionValueSource('out') === 'cli';
  const cases = raw.only ? chosenCases(raw.only) : raw.quick ? CASES.filter((c) => c.quick) : CASES;
  return {
    quick: raw.quick,
    list: raw.list,
    clock: raw.clock,
    rounds: raw.rounds ?? (raw.quick ? ROUNDS.quick : ROUNDS.full),
    out: given ? resolve(here, raw.out) : resolve(projectRoot, 'out/bench'),
    partial: raw.only !== undefined || raw.backends !== undefined,
    cases,
    contestants: raw.backends
      ? chosenContestants(raw.backends).map((c) => ({ ...c, growth: true }))
      : CONTESTANTS.filter((c) => c.quick || !raw.quick),
    ...(raw.merge && { merge: resolve(here, raw.merge) }),
  };
}
