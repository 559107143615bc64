/** What the user may choose on this page: names alone, so that the page need not load what the worker runs. */

export const SHAPES = ['eight Gaussians', 'Swiss roll', 'moons', 'checkerboard', 'letters', 'drawn'] as const;
export type Shape = (typeof SHAPES)[number];

export const PROCESSES = ['VP', 'sub-VP', 'Ornstein–Uhlenbeck', 'VE (EDM)'] as const;
export type ProcessName = (typeof PROCESSES)[number];

export const SAMPLERS = [
  { name: 'DDIM to DDPM', takesNoise: true },
  { name: 'Euler–Maruyama', takesNoise: true },
  { name: 'DPM-Solver++ (2M)', takesNoise: true },
  { name: 'UniPC', takesNoise: false },
  { name: 'Heun', takesNoise: false },
  { name: 'Runge–Kutta 4', takesNoise: false },
] as const;
export type SamplerName = (typeof SAMPLERS)[number]['name'];

export const GRIDS = ['log-SNR', 'Karras', 'uniform'] as const;
export type GridName = (typeof GRIDS)[number];

/** The picture shows |x|, |y| ≤ EXTENT. */
export const EXTENT = 2.6;

export interface NoiseAndBackArgs {
  readonly shape: Shape;
  readonly drawn: readonly (readonly [number, number])[];
  readonly process: ProcessName;
  readonly sampler: SamplerName;
  readonly grid: GridName;
  readonly steps: number;
  readonly noiseLevel: number;
  readonly count: number;
  readonly seed: number;
}
