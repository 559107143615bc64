/**
 * The errors of all @diff packages. Every message reads
 * `where: requirement, got value. What to do.`
 *
 * Two copies of this package may be loaded at once (a CommonJS bundle beside an ES module, say), so membership
 * is marked by a registered symbol as well as by the class: `isDiffError(e)` holds across copies, and `e.name`
 * tells which error it is.
 */
const MARK = Symbol.for('@diff/error');

/** The base of every error that @diff throws on purpose. */
export class DiffError extends Error {
  override readonly name: string = 'DiffError';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    Object.defineProperty(this, MARK, { value: true });
  }
}

/**
 * Is `value` an error of any copy of @diff?
 *
 * @example
 * ```ts
 * import { isDiffError, key } from '@diff/core';
 * try {
 *   key(-1);
 * } catch (error) {
 *   if (!isDiffError(error)) throw error;
 *   console.log(error.name, error.message); // DomainError, and what to do
 * }
 * ```
 */
export function isDiffError(value: unknown): value is DiffError {
  return typeof value === 'object' && value !== null && Reflect.get(value, MARK) === true;
}

/** A tensor or array has the wrong rank, length or dtype. */
export class ShapeError extends DiffError {
  override readonly name = 'ShapeError';
}

/** A value lies outside the set on which the function is defined. */
export class DomainError extends DiffError {
  override readonly name = 'DomainError';
}

/** A backend was asked for that this environment, or this program, does not have. */
export class BackendUnavailableError extends DiffError {
  override readonly name = 'BackendUnavailableError';
}

/** A number that must be finite came out as NaN or infinity while something was running. */
export class NumericalError extends DiffError {
  override readonly name = 'NumericalError';
}

/** A file or message does not have the format that it claims. */
export class FormatError extends DiffError {
  override readonly name = 'FormatError';
}

/** How a value that came instead of the required one is shown in a message. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 40 ? `${value.slice(0, 37)}…` : value}'`;
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) {
    const head = value.slice(0, 6).map(shown).join(', ');
    return `[${head}${value.length > 6 ? `, … ${value.length} in all` : ''}]`;
  }
  if (typeof value === 'function') return `function ${value.name || '(anonymous)'}`;
  if (typeof value === 'object' && value !== null) {
    if (ArrayBuffer.isView(value)) {
      const { length } = value as { readonly length?: number };
      return `a ${value.constructor.name}${length === undefined ? '' : ` of length ${length}`}`;
    }
    const shape = (value as { shape?: unknown }).shape;
    if (Array.isArray(shape)) return `a tensor of shape [${shape.join(', ')}]`;
    const keys = Object.keys(value);
    return `an object with ${keys.length ? `keys ${keys.slice(0, 6).join(', ')}` : 'no keys'}`;
  }
  return String(value);
}
