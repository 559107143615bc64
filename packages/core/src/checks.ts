/**
 * Checks at public edges. Each throws `where: requirement, got value. What to do.`
 */
import { DomainError, ShapeError, shown } from './errors.ts';

/** Throws unless `value` is a finite number; returns it. */
export function requireFinite(
  where: string,
  name: string,
  value: unknown,
  hint = `Pass a finite number for ${name}.`,
): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw new DomainError(`${where}: ${name} must be a finite number, got ${shown(value)}. ${hint}`);
  }
  return value;
}

/** Throws unless `value` is a finite number > 0; returns it. */
export function requirePositive(
  where: string,
  name: string,
  value: unknown,
  hint = `Pass a number above 0 for ${name}.`,
): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) {
    throw new DomainError(`${where}: ${name} must be a positive finite number, got ${shown(value)}. ${hint}`);
  }
  return value;
}

/** Throws unless `value` is an integer ≥ `least`; returns it. */
export function requireInteger(
  where: string,
  name: string,
  value: unknown,
  least = 0,
  hint?: string,
): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least) {
    const what =
      least === 1
        ? 'a positive integer'
        : least === 0
          ? 'a non-negative integer'
          : `an integer of at least ${least}`;
    throw new DomainError(
      `${where}: ${name} must be ${what}, got ${shown(value)}. ${hint ?? `Pass a whole number of at least ${least} for ${name}.`}`,
    );
  }
  return value;
}

/** Throws unless `value` is one of `choices`; returns it. */
export function requireOneOf<T extends string>(
  where: string,
  name: string,
  value: unknown,
  choices: readonly T[],
): T {
  const found = choices.find((c) => c === value);
  if (found === undefined) {
    throw new DomainError(
      `${where}: ${name} must be one of ${choices.map((c) => `'${c}'`).join(', ')}, got ${shown(value)}. Choose one of these.`,
    );
  }
  return found;
}

/** Throws unless `tensor` has exactly this shape (−1 stands for any length). */
export function requireShape(
  where: string,
  name: string,
  tensor: { readonly shape: readonly number[] },
  shape: readonly number[],
): void {
  const ok =
    Array.isArray(tensor?.shape) &&
    tensor.shape.length === shape.length &&
    shape.every((s, i) => s === -1 || s === tensor.shape[i]);
  if (!ok) {
    const wanted = shape.map((s) => (s === -1 ? 'any' : s)).join(', ');
    throw new ShapeError(
      `${where}: ${name} must have shape [${wanted}], got ${shown(tensor)}. Reshape it or pass the matching tensor.`,
    );
  }
}
