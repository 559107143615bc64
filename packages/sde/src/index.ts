export { type AlphaSigmaOptions, fromAlphaSigma } from './alpha-sigma.ts';
export { type BbddGridOptions, bbddGrid, stepKappa } from './bbdd-grid.ts';
export type { BetaScheduleConfig, BetaScheduleOptions } from './beta-schedule.ts';
export { contractive } from './contractive.ts';
export { cosineGrid } from './cosine-grid.ts';
export { edm } from './edm.ts';
export { type ExponentialGridOptions, exponentialGrid } from './exponential-grid.ts';
export { geometricGrid } from './geometric-grid.ts';
export { checkGrid, type GridOptions } from './grid.ts';
export { type KarrasGridOptions, karrasGrid } from './karras-grid.ts';
export { logSnrGrid } from './log-snr-grid.ts';
export type { NoiseLevelGridOptions } from './noise-level-grid.ts';
export {
  canonicalOu,
  type OrnsteinUhlenbeckOptions,
  ornsteinUhlenbeck,
  unitSpeedOu,
} from './ornstein-uhlenbeck.ts';
export { type Perturbed, type PerturbOptions, perturb, type Times } from './perturb.ts';
export type { LinearProcess, ProcessConfig } from './process.ts';
export { processFromConfig } from './process-config.ts';
export { quadraticGrid } from './quadratic-grid.ts';
export { integrate } from './quadrature.ts';
export { subVariancePreserving } from './sub-variance-preserving.ts';
export { uniformGrid } from './uniform-grid.ts';
export { type VarianceExplodingOptions, varianceExploding } from './variance-exploding.ts';
export { variancePreserving } from './variance-preserving.ts';
