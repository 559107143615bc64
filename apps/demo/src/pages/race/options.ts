/** What the user may choose on this page. */
export const RACERS = [
  'DDIM (Euler)',
  'Heun',
  'DPM-Solver-2',
  'DPM-Solver++ (2M)',
  'DPM-Solver++ (3M)',
  'UniPC',
  'DEIS',
  'LMS',
] as const;
export type Racer = (typeof RACERS)[number];

export const BUDGETS = [4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128] as const;

export interface RaceArgs {
  readonly racers: readonly Racer[];
  readonly count: number;
  readonly seed: number;
}

/** A racer has arrived: its error after that many evaluations. */
export interface Arrival {
  readonly racer: Racer;
  readonly budget: number;
  /** Evaluations that it really used. */
  readonly nfe: number;
  /** Root mean square distance from the exact end points, in units of the data. */
  readonly error: number;
}

export interface RaceResult {
  readonly seconds: number;
}
