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
export type { NoiseLevel } from './noise-level.ts';
export { probabilityFlow } from './probability-flow.ts';
export type { SampleOptions, StepReport } from './run.ts';
export { sample } from './sample.ts';
export type { RunPlan, Sampler, StepContext } from './sampler.ts';
export { type TrajectoryPoint, trajectory } from './trajectory.ts';
