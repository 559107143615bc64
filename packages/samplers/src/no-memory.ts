/**
 * The memory of a run whose steps are made several times over, so that a method that remembers earlier ones would take
 * its own attempts for them: whoever looks into it or writes to it is told so.
 */
import { DomainError } from '@diff/core';

/** @param message of the error that any use throws. */
export function noMemory(message: string): Map<string, unknown> {
  const refuse = (): never => {
    throw new DomainError(message);
  };
  const memory = new Map<string, unknown>();
  return Object.assign(memory, { get: refuse, set: refuse, has: refuse });
}
