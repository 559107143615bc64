export {
  type Adam,
  type AdamAttributes,
  type AdamOptions,
  type AdamState,
  type AdamStep,
  adam,
} from './adam.ts';
export type { Alignment } from './alignment.ts';
export { type AutoguidanceOptions, autoguidance } from './autoguidance.ts';
export {
  type LoadCheckpointOptions,
  type LoadedCheckpoint,
  loadCheckpoint,
  type SaveCheckpointOptions,
  saveCheckpoint,
} from './checkpoint.ts';
export {
  type ClassifierFreeGuidanceOptions,
  type ConditionalPair,
  classifierFreeGuidance,
} from './classifier-free-guidance.ts';
export { type ClassifierGuidanceOptions, classifierGuidance } from './classifier-guidance.ts';
export { type ClipDataOptions, clipData } from './clip-data.ts';
export { type ComposedGuidanceOptions, composedGuidance, type Expert } from './composed-guidance.ts';
export { type Affine, conversion } from './convert.ts';
export { type DenoisingLossOptions, denoisingLoss } from './denoising-loss.ts';
export { type DenseActivation, type DenseOptions, dense } from './dense.ts';
export { type DynamicThresholdOptions, dynamicThreshold } from './dynamic-threshold.ts';
export { type EmpiricalMeasureOptions, empiricalMeasure } from './empirical-measure.ts';
export {
  type DataSampleOptions,
  defineExactModel,
  type ExactFunction,
  type ExactLaw,
  type ExactModel,
  type ExactModelDefinition,
  UNCONDITIONAL,
} from './exact-model.ts';
export { type GaussianOptions, gaussian } from './gaussian.ts';
export { type GaussianMixtureOptions, gaussianMixture } from './gaussian-mixture.ts';
export type { GuidanceInterval, GuidanceStrength, GuidanceWeight } from './guidance-strength.ts';
export type { IntervalDensity } from './interval-density.ts';
export type { LearningRate, LearningRateOptions } from './learning-rate.ts';
export { type MapDataOptions, mapData } from './map-data.ts';
export type { Marginal, Marginals } from './marginal.ts';
export { type MlpOptions, mlp } from './mlp.ts';
export {
  type Condition,
  convertPrediction,
  defineModel,
  type ModelDefinition,
  type ScoreModel,
  type Time,
} from './model.ts';
export { type MomentMatchingGuidanceOptions, momentMatchingGuidance } from './moment-matching-guidance.ts';
export {
  type FunctionNetworkOptions,
  functionNetwork,
  type Json,
  type LayersModelLike,
  layersNetwork,
  type Network,
  type NetworkConfig,
} from './network.ts';
export {
  type LinearObservationOptions,
  linearObservation,
  type MaskedObservationOptions,
  maskedObservation,
  type NonlinearObservationOptions,
  nonlinearObservation,
  type Observation,
} from './observation.ts';
export {
  type DiffusionPosteriorOptions,
  diffusionPosterior,
  type PseudoinverseGuidanceOptions,
  pseudoinverseGuidance,
} from './observation-guidance.ts';
export { type ObservedGaussianMixtureOptions, observedGaussianMixture } from './observed-gaussian-mixture.ts';
export type { ObservationGuidanceOptions } from './observed-model.ts';
export { type PointMassesOptions, pointMasses } from './point-masses.ts';
export { type NetworkModel, type PreconditionOptions, precondition } from './precondition.ts';
export {
  type NoiseState,
  PRECONDITIONINGS,
  type Preconditioning,
  type PreconditioningName,
  preconditioning,
  type Scalings,
} from './preconditioning.ts';
export { PREDICTION_KINDS, type PredictionKind } from './prediction-kind.ts';
export { type ProductDensityOptions, productDensity } from './product-density.ts';
export { type ProjectedGuidanceOptions, projectedGuidance } from './projected-guidance.ts';
export {
  readSafetensors,
  type Safetensors,
  type SafetensorsData,
  type SafetensorsDtype,
  type SafetensorsEntry,
  writeSafetensors,
} from './safetensors.ts';
export { silu } from './silu.ts';
export type { Sphere } from './sphere-law.ts';
export {
  type PerStepWeightOptions,
  type PlusPlusWeightOptions,
  perStepWeight,
  plusPlusWeight,
} from './step-weight.ts';
export {
  logNormalTimes,
  logUniformTimes,
  sampleTimes,
  type TimeLaw,
  uniformTimes,
} from './time-sampling.ts';
export { type LossPoint, type Trained, type TrainingProgress, type TrainOptions, train } from './train.ts';
export type { TrainingState } from './training-state.ts';
export { type UniformSpheresOptions, uniformSphere, uniformSpheres } from './uniform-spheres.ts';
export type { WeightAverage } from './weight-average.ts';
export {
  WEIGHTINGS,
  type Weighting,
  type WeightingName,
  type WeightingOptions,
  weighting,
} from './weighting.ts';
