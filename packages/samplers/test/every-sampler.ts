/**
 * Every sampler that the package exports, with its variants, and what a test over all of them must know: whether its
 * rows share anything (adaptive steps), and a grid that it can run. `control.test.ts` fails when an export is in neither
 * list here.
 */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { edm, type LinearProcess, logSnrGrid, uniformGrid } from '@diff/sde';
import {
  adaptiveSde,
  annealed,
  bogackiShampine,
  ddim,
  ddpm,
  deis,
  dormandPrince,
  dpm2,
  dpm2Ancestral,
  dpmAdaptive,
  dpmFast,
  dpmSolver,
  dpmSolver2sAncestral,
  dpmSolverSde,
  dpum,
  edmStochastic,
  erSde,
  eulerAncestral,
  eulerMaruyama,
  exponentialIntegrator,
  gradientEstimation,
  heun,
  heunInTime,
  heunPlusPlus,
  inpaint,
  ipndm,
  langevinCorrector,
  lcm,
  lms,
  malaCorrector,
  midpoint,
  plms,
  pndm,
  predictorCorrector,
  probabilityFlow,
  restart,
  reverseDiffusion,
  rungeKutta4,
  type Sampler,
  saSolver,
  seeds2,
  seeds3,
  shark,
  sra1,
  tcd,
  ula,
  underdampedLangevinCorrector,
  uniPc,
} from '../src/index.ts';

export const PROCESS: LinearProcess = edm({ T: 10 });
/** Made by the first run that needs them, on its backend; of no test's count. */
const [MASK, KNOWN] = [tf.tensor1d([1, 0, 0]), tf.tensor1d([0.5, 0, 0])];

export interface Entry {
  /** The factory's name. */
  readonly factory: string;
  readonly sampler: Sampler;
  /** Do all rows share their steps? */
  readonly coupled: boolean;
  readonly grid: readonly number[];
}

const GRID = uniformGrid({ process: PROCESS, steps: 6, end: 0.2 });
const entry = (factory: string, ...samplers: readonly Sampler[]): Entry[] =>
  samplers.map((sampler) => ({ factory, sampler, coupled: false, grid: GRID }));
const coupled = (factory: string, ...samplers: readonly Sampler[]): Entry[] =>
  entry(factory, ...samplers).map((e) => ({ ...e, coupled: true }));

export const EVERY_SAMPLER: readonly Entry[] = [
  ...coupled('adaptiveSde', adaptiveSde({ relativeTolerance: 0.1, absoluteTolerance: 0.1 })),
  ...entry(
    'annealed',
    annealed({
      corrector: malaCorrector({
        logDensity: (x) => tf.tidy(() => tf.mul(tf.sum(tf.square(x), 1), -0.5)),
        steps: 2,
      }),
    }),
    annealed({ corrector: underdampedLangevinCorrector({ steps: 2, velocity: 'kept' }) }),
  ),
  ...coupled('bogackiShampine', bogackiShampine({ relativeTolerance: 1e-3, absoluteTolerance: 1e-3 })),
  ...entry('ddim', ddim(), ddim({ eta: 0.5 })),
  ...entry('ddpm', ddpm(), ddpm({ variance: 'forward' })),
  ...entry('deis', deis()),
  ...coupled('dormandPrince', dormandPrince({ relativeTolerance: 1e-3, absoluteTolerance: 1e-3 })),
  ...entry('dpm2', dpm2()),
  ...entry('dpm2Ancestral', dpm2Ancestral()),
  ...coupled('dpmAdaptive', dpmAdaptive()),
  ...[0, 1].flatMap((eta) =>
    entry('dpmFast', dpmFast({ evaluations: 11, eta })).map((e) => ({
      ...e,
      grid: logSnrGrid({ process: PROCESS, steps: 4, end: 0.2 }),
    })),
  ),
  ...entry(
    'dpmSolver',
    dpmSolver(),
    dpmSolver({ order: 3 }),
    dpmSolver({ multistep: false }),
    dpmSolver({ hold: 'noise', noiseLevel: 1 }),
  ),
  ...entry('dpmSolver2sAncestral', dpmSolver2sAncestral()),
  ...entry('dpmSolverSde', dpmSolverSde()),
  ...entry('dpum', dpum()),
  ...entry('edmStochastic', edmStochastic({ churn: 2 })),
  ...entry('erSde', erSde(), erSde({ order: 3 })),
  ...entry('eulerAncestral', eulerAncestral()),
  ...entry('eulerMaruyama', eulerMaruyama(), eulerMaruyama({ noiseLevel: 0.5 })),
  ...entry(
    'exponentialIntegrator',
    exponentialIntegrator({ hold: 'score' }),
    exponentialIntegrator({ hold: 'noise', noiseLevel: 0.5 }),
    exponentialIntegrator({ hold: 'data', noiseLevel: 0 }),
  ),
  ...entry('gradientEstimation', gradientEstimation()),
  ...entry('heun', heun()),
  ...entry('heunInTime', heunInTime()),
  ...entry('heunPlusPlus', heunPlusPlus()),
  ...entry(
    'inpaint',
    inpaint({ sampler: heun(), mask: MASK, known: KNOWN }),
    inpaint({ sampler: ddpm(), mask: MASK, known: KNOWN, resamplings: 3 }),
  ),
  ...entry('ipndm', ipndm()),
  ...entry('lcm', lcm()),
  ...entry('lms', lms()),
  ...entry('lms', lms({ variable: 'straight' })),
  ...entry('midpoint', midpoint()),
  ...entry('plms', plms()),
  ...entry('pndm', pndm()),
  ...entry(
    'predictorCorrector',
    predictorCorrector({ predictor: ddim(), corrector: langevinCorrector({ stepSize: 0.01, steps: 2 }) }),
    predictorCorrector({
      predictor: ddpm(),
      corrector: langevinCorrector({ signalToNoise: 0.1, norms: 'row' }),
    }),
    predictorCorrector({
      predictor: ddim(),
      corrector: underdampedLangevinCorrector({ stepSize: 0.02, steps: 2 }),
    }),
  ),
  ...entry('probabilityFlow', probabilityFlow()),
  ...entry('restart', restart({ sampler: heun(), intervals: [{ from: 1, upTo: 4, iterations: 2 }] })),
  ...entry('reverseDiffusion', reverseDiffusion()),
  ...entry('rungeKutta4', rungeKutta4()),
  ...entry('saSolver', saSolver(), saSolver({ noiseLevel: 0 })),
  ...entry('seeds2', seeds2()),
  ...entry('seeds3', seeds3(), seeds3({ noiseLevel: 0 })),
  ...entry('shark', shark()),
  ...entry('sra1', sra1(), sra1({ noiseLevel: 0 })),
  ...entry('tcd', tcd()),
  ...entry('ula', ula({ stepSize: 0.01, steps: 2 })),
  ...entry('uniPc', uniPc()),
];

/** Functions of the package that are not factories of samplers. */
export const NOT_SAMPLERS: readonly string[] = [
  'brownianTree',
  'fromSchedulerConfig',
  'invert',
  'langevin',
  'langevinCorrector',
  'logLikelihood',
  'mala',
  'malaCorrector',
  'noiseBetween',
  'refreshCorrector',
  'sample',
  'sampleInBatches',
  'sampleRows',
  'startFrom',
  'trajectory',
  'underdampedLangevin',
  'underdampedLangevinCorrector',
];
