import './register.ts';

export { SimdBackend } from './backend.ts';
export { OutOfMemoryError, SimdBackendError } from './errors.ts';
export type { HeapStats } from './heap.ts';
export { type KernelCount, kernelCounts, resetKernelCounts, timeKernels } from './kernel-counts.ts';
export { setThreads } from './set-threads.ts';
export { type SimdInfo, simdInfo } from './simd-info.ts';
export { setVariant, type Variant } from './wasm.ts';
