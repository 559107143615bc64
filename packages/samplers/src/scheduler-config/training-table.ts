/**
 * The chain that a model was trained on, from the options that most schedulers share: β_0 … β_{N−1}, from them
 * ᾱ_i = Π_{j≤i} (1 − β_j), and the noise levels ς_i = √((1 − ᾱ_i)/ᾱ_i), which a model is asked for by the index i.
 *
 * With `rescale_betas_zero_snr` ᾱ_{N−1} is 0; schedulers that work in ς put 2⁻²⁴ there instead, `keepsSignal`. That is the
 * level 4096, and on most chains below that of the index before; the process then keeps its level ∞.
 */
import {
  ddpmBetas,
  fromNoiseLevels,
  type LinearProcess,
  rescaleToZeroTerminalSnr,
  variancePreserving,
} from '@diff/sde';
import type { ConfigReader } from './config-reader.ts';

export interface TrainingTable {
  /** N. */
  readonly steps: number;
  /** ᾱ_i. */
  readonly bars: readonly number[];
  /** ς_i. */
  readonly levels: readonly number[];
  /** The VP process with these marginals: timestep i is time i + 1, and time 0 the data. */
  readonly process: LinearProcess;
}

type Schedule = 'linear' | 'scaled_linear' | 'squaredcos_cap_v2' | 'exp' | 'sigmoid' | 'laplace';

interface TableOptions {
  /** Schedules of the class besides the three that all have. */
  readonly more?: readonly Schedule[];
  /** Has it `rescale_betas_zero_snr`? 'keepsSignal': with 2⁻²⁴ for the last ᾱ. */
  readonly zeroSnr?: 'exact' | 'keepsSignal';
  readonly betaStart?: number;
  readonly betaEnd?: number;
  readonly schedule?: Schedule;
}

const LEAST_BAR = 2 ** -24;

/** ᾱ(u) = √(s/(1 + s)), ln s = ∓½ ln(1 − 2|½ − u| + 10⁻⁶): log-SNRs of a Laplace law (Hang et al. 2024). */
function laplaceBar(u: number): number {
  const logSnr = (u <= 0.5 ? -0.5 : 0.5) * Math.log(1 - 2 * Math.abs(0.5 - u) + 1e-6);
  return Math.sqrt(1 / (1 + Math.exp(-logSnr)));
}

/** More is a mistake, and would fill the memory. */
const MOST_STEPS = 1_000_000;

function betasOf(config: ConfigReader, options: TableOptions): readonly number[] {
  const steps = config.integer('num_train_timesteps', 1000, 1);
  if (steps > MOST_STEPS)
    config.refuse(`num_train_timesteps must be at most ${MOST_STEPS}`, String(steps), 'Correct it.');
  const schedules: Schedule[] = ['linear', 'scaled_linear', 'squaredcos_cap_v2', ...(options.more ?? [])];
  const schedule = config.choice('beta_schedule', options.schedule ?? 'linear', schedules);
  const betaStart = config.number('beta_start', options.betaStart ?? 1e-4, { min: 0, max: 1 });
  const betaEnd = config.number('beta_end', options.betaEnd ?? 0.02, { min: 0, max: 1 });
  const trained = config.numbers('trained_betas');
  if (trained) {
    if (trained.length !== steps || trained.some((b) => !(b > 0 && b < 1))) {
      config.refuse(
        `trained_betas must be num_train_timesteps = ${steps} numbers in (0, 1)`,
        `${trained.length} numbers from ${Math.min(...trained)} to ${Math.max(...trained)}`,
        'Make the two agree.',
      );
    }
    return trained;
  }
  if (schedule === 'linear') return ddpmBetas({ schedule, steps, betaStart, betaEnd });
  if (schedule === 'scaled_linear') return ddpmBetas({ schedule: 'scaledLinear', steps, betaStart, betaEnd });
  if (schedule === 'squaredcos_cap_v2') return ddpmBetas({ schedule: 'cosine', steps });
  if (schedule === 'exp') {
    // ᾱ(u) = e^{−12u}
    const beta = Math.min(0.999, -Math.expm1(-12 / steps));
    return new Array<number>(steps).fill(beta);
  }
  if (schedule === 'laplace') {
    const beta = (i: number): number => 1 - laplaceBar((i + 1) / steps) / laplaceBar(i / steps);
    return Array.from({ length: steps }, (_, i) => Math.min(0.999, beta(i)));
  }
  const logistic = (i: number): number => 1 / (1 + Math.exp(6 - (12 * i) / Math.max(1, steps - 1)));
  return Array.from({ length: steps }, (_, i) => betaStart + (betaEnd - betaStart) * logistic(i));
}

/** Reads the chain. */
export function trainingTable(config: ConfigReader, options: TableOptions = {}): TrainingTable {
  const plain = betasOf(config, options);
  const rescaled = options.zeroSnr !== undefined && config.flag('rescale_betas_zero_snr', false);
  const betas = rescaled ? rescaleToZeroTerminalSnr(plain) : plain;
  let product = 1;
  const bars = betas.map((beta) => {
    product *= 1 - beta;
    return product;
  });
  if (rescaled && options.zeroSnr === 'keepsSignal') bars[bars.length - 1] = LEAST_BAR;
  const levels = bars.map((bar) => Math.sqrt((1 - bar) / bar));
  const falls = levels.length > 1 && levels.at(-1)! < levels.at(-2)!;
  return {
    steps: betas.length,
    bars,
    levels,
    process: rescaled
      ? fromNoiseLevels({
          levels: [0, ...levels.slice(0, -1), falls ? Number.POSITIVE_INFINITY : levels.at(-1)!],
        })
      : variancePreserving({ schedule: 'table', betas, T: betas.length }),
  };
}

/** Throws unless timesteps of one's own lie on the chain, `whole` ones if the scheduler looks them up. */
export function requireTimesteps(
  config: ConfigReader,
  timesteps: readonly number[],
  steps: number,
  whole: boolean,
): readonly number[] {
  if (timesteps[0]! > steps - 1 || (whole && !timesteps.every(Number.isInteger))) {
    config.refuse(
      `timesteps must be ${whole ? 'whole numbers' : 'numbers'} of at most num_train_timesteps − 1 = ${steps - 1}`,
      timesteps.join(', '),
      'They are indices of the chain.',
    );
  }
  return timesteps;
}

/** ς at an index that need not be whole: linear between the entries of the table, as the schedulers interpolate. */
export function levelAtIndex(levels: readonly number[], index: number): number {
  const low = Math.min(Math.max(Math.floor(index), 0), levels.length - 1);
  const [a, b] = [levels[low]!, levels[Math.min(low + 1, levels.length - 1)]!];
  return index === low ? a : a + (index - low) * (b - a);
}

/** The index at which the table has level ς: linear in ln ς between its entries, and within it. */
export function indexOfLevel(levels: readonly number[], level: number): number {
  const value = Math.max(level, 1e-10);
  if (value >= levels.at(-1)!) return levels.length - 1;
  let [from, to] = [0, levels.length - 1];
  while (to - from > 1) {
    const middle = (from + to) >> 1;
    if (levels[middle]! <= value) from = middle;
    else to = middle;
  }
  const share = Math.log(value / levels[from]!) / Math.log(levels[to]! / levels[from]!);
  return from + Math.min(1, Math.max(0, share));
}
