// The entry point of the compiler: every function exported here becomes an export of the WebAssembly module and,
// through the generated typings, a method of `wasm()` in TypeScript. Kernels take addresses in bytes and counts.
export * from './heap-base';
export * from './fill';
export * from './adam';
export * from './add-into';
export * from './cast';
export * from './cumsum';
export * from './gather';
export * from './im2col';
export * from './reduce-float';
export * from './reduce-index';
export * from './reduce-int';
export * from './resize';
export * from './select';
export * from './silu';
export * from './softmax';
export * from './strided-copy';
export * from './taps';
export { sgemm, sgemmScratch } from './sgemm';
export * from './unary';
export * from './binary';
export { boxMuller } from './box-muller';
export { noiseRange, noiseScratch } from './noise';
export { combine, combineScratch } from './combine';
export { softmaxMean, softmaxMeanScratch } from './softmax-mean';
export { pairwiseSum, pairwiseSumScratch } from './pairwise';
export { pairwiseNearest, pairwiseNearestScratch } from './nearest';
