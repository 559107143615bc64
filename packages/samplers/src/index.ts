export type { Corrector, CorrectorContext } from './corrector.ts';
export { ddim } from './ddim.ts';
export { type DdpmOptions, ddpm } from './ddpm.ts';
export { type DpmSolverOptions, dpmSolver } from './dpm-solver.ts';
export { type EulerMaruyamaOptions, eulerMaruyama } from './euler-maruyama.ts';
export {
  type ExponentialIntegratorOptions,
  exponentialIntegrator,
  type Held,
} from './exponential-integrator.ts';
export { heun } from './heun.ts';
export { type LangevinOptions, langevin } from './langevin.ts';
export { type LangevinCorrectorOptions, langevinCorrector, type StepSize } from './langevin-corrector.ts';
export { type PredictorCorrectorOptions, predictorCorrector } from './predictor-corrector.ts';
export { probabilityFlow } from './probability-flow.ts';
export { sample } from './sample.ts';
export type { SampleOptions, StepReport } from './sample-options.ts';
export type { RunPlan, Sampler, StepContext } from './sampler.ts';
export { type TrajectoryPoint, trajectory } from './trajectory.ts';
export { type UlaOptions, ula } from './ula.ts';
