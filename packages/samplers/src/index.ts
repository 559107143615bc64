export type { AdaptiveFlowOptions, AttemptReport } from './adaptive-flow-sampler.ts';
export { type AdaptiveSdeOptions, adaptiveSde } from './adaptive-sde.ts';
export type { AncestralOptions } from './ancestral-step.ts';
export { annealed } from './annealed.ts';
export { bogackiShampine } from './bogacki-shampine.ts';
export { type BrownianPath, type BrownianTreeOptions, brownianTree } from './brownian-tree.ts';
export type { Corrector, CorrectorContext } from './corrector.ts';
export { ddim } from './ddim.ts';
export { type DdpmOptions, ddpm } from './ddpm.ts';
export { type DeisOptions, deis } from './deis.ts';
export { dormandPrince } from './dormand-prince.ts';
export { type DpmAdaptiveOptions, dpmAdaptive } from './dpm-adaptive.ts';
export { type DpmFastOptions, dpmFast } from './dpm-fast.ts';
export { type DpmSolverOptions, dpmSolver } from './dpm-solver.ts';
export { dpmSolver2sAncestral } from './dpm-solver-2s-ancestral.ts';
export { type DpmSolverSdeOptions, dpmSolverSde } from './dpm-solver-sde.ts';
export { dpm2 } from './dpm2.ts';
export { dpm2Ancestral } from './dpm2-ancestral.ts';
export { type DpumOptions, dpum } from './dpum.ts';
export { type EdmStochasticOptions, edmStochastic } from './edm-stochastic.ts';
export { type ErSdeOptions, erSde } from './er-sde.ts';
export { eulerAncestral } from './euler-ancestral.ts';
export { type EulerMaruyamaOptions, eulerMaruyama } from './euler-maruyama.ts';
export {
  type ExponentialIntegratorOptions,
  exponentialIntegrator,
  type Held,
} from './exponential-integrator.ts';
export { fromSchedulerConfig } from './from-scheduler-config.ts';
export { gradientEstimation } from './gradient-estimation.ts';
export { heun } from './heun.ts';
export { heunInTime } from './heun-in-time.ts';
export { heunPlusPlus } from './heun-plus-plus.ts';
export { type InpaintOptions, inpaint } from './inpaint.ts';
export { type InvertOptions, invert } from './invert.ts';
export { ipndm } from './ipndm.ts';
export { type LangevinOptions, langevin } from './langevin.ts';
export { type LangevinCorrectorOptions, langevinCorrector, type StepSize } from './langevin-corrector.ts';
export { type ConsistencyBoundary, lcm } from './lcm.ts';
export { lms } from './lms.ts';
export { type LogLikelihood, type LogLikelihoodOptions, logLikelihood } from './log-likelihood.ts';
export { type MalaOptions, type MalaReport, type MalaResult, mala } from './mala.ts';
export { type MalaCorrectorOptions, malaCorrector } from './mala-corrector.ts';
export { midpoint } from './midpoint.ts';
export { type NoiseBetweenOptions, noiseBetween } from './noise-level.ts';
export { plms, pndm } from './pndm.ts';
export { type PredictorCorrectorOptions, predictorCorrector } from './predictor-corrector.ts';
export { probabilityFlow } from './probability-flow.ts';
export type { Recorded } from './record.ts';
export { type RefreshCorrectorOptions, refreshCorrector } from './refresh-corrector.ts';
export { type RestartInterval, type RestartOptions, restart } from './restart.ts';
export { type ReverseDiffusionOptions, reverseDiffusion } from './reverse-diffusion.ts';
export { rungeKutta4 } from './runge-kutta4.ts';
export { type SaSolverOptions, saSolver } from './sa-solver.ts';
export { sample } from './sample.ts';
export {
  type BatchStepReport,
  type SampleBatch,
  type SampleInBatchesOptions,
  sampleInBatches,
} from './sample-in-batches.ts';
export type { SampleOptions, StepReport } from './sample-options.ts';
export { type SampleRowsOptions, sampleRows } from './sample-rows.ts';
export type { RunPlan, Sampler, StepContext } from './sampler.ts';
export type { SchedulerOptions } from './scheduler-config/scheduler-options.ts';
export type { SchedulerNetwork, SchedulerRun } from './scheduler-config/scheduler-run.ts';
export { type Seeds2Options, seeds2 } from './seeds2.ts';
export { type Seeds3Options, seeds3 } from './seeds3.ts';
export { shark } from './shark.ts';
export { sra1 } from './sra1.ts';
export { type Start, type StartFromOptions, startFrom } from './start-from.ts';
export { tcd } from './tcd.ts';
export { type TrajectoryOptions, type TrajectoryPoint, trajectory } from './trajectory.ts';
export { type UlaOptions, ula } from './ula.ts';
export { type UnderdampedLangevinOptions, underdampedLangevin } from './underdamped-langevin.ts';
export {
  type UnderdampedLangevinCorrectorOptions,
  underdampedLangevinCorrector,
} from './underdamped-langevin-corrector.ts';
export { type UniPcOptions, uniPc } from './uni-pc.ts';
