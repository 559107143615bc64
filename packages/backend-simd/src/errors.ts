import { DiffError } from '@diff/core';

/** WebAssembly memory cannot hold a tensor. Every existing tensor stays readable. */
export class OutOfMemoryError extends DiffError {
  override readonly name = 'OutOfMemoryError';
}

/** The backend was used in a way that cannot work: a setting after start, a disposed tensor. */
export class SimdBackendError extends DiffError {
  override readonly name = 'SimdBackendError';
}
