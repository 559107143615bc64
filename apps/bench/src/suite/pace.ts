/** How long to look at each contestant. */
export interface Pace {
  readonly rounds: number;
  /** Milliseconds that a turn should take. */
  readonly sample: number;
  /** Milliseconds that warming up should take at least, where a run is short. */
  readonly warmUp: number;
  /** Milliseconds that a contestant may spend on the rounds of one case. */
  readonly budget: number;
  /** Milliseconds after which a check or a turn is stopped. */
  readonly limit: number;
}

export interface Plan {
  /** Runs of a burst. */
  readonly repetitions: number;
  /** Bursts of a turn, of which the fastest counts. */
  readonly bursts: number;
  /** Turns. */
  readonly rounds: number;
}

const BURSTS = 5;
/** JavaScript is compiled better and better over some tens of calls; a loop of hundreds of steps needs that too. */
const WARM_RUNS = 20;

/** How many runs to warm up with after a first one of so many milliseconds: at most a quarter of the budget. */
export function warmUpRuns(first: number, { warmUp, budget }: Pace): number {
  const run = Math.max(first, 1e-5);
  const wanted = Math.max(WARM_RUNS, Math.round(warmUp / run));
  return Math.max(1, Math.min(1000, wanted, Math.floor(budget / 4 / run)));
}

/** The plan for a contestant whose run takes so many milliseconds. */
export function planned(milliseconds: number, { rounds, sample, budget }: Pace): Plan {
  const run = Math.max(milliseconds, 1e-5);
  const repetitions = Math.max(1, Math.round(sample / BURSTS / run));
  const bursts = Math.max(1, Math.min(BURSTS, Math.round(sample / (run * repetitions))));
  const possible = Math.floor(budget / (run * repetitions * bursts));
  return { repetitions, bursts, rounds: Math.max(1, Math.min(rounds, possible)) };
}
