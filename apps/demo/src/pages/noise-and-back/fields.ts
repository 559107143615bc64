/** The state of the page in its address. */
import { choice, number } from '../../url-state.ts';
import { drawnPoints } from './drawn-points.ts';
import { GRIDS, PROCESSES, SAMPLERS, SCORES, SHAPES } from './options.ts';

export const fields = {
  shape: choice(SHAPES, 'eight Gaussians'),
  drawn: drawnPoints,
  score: choice(SCORES, 'exact'),
  training: number(1000, { min: 50, max: 5000, whole: true }),
  process: choice(PROCESSES, 'VP'),
  sampler: choice(
    SAMPLERS.map(({ name }) => name),
    'DDIM to DDPM',
  ),
  grid: choice(GRIDS, 'log-SNR'),
  steps: number(30, { min: 2, max: 200, whole: true }),
  b: number(1, { min: 0, max: 2 }),
  count: number(1500, { min: 100, max: 10_000, whole: true }),
  seed: number(7, { min: 0, max: 2 ** 32 - 1, whole: true }),
  at: number(1, { min: 0, max: 1 }),
  field: choice(['on', 'off'], 'on'),
  density: choice(['on', 'off'], 'off'),
};

export type Values = { readonly [K in keyof typeof fields]: (typeof fields)[K]['initial'] };
