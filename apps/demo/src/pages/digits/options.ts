/** What the user may choose on this page, and what the worker sends. */
export const DIGITS = ['all', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'] as const;
type Digit = (typeof DIGITS)[number];

export const SAMPLERS = [
  'Heun',
  'DPM-Solver++ (2M)',
  'DDIM',
  'DDPM',
  'Euler ancestral',
  'EDM stochastic',
] as const;
export type SamplerName = (typeof SAMPLERS)[number];

export interface DigitsArgs {
  readonly digit: Digit;
  readonly guidance: number;
  readonly steps: number;
  /** One row of images for each: the same noise under different samplers. */
  readonly samplers: readonly SamplerName[];
  /** Images for each sampler. */
  readonly count: number;
  readonly seed: number;
}

/** All images of one sampler after some of its steps. */
export interface Frame {
  readonly sampler: SamplerName;
  readonly step: number;
  readonly sigma: number;
  /** count images of SIDE² grey values, 0 background … 1 ink, as the state is; noise goes beyond both. */
  readonly pixels: Float32Array;
}

export interface DigitsResult {
  readonly nfe: number;
  readonly seconds: number;
}

export const SIDE = 8;
