/** What stands behind the names in options.ts. */
import {
  dpmSolver,
  eulerMaruyama,
  exponentialIntegrator,
  heun,
  rungeKutta4,
  type Sampler,
  uniPc,
} from '@diff/samplers';
import {
  canonicalOu,
  edm,
  karrasGrid,
  type LinearProcess,
  logSnrGrid,
  subVariancePreserving,
  uniformGrid,
  variancePreserving,
} from '@diff/sde';
import type { GridName, ProcessName, SamplerName } from './options.ts';

export const processes: Readonly<Record<ProcessName, () => LinearProcess>> = {
  VP: () => variancePreserving({ schedule: 'linear' }),
  'sub-VP': () => subVariancePreserving({ schedule: 'linear' }),
  'Ornstein–Uhlenbeck': () => canonicalOu({ T: 5 }),
  'VE (EDM)': () => edm({ T: 20 }),
};

export const samplers: Readonly<Record<SamplerName, (noiseLevel: number) => Sampler>> = {
  'DDIM to DDPM': (noiseLevel) => exponentialIntegrator({ hold: 'data', noiseLevel }),
  'Euler–Maruyama': (noiseLevel) => eulerMaruyama({ noiseLevel }),
  'DPM-Solver++ (2M)': (noiseLevel) => dpmSolver({ order: 2, multistep: true, hold: 'data', noiseLevel }),
  UniPC: () => uniPc({ order: 3 }),
  Heun: () => heun(),
  'Runge–Kutta 4': () => rungeKutta4(),
};

const END = 5e-3;

type MakeGrid = (process: LinearProcess, steps: number) => readonly number[];

export const grids: Readonly<Record<GridName, MakeGrid>> = {
  'log-SNR': (process, steps) => logSnrGrid({ process, steps, end: END }),
  Karras: (process, steps) => karrasGrid({ process, steps, end: END }),
  uniform: (process, steps) => uniformGrid({ process, steps, end: END }),
};
