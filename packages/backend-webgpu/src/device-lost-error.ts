import { DiffError } from '@diff/core';

/** The GPU device went away while it was in use. */
export class DeviceLostError extends DiffError {
  override readonly name = 'DeviceLostError';
}
