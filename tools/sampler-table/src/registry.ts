/**
 * Every sampler that @diff/samplers exports, with representative settings and where it comes from. What a sampler
 * claims (name, order, strong order, evaluations) is read from the sampler; here stands what only people know. The
 * tests compare `call` with `make`, and the list with the package's exports.
 */
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
  ipndm,
  langevinCorrector,
  lcm,
  lms,
  midpoint,
  plms,
  pndm,
  predictorCorrector,
  probabilityFlow,
  refreshCorrector,
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
} from '@diff/samplers';
import type { LinearProcess } from '@diff/sde';

export const FAMILIES = [
  'first order',
  'Runge–Kutta',
  'DPM-Solver',
  'multistep',
  'stochastic, first order',
  'stochastic, higher order',
  'with corrector',
  'consistency',
] as const;
type Family = (typeof FAMILIES)[number];

export interface Entry {
  readonly family: Family;
  /** How a user makes it; `steps` is the number of steps of the grid, `process` the process of the model. */
  readonly call: string;
  readonly make: (steps: number, process: LinearProcess) => Sampler;
  /** Authors and year; the modules' headers give equations. */
  readonly source: string;
  /** A sampler with adaptive steps: the same with this tolerance, on a grid of one step. */
  readonly adaptive?: (tolerance: number) => Sampler;
  /** One inner step in each step of the grid, whatever the error: its order is that of the method itself. */
  readonly forced?: () => Sampler;
  /** A grid that it is made for. */
  readonly grid?: 'logSnr';
  /** What its order is an order in, where that is not the step of the grid. */
  readonly orderIn?: string;
}

type Known = Partial<Omit<Entry, 'call' | 'make' | 'source' | 'family'>>;

const entry = (
  family: Family,
  source: string,
  call: string,
  make: (steps: number, process: LinearProcess) => Sampler,
  more: Known = {},
): Entry => ({ family, source, call, make, ...more });

const [FIRST, RK, DPM, MULTI, STOCHASTIC, HIGHER, CORRECTED, CONSISTENCY] = FAMILIES;

const SONG = 'Song et al. 2021a (DDIM)';
const SCORE_SDE = 'Song et al. 2021b';
const KARRAS = 'Karras et al. 2022';
const KDIFFUSION = 'Crowson, k-diffusion';
const LU1 = 'Lu et al. 2022a';
const LU2 = 'Lu et al. 2022b';
const ZHAO = 'Zhao et al. 2023 (UniPC)';
const ZHANG = 'Zhang & Chen 2023';
const LIU = 'Liu et al. 2022 (PNDM)';
const XUE = 'Xue et al. 2023';
const CHEN = 'Chen et al. 2023';
const TANG = 'Tang & Zhao 2024';

/** Accepts whatever step the grid asks for. */
const anything = { relativeTolerance: 1e12, absoluteTolerance: 1e12 };
const both = (tolerance: number) => ({ relativeTolerance: tolerance, absoluteTolerance: tolerance });

export const REGISTRY: readonly Entry[] = [
  entry(FIRST, SONG, 'ddim()', () => ddim()),
  entry(FIRST, SCORE_SDE, 'probabilityFlow()', () => probabilityFlow()),
  entry(FIRST, CHEN, "probabilityFlow({ hold: 'score' })", () => probabilityFlow({ hold: 'score' })),
  entry(FIRST, TANG, "exponentialIntegrator({ hold: 'data', noiseLevel: 0 })", () =>
    exponentialIntegrator({ hold: 'data', noiseLevel: 0 }),
  ),
  entry(FIRST, TANG, 'eulerMaruyama({ noiseLevel: 0 })', () => eulerMaruyama({ noiseLevel: 0 })),
  entry(FIRST, SCORE_SDE, 'reverseDiffusion({ noiseLevel: 0 })', () => reverseDiffusion({ noiseLevel: 0 })),
  entry(FIRST, KDIFFUSION, 'eulerAncestral({ eta: 0 })', () => eulerAncestral({ eta: 0 })),
  entry(FIRST, 'Zheng et al. 2024', 'tcd({ gamma: 0 })', () => tcd({ gamma: 0 })),

  entry(RK, KARRAS, 'heun()', () => heun()),
  entry(RK, SCORE_SDE, 'heunInTime()', () => heunInTime()),
  entry(RK, 'Carzit, sd-webui-samplers', 'heunPlusPlus()', () => heunPlusPlus()),
  entry(RK, 'Runge 1895', 'midpoint()', () => midpoint()),
  entry(RK, 'Kutta 1901', 'rungeKutta4()', () => rungeKutta4()),
  entry(RK, KARRAS, 'dpm2()', () => dpm2()),
  entry(RK, KARRAS, 'edmStochastic({ churn: 0 })', () => edmStochastic({ churn: 0 })),
  entry(RK, 'Bogacki & Shampine 1989', 'bogackiShampine()', () => bogackiShampine(), {
    adaptive: (tolerance) => bogackiShampine(both(tolerance)),
    forced: () => bogackiShampine(anything),
  }),
  entry(RK, 'Dormand & Prince 1980', 'dormandPrince()', () => dormandPrince(), {
    adaptive: (tolerance) => dormandPrince(both(tolerance)),
    forced: () => dormandPrince(anything),
  }),

  entry(DPM, LU2, 'dpmSolver({ order: 1 })', () => dpmSolver({ order: 1 })),
  entry(DPM, LU2, 'dpmSolver()', () => dpmSolver()),
  entry(DPM, LU2, "dpmSolver({ correction: 'taylor' })", () => dpmSolver({ correction: 'taylor' })),
  entry(DPM, LU1, "dpmSolver({ hold: 'noise' })", () => dpmSolver({ hold: 'noise' })),
  entry(DPM, LU2, 'dpmSolver({ order: 3 })', () => dpmSolver({ order: 3 })),
  entry(DPM, LU2, "dpmSolver({ order: 3, correction: 'published' })", () =>
    dpmSolver({ order: 3, correction: 'published' }),
  ),
  entry(DPM, LU1, "dpmSolver({ order: 3, hold: 'noise' })", () => dpmSolver({ order: 3, hold: 'noise' })),
  entry(DPM, LU2, 'dpmSolver({ order: 2, multistep: false })', () =>
    dpmSolver({ order: 2, multistep: false }),
  ),
  entry(DPM, LU2, 'dpmSolver({ order: 3, multistep: false })', () =>
    dpmSolver({ order: 3, multistep: false }),
  ),
  entry(DPM, LU1, "dpmSolver({ order: 3, multistep: false, hold: 'noise' })", () =>
    dpmSolver({ order: 3, multistep: false, hold: 'noise' }),
  ),
  entry(DPM, LU2, 'seeds3({ noiseLevel: 0 })', () => seeds3({ noiseLevel: 0 })),
  entry(DPM, LU1, 'dpmSolver2sAncestral({ eta: 0 })', () => dpmSolver2sAncestral({ eta: 0 })),
  entry(DPM, KDIFFUSION, "dpmSolver({ order: 3, correction: 'k-diffusion' })", () =>
    dpmSolver({ order: 3, correction: 'k-diffusion' }),
  ),
  entry(
    DPM,
    LU1,
    'dpmFast({ evaluations: 3 * steps - 1 })',
    (steps) => dpmFast({ evaluations: 3 * steps - 1 }),
    { grid: 'logSnr' },
  ),
  entry(DPM, LU1, 'dpmAdaptive({ order: 2 })', () => dpmAdaptive({ order: 2 }), {
    adaptive: (tolerance) => dpmAdaptive({ order: 2, ...both(tolerance) }),
    forced: () => dpmAdaptive({ order: 2, initialStep: 100, ...anything }),
  }),
  entry(DPM, LU1, 'dpmAdaptive()', () => dpmAdaptive(), {
    adaptive: (tolerance) => dpmAdaptive(both(tolerance)),
    forced: () => dpmAdaptive({ initialStep: 100, ...anything }),
  }),

  entry(MULTI, ZHAO, 'uniPc({ order: 1 })', () => uniPc({ order: 1 })),
  entry(MULTI, ZHAO, 'uniPc()', () => uniPc()),
  entry(MULTI, ZHAO, "uniPc({ variant: 'bh1' })", () => uniPc({ variant: 'bh1' })),
  entry(MULTI, ZHAO, "uniPc({ hold: 'noise' })", () => uniPc({ hold: 'noise' })),
  entry(MULTI, ZHAO, 'uniPc({ order: 3 })', () => uniPc({ order: 3 })),
  entry(MULTI, ZHANG, 'deis({ order: 1 })', () => deis({ order: 1 })),
  entry(MULTI, ZHANG, 'deis({ order: 2 })', () => deis({ order: 2 })),
  entry(MULTI, ZHANG, 'deis()', () => deis()),
  entry(MULTI, XUE, 'saSolver({ noiseLevel: 0 })', () => saSolver({ noiseLevel: 0 })),
  entry(MULTI, XUE, 'saSolver({ noiseLevel: 0, predictorOrder: 3, correctorOrder: 3 })', () =>
    saSolver({ noiseLevel: 0, predictorOrder: 3, correctorOrder: 3 }),
  ),
  entry(MULTI, LIU, 'pndm()', () => pndm()),
  entry(MULTI, LIU, 'plms()', () => plms()),
  entry(MULTI, ZHANG, 'ipndm({ order: 1 })', () => ipndm({ order: 1 })),
  entry(MULTI, ZHANG, 'ipndm({ order: 2 })', () => ipndm({ order: 2 })),
  entry(MULTI, ZHANG, 'ipndm()', () => ipndm()),
  entry(MULTI, 'Permenter & Yuan 2024', 'gradientEstimation()', () => gradientEstimation()),
  entry(MULTI, KDIFFUSION, 'lms({ order: 2 })', () => lms({ order: 2 })),
  entry(MULTI, KDIFFUSION, 'lms({ order: 3 })', () => lms({ order: 3 })),
  entry(MULTI, KDIFFUSION, 'lms()', () => lms()),

  entry(STOCHASTIC, TANG, 'eulerMaruyama()', () => eulerMaruyama()),
  entry(STOCHASTIC, TANG, 'eulerMaruyama({ exactNoise: true })', () => eulerMaruyama({ exactNoise: true })),
  entry(STOCHASTIC, 'Benton et al. 2023', "exponentialIntegrator({ hold: 'score' })", () =>
    exponentialIntegrator({ hold: 'score' }),
  ),
  entry(STOCHASTIC, LU2, "exponentialIntegrator({ hold: 'noise' })", () =>
    exponentialIntegrator({ hold: 'noise' }),
  ),
  entry(STOCHASTIC, 'Ho et al. 2020', "exponentialIntegrator({ hold: 'data' })", () =>
    exponentialIntegrator({ hold: 'data' }),
  ),
  entry(STOCHASTIC, TANG, "exponentialIntegrator({ hold: 'data', noiseLevel: 0.5 })", () =>
    exponentialIntegrator({ hold: 'data', noiseLevel: 0.5 }),
  ),
  entry(STOCHASTIC, 'Ho et al. 2020', 'ddpm()', () => ddpm()),
  entry(STOCHASTIC, SONG, 'ddim({ eta: 0.5 })', () => ddim({ eta: 0.5 })),
  entry(STOCHASTIC, SONG, 'ddim({ eta: 1 })', () => ddim({ eta: 1 })),
  entry(STOCHASTIC, SCORE_SDE, 'reverseDiffusion()', () => reverseDiffusion()),
  entry(STOCHASTIC, 'Cui et al. 2023', 'erSde({ order: 1 })', () => erSde({ order: 1 })),
  entry(STOCHASTIC, KDIFFUSION, 'eulerAncestral()', () => eulerAncestral()),
  entry(STOCHASTIC, LU2, "dpmSolver({ order: 1, hold: 'noise', noiseLevel: 1 })", () =>
    dpmSolver({ order: 1, hold: 'noise', noiseLevel: 1 }),
  ),

  entry(HIGHER, LU2, 'dpmSolver({ noiseLevel: 1 })', () => dpmSolver({ noiseLevel: 1 })),
  entry(HIGHER, LU2, "dpmSolver({ noiseLevel: 1, correction: 'taylor' })", () =>
    dpmSolver({ noiseLevel: 1, correction: 'taylor' }),
  ),
  entry(HIGHER, KDIFFUSION, 'dpmSolver({ order: 3, noiseLevel: 1 })', () =>
    dpmSolver({ order: 3, noiseLevel: 1 }),
  ),
  entry(HIGHER, KDIFFUSION, 'dpmSolverSde()', () => dpmSolverSde()),
  entry(HIGHER, KDIFFUSION, 'dpmSolver2sAncestral()', () => dpmSolver2sAncestral()),
  entry(HIGHER, KDIFFUSION, 'dpm2Ancestral()', () => dpm2Ancestral()),
  entry(HIGHER, XUE, 'saSolver()', () => saSolver()),
  entry(HIGHER, XUE, 'saSolver({ noiseLevel: 0.5 })', () => saSolver({ noiseLevel: 0.5 })),
  entry(
    HIGHER,
    'Xu et al. 2023',
    'restart({ sampler: heun(), intervals: [{ from: 0.3, upTo: 2, iterations: 1, steps: Math.ceil(steps / 4) }] })',
    (steps) =>
      restart({
        sampler: heun(),
        intervals: [{ from: 0.3, upTo: 2, iterations: 1, steps: Math.ceil(steps / 4) }],
      }),
  ),
  entry(HIGHER, 'Cui et al. 2023', 'erSde()', () => erSde()),
  entry(HIGHER, 'Cui et al. 2023', 'erSde({ order: 3 })', () => erSde({ order: 3 })),
  entry(HIGHER, 'Gonzalez et al. 2023', 'seeds2()', () => seeds2()),
  entry(HIGHER, 'Gonzalez et al. 2023', 'seeds3()', () => seeds3()),
  entry(HIGHER, 'Rößler 2010', 'sra1()', () => sra1()),
  entry(HIGHER, 'Foster et al. 2024', 'shark()', () => shark()),
  entry(HIGHER, 'Foster et al. 2024', 'adaptiveSde()', () => adaptiveSde(), {
    adaptive: (tolerance) => adaptiveSde(both(tolerance)),
    forced: () => adaptiveSde(anything),
  }),
  entry(
    HIGHER,
    'Jolicoeur-Martineau et al. 2021',
    "adaptiveSde({ scheme: 'heun' })",
    () => adaptiveSde({ scheme: 'heun' }),
    {
      adaptive: (tolerance) => adaptiveSde({ scheme: 'heun', ...both(tolerance) }),
      forced: () => adaptiveSde({ scheme: 'heun', ...anything }),
    },
  ),
  entry(HIGHER, LU1, 'dpmAdaptive({ eta: 1 })', () => dpmAdaptive({ eta: 1 }), {
    adaptive: (tolerance) => dpmAdaptive({ eta: 1, ...both(tolerance) }),
    orderIn: 'the inner step: one that ends where the grid does draws no noise',
  }),
  entry(HIGHER, KARRAS, 'edmStochastic({ churn: 5 })', () => edmStochastic({ churn: 5 })),
  entry(HIGHER, KARRAS, "edmStochastic({ churn: 5, solver: 'dpm2' })", () =>
    edmStochastic({ churn: 5, solver: 'dpm2' }),
  ),
  entry(HIGHER, KARRAS, "edmStochastic({ churn: 5, solver: 'euler' })", () =>
    edmStochastic({ churn: 5, solver: 'euler' }),
  ),

  entry(
    CORRECTED,
    SCORE_SDE,
    "predictorCorrector({ predictor: reverseDiffusion(), corrector: langevinCorrector({ signalToNoise: 0.16, norms: 'expected' }) })",
    () =>
      predictorCorrector({
        predictor: reverseDiffusion(),
        corrector: langevinCorrector({ signalToNoise: 0.16, norms: 'expected' }),
      }),
    { orderIn: 'the step of the predictor and ε of the corrector' },
  ),
  entry(
    CORRECTED,
    SCORE_SDE,
    'predictorCorrector({ predictor: ddim(), corrector: langevinCorrector({ stepSize: (t) => (2 / steps) * process.sigma(t) ** 2 }) })',
    (steps, process) =>
      predictorCorrector({
        predictor: ddim(),
        corrector: langevinCorrector({ stepSize: (t) => (2 / steps) * process.sigma(t) ** 2 }),
      }),
  ),
  entry(
    CORRECTED,
    'Song et al. 2023',
    'predictorCorrector({ predictor: ddim(), corrector: refreshCorrector({ share: Math.min(1, 2 / steps) }) })',
    (steps) =>
      predictorCorrector({
        predictor: ddim(),
        corrector: refreshCorrector({ share: Math.min(1, 2 / steps) }),
      }),
  ),
  entry(
    CORRECTED,
    CHEN,
    'predictorCorrector({ predictor: heun(), corrector: underdampedLangevinCorrector({ stepSize: (t) => (4 / steps) * process.sigma(t) }) })',
    (steps, process) =>
      predictorCorrector({
        predictor: heun(),
        corrector: underdampedLangevinCorrector({ stepSize: (t) => (4 / steps) * process.sigma(t) }),
      }),
  ),
  entry(CORRECTED, CHEN, 'dpum({ stepSize: (t) => (4 / steps) * process.sigma(t) })', (steps, process) =>
    dpum({ stepSize: (t) => (4 / steps) * process.sigma(t) }),
  ),
  entry(CORRECTED, CHEN, 'dpum()', () => dpum(), { orderIn: 'the steps of predictor and corrector' }),
  entry(
    CORRECTED,
    'Song & Ermon 2019',
    'ula({ stepSize: (t) => 0.2 * process.sigma(t) ** 2 })',
    (_, process) => ula({ stepSize: (t) => 0.2 * process.sigma(t) ** 2 }),
    { orderIn: 'ε' },
  ),
  entry(
    CORRECTED,
    'Song & Ermon 2019; Cheng et al. 2018',
    "annealed({ corrector: underdampedLangevinCorrector({ stepSize: (t) => 0.6 * process.sigma(t), velocity: 'kept' }) })",
    (_, process) =>
      annealed({
        corrector: underdampedLangevinCorrector({
          stepSize: (t) => 0.6 * process.sigma(t),
          velocity: 'kept',
        }),
      }),
    { orderIn: 'the step of the corrector' },
  ),
  entry(CONSISTENCY, 'Song et al. 2023; Luo et al. 2023', 'lcm()', () => lcm()),
  entry(CONSISTENCY, 'Zheng et al. 2024', 'tcd()', () => tcd()),
];
