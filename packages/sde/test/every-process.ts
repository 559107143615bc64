import {
  canonicalOu,
  contractive,
  ddpmBetas,
  edm,
  flowMatching,
  fromAlphaSigma,
  fromNoiseLevels,
  type LinearProcess,
  ornsteinUhlenbeck,
  subVariancePreserving,
  unitSpeedOu,
  varianceExploding,
  variancePreserving,
} from '@diff/sde';

/** One of each kind, with what a test of all of them must know. */
export interface Entry {
  readonly name: string;
  readonly process: LinearProcess;
  /** Times at which f or g is not smooth. */
  readonly kinks?: readonly number[];
  /** Last time at which f and g are finite, when not T. */
  readonly last?: number;
}

/** Where the cosine rate (π/(T(1+s))) tan((π/2)(t/T+s)/(1+s)) reaches its cap. */
function cosineCap(T: number, s: number, betaMax: number): number {
  const angle = Math.atan((betaMax * T * (1 + s)) / Math.PI);
  return T * ((2 * angle * (1 + s)) / Math.PI - s);
}

const schedules = {
  linear: { schedule: 'linear', betaMin: 0.1, betaMax: 20, T: 1 },
  slow: { schedule: 'linear', betaMin: 0, betaMax: 3, T: 2.5 },
  scaledLinear: { schedule: 'scaledLinear', betaMin: 0.85, betaMax: 12, T: 1 },
  constant: { schedule: 'constant', beta: 2, T: 4 },
  cosine: { schedule: 'cosine', offset: 0.008, betaMax: 60, T: 1 },
} as const;
const cap = { kinks: [cosineCap(1, 0.008, 60)] };

export const builtIn: readonly Entry[] = [
  { name: 'ou', process: ornsteinUhlenbeck({ theta: 1.7, mu: -0.6, sigma: 0.8, T: 3 }) },
  { name: 'canonical ou', process: canonicalOu({ T: 5 }) },
  { name: 'unit speed ou', process: unitSpeedOu({ T: 6 }) },
  { name: 've', process: varianceExploding({ sigmaMin: 0.01, sigmaMax: 50, T: 1 }) },
  {
    name: 've with sigmaMin in the data',
    process: varianceExploding({ sigmaMin: 0.02, sigmaMax: 30, T: 2, dataHasSigmaMin: true }),
  },
  { name: 'edm', process: edm({ T: 80 }) },
  { name: 'vp linear', process: variancePreserving(schedules.linear) },
  { name: 'vp slow', process: variancePreserving(schedules.slow) },
  { name: 'vp scaled linear', process: variancePreserving(schedules.scaledLinear) },
  { name: 'vp constant', process: variancePreserving(schedules.constant) },
  { name: 'vp cosine', process: variancePreserving(schedules.cosine), ...cap },
  {
    name: 'vp table',
    process: variancePreserving({ schedule: 'table', betas: ddpmBetas({ steps: 10, betaEnd: 0.6 }), T: 2 }),
    kinks: Array.from({ length: 9 }, (_, i) => (2 * (i + 1)) / 10),
  },
  { name: 'subvp linear', process: subVariancePreserving(schedules.linear) },
  { name: 'subvp cosine', process: subVariancePreserving(schedules.cosine), ...cap },
  { name: 'cvp linear', process: contractive({ betaMin: 0.01, betaMax: 8, T: 1 }) },
  { name: 'cvp scaled linear', process: contractive(schedules.scaledLinear) },
];

const table = [0, 0.05, 0.2, 0.5, 1.4, 6, 20];
const kinks = [1, 2, 3, 4, 5];

export const custom: readonly Entry[] = [
  {
    name: 'straight line',
    process: fromAlphaSigma({ alpha: (t) => 1 - t, sigma: (t) => t, T: 1 }),
    last: 0.95,
  },
  {
    name: 'custom ou',
    process: fromAlphaSigma({
      alpha: (t) => Math.exp(-t),
      sigma: (t) => Math.sqrt(-Math.expm1(-2 * t)),
      T: 3,
    }),
  },
  {
    name: 'custom arc with derivatives',
    process: fromAlphaSigma({
      alpha: (t) => Math.cos(t),
      sigma: (t) => Math.sin(t),
      alphaDerivative: (t) => -Math.sin(t),
      varianceDerivative: (t) => Math.sin(2 * t),
      T: 1.5,
    }),
  },
  { name: 'flow', process: flowMatching(), last: 0.95 },
  { name: 'levels vp', process: fromNoiseLevels({ levels: table }), kinks },
  { name: 'levels ve', process: fromNoiseLevels({ levels: table, scaling: 've' }), kinks },
  { name: 'levels flow', process: fromNoiseLevels({ levels: table, scaling: 'flow' }), kinks },
];

export const everyProcess: readonly Entry[] = [...builtIn, ...custom];
