import './register-gradients.ts';

export { requireFinite, requireInteger, requireOneOf, requirePositive, requireShape } from './checks.ts';
export { type CombineOptions, combine, type Weight } from './combine.ts';
export {
  BackendUnavailableError,
  DiffError,
  DomainError,
  FormatError,
  isDiffError,
  NumericalError,
  ShapeError,
  shown,
} from './errors.ts';
export { DIFF_KERNELS, type DiffKernelName, fusedOps } from './kernel.ts';
export { fold, type Key, key, requireKey, split } from './key.ts';
export { type NoiseOptions, normal, rademacher, uniform } from './noise.ts';
export { createPacer, type Pacer, type PacerOptions } from './pacer.ts';
export { pairwiseLogSumExp, pairwiseNearest, pairwiseSumDistance, pairwiseSumExp } from './pairwise.ts';
export { type SoftmaxMeanOptions, type SoftmaxMeanResult, softmaxMean } from './softmax-mean.ts';
export { threefry4x32 } from './threefry.ts';
export { BACKEND_ORDER, type BackendChoice, useBackend } from './use-backend.ts';
