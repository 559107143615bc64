export { type AlignYourStepsGridOptions, alignYourStepsGrid } from './align-your-steps-grid.ts';
export { type AlphaSigmaOptions, fromAlphaSigma } from './alpha-sigma.ts';
export { arctangentGrid } from './arctangent-grid.ts';
export { type BbddGridOptions, bbddGrid, stepKappa } from './bbdd-grid.ts';
export { type BetaGridOptions, betaGrid } from './beta-grid.ts';
export type { BetaScheduleConfig, BetaScheduleOptions } from './beta-schedule.ts';
export { type Contraction, contraction } from './contraction.ts';
export { contractive } from './contractive.ts';
export { cosineGrid } from './cosine-grid.ts';
export { type DdpmBetasOptions, ddpmBetas, rescaleToZeroTerminalSnr } from './ddpm-betas.ts';
export { type DdpmChain, type DdpmChainOptions, ddpmChain, ddpmLimit } from './ddpm-chain.ts';
export { type DiscreteChain, type SimulateChainOptions, simulateChain } from './discrete-chain.ts';
export { type DiscreteTimestepsOptions, discreteTimesteps } from './discrete-timesteps.ts';
export { noiseDivergence } from './divergence.ts';
export { edm } from './edm.ts';
export { type ExponentialGridOptions, exponentialGrid } from './exponential-grid.ts';
export { flowMatching } from './flow-matching.ts';
export {
  type ForwardPathOptions,
  type ForwardState,
  forwardPath,
  type SimulateForwardOptions,
  simulateForward,
} from './forward-path.ts';
export {
  type GeneralProcess,
  type GeneralSdeOptions,
  generalSde,
  type NoiseKind,
} from './general-process.ts';
export { generalReverseDrift } from './general-reverse.ts';
export { geometricGrid } from './geometric-grid.ts';
export { gitsGrid } from './gits-grid.ts';
export { checkGrid, type GridOptions } from './grid.ts';
export { type KarrasGridOptions, karrasGrid } from './karras-grid.ts';
export { type LaplaceGridOptions, laplaceGrid } from './laplace-grid.ts';
export { type GridOfLevelsOptions, gridOfLevels } from './levels-to-times.ts';
export { type LinearQuadraticGridOptions, linearQuadraticGrid } from './linear-quadratic-grid.ts';
export { logSnrGrid } from './log-snr-grid.ts';
export type { NoiseLevelGridOptions } from './noise-level-grid.ts';
export { fromNoiseLevels, type NoiseLevelTableOptions } from './noise-level-table.ts';
export {
  canonicalOu,
  type OrnsteinUhlenbeckOptions,
  ornsteinUhlenbeck,
  unitSpeedOu,
} from './ornstein-uhlenbeck.ts';
export {
  type OverdampedLangevin,
  type OverdampedLangevinOptions,
  overdampedLangevin,
} from './overdamped-langevin.ts';
export { type Perturbed, type PerturbOptions, perturb, type Times } from './perturb.ts';
export type { LinearProcess, ProcessConfig } from './process.ts';
export { processFromConfig } from './process-config.ts';
export { quadraticGrid } from './quadratic-grid.ts';
export { integrate } from './quadrature.ts';
export {
  type NoiseLevel,
  probabilityFlowDrift,
  type ReverseCoefficients,
  reverseCoefficients,
  reverseDrift,
} from './reverse.ts';
export {
  type DynamicShiftOptions,
  dynamicShift,
  type ShiftedGridOptions,
  shiftedGrid,
} from './shifted-grid.ts';
export { type SmldChain, type SmldChainOptions, smldChain, smldSigmas } from './smld-chain.ts';
export { subVariancePreserving } from './sub-variance-preserving.ts';
export { toVarianceExploding, type VarianceExplodingView } from './to-variance-exploding.ts';
export { uniformGrid } from './uniform-grid.ts';
export { type VarianceExplodingOptions, varianceExploding } from './variance-exploding.ts';
export { variancePreserving } from './variance-preserving.ts';
