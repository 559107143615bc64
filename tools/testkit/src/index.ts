export { describeExamples } from './describe-examples.ts';
export { type DiffusionOps, describeDiffusionOps, LENGTHS } from './diffusion-ops.ts';
export { expectClose, expectSameBits, type Tolerance } from './expect-close.ts';
