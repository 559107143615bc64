export { type Affine, conversion } from './convert.ts';
export {
  type DataSampleOptions,
  defineExactModel,
  type ExactFunction,
  type ExactLaw,
  type ExactModel,
  type ExactModelDefinition,
  UNCONDITIONAL,
} from './exact-model.ts';
export { type GaussianMixtureOptions, gaussianMixture } from './gaussian-mixture.ts';
export {
  type Condition,
  convertPrediction,
  defineModel,
  type ModelDefinition,
  type ScoreModel,
  type Time,
} from './model.ts';
export type { NoiseLevel, NoiseLevels } from './noise-level.ts';
export { PREDICTION_KINDS, type PredictionKind } from './prediction-kind.ts';
