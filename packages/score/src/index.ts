export { type Affine, conversion } from './convert.ts';
export {
  type Condition,
  convertPrediction,
  defineModel,
  type ModelDefinition,
  type ScoreModel,
  type Time,
} from './model.ts';
export { PREDICTION_KINDS, type PredictionKind } from './prediction-kind.ts';
