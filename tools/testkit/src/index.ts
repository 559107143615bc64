export { describeDiffusionOps } from './describe-diffusion-ops.ts';
export { describeExamples } from './describe-examples.ts';
export type { DiffusionOps } from './diffusion-ops.ts';
export { expectClose, expectSameBits, type Tolerance } from './expect-close.ts';
export { LENGTHS } from './test-tensors.ts';
