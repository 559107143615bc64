/** What the user may choose on this page, and what the worker sends. */
import type { Shape } from '../noise-and-back/options.ts';

export interface LearnArgs {
  readonly shape: Shape;
  readonly drawn: readonly (readonly [number, number])[];
  readonly width: number;
  readonly trainingSteps: number;
  readonly samplerSteps: number;
  readonly count: number;
  readonly seed: number;
}

/** The network after some steps of training. */
export interface Snapshot {
  readonly step: number;
  /** Mean denoising loss since the snapshot before; NaN for the first. */
  readonly loss: number;
  /** x, y of what the network draws now. */
  readonly points: Float32Array;
  /** Its σ·score at the nodes of a lattice, at noise level σ = FIELD_SIGMA. */
  readonly arrows: Float32Array;
}

export interface LearnResult {
  readonly seconds: number;
  readonly parameters: number;
  /** Energy distance between the last samples and fresh data, and between two draws of fresh data. */
  readonly distance: number;
  readonly floor: number;
}

/** Noise level at which the score field is shown. */
export const FIELD_SIGMA = 0.3;
/** Snapshots besides the first. */
export const SNAPSHOTS = 30;
