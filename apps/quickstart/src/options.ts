/**
 * The command line.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BACKEND_ORDER } from '@diff/core';
import { Command, InvalidArgumentError, Option } from 'commander';
import { SAMPLERS, type SamplerName } from './samplers.ts';

export interface Options {
  readonly seed: number;
  readonly epochs: number;
  readonly steps: number;
  readonly sampler: SamplerName;
  readonly backend: string;
  readonly guidance: number;
  readonly data?: string;
  readonly out: string;
  readonly quick: boolean;
}

const QUICK = { epochs: 100, steps: 20 };
const FULL = { epochs: 500, steps: 40 };

/** Paths are relative to where the user called from, which npm replaces by the project's root. */
const here = process.env.INIT_CWD ?? process.cwd();
const projectRoot = fileURLToPath(new URL('../../..', import.meta.url));

function integer(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
    }
    return value;
  };
}

function nonNegative(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) {
    throw new InvalidArgumentError('It must be a number of at least 0.');
  }
  return value;
}

/** Reads the arguments; prints help or the error and ends the process where that is what they ask for. */
export function readOptions(args: readonly string[]): Options {
  const command = new Command('npm start --')
    .description(
      'Learns handwritten digits (or your data) from scratch, draws new ones, and measures how good they are.',
    )
    .option('--seed <n>', 'names every random number of the run', integer(0), 0)
    .option(
      '--epochs <n>',
      `passes over the training data (default ${FULL.epochs}, or ${QUICK.epochs} with --quick)`,
      integer(1),
    )
    .option(
      '--steps <n>',
      `sampling steps (default ${FULL.steps}, or ${QUICK.steps} with --quick)`,
      integer(2),
    )
    .addOption(new Option('--sampler <name>', 'sampler').choices(Object.keys(SAMPLERS)).default('heun'))
    .addOption(
      new Option('--backend <name>', 'tensor backend; auto takes the best')
        .choices(['auto', ...BACKEND_ORDER])
        .default('simd'),
    )
    .option(
      '--guidance <w>',
      'strength of classifier-free guidance, where the data has classes',
      nonNegative,
      0.2,
    )
    .option(
      '--data <file>',
      'your own data: a .csv of numbers (a column "label" names classes) or a .npy array',
    )
    .option('--out <folder>', 'where the results go', 'out/quickstart in the project')
    .option('--quick', 'a short run, under a minute', false)
    .allowExcessArguments(false)
    .showHelpAfterError('(npm start -- --help lists all options)')
    .parse(args, { from: 'user' });
  const raw = command.opts<Omit<Options, 'epochs' | 'steps'> & { epochs?: number; steps?: number }>();
  const preset = raw.quick ? QUICK : FULL;
  const given = command.getOptionValueSource('out') === 'cli';
  return {
    ...raw,
    epochs: raw.epochs ?? preset.epochs,
    steps: raw.steps ?? preset.steps,
    ...(raw.data && { data: resolve(here, raw.data) }),
    out: given ? resolve(here, raw.out) : resolve(projectRoot, 'out/quickstart'),
  };
}
