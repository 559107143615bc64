/**
 * Did a contestant compute what it was asked for? Its result is thinned to a digest, which travels as JSON and is
 * compared with the expected values before anything is timed.
 */
import type { Expected } from './bench-case.ts';

/** A result, thinned. */
export interface Digest {
  /** Number of elements of the whole result. */
  readonly size: number;
  /** Its mean; NaN travels as null. */
  readonly mean: number | null;
  /** Elements at evenly spread places, first and last included. */
  readonly elements: readonly (number | null)[];
}

const PLACES = 512;

/** Indices of the elements that are looked at. */
function places(size: number): number[] {
  const count = Math.min(size, PLACES);
  return Array.from({ length: count }, (_, i) =>
    count === 1 ? 0 : Math.round((i * (size - 1)) / (count - 1)),
  );
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

export function digest(values: ArrayLike<number>): Digest {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return {
    size: values.length,
    mean: finiteOrNull(sum / Math.max(1, values.length)),
    elements: places(values.length).map((i) => finiteOrNull(values[i]!)),
  };
}

/** What is wrong with a digest, in a sentence, or undefined when it agrees with the expected values. */
export function disagreement(
  actual: Digest,
  { values, relative = 0, absolute = 0 }: Expected,
): string | undefined {
  if (actual.size !== values.length) {
    return `it has ${actual.size} elements instead of ${values.length}`;
  }
  const allowed = (i: number): number =>
    (typeof absolute === 'number' ? absolute : absolute[i]!) + relative * Math.abs(values[i]!);
  let worst: { excess: number; text: string } | undefined;
  const look = (value: number | null, wanted: number, limit: number, where: string): void => {
    const error = value === null ? Number.POSITIVE_INFINITY : Math.abs(value - wanted);
    if (error <= limit || (worst && worst.excess >= error / limit)) return;
    const shown = value === null ? 'not finite' : value.toPrecision(7);
    worst = {
      excess: error / limit,
      text: `${where} is ${shown} instead of ${wanted.toPrecision(7)} ± ${limit.toPrecision(2)}`,
    };
  };
  places(values.length).forEach((i, at) => {
    look(actual.elements[at] ?? null, values[i]!, allowed(i), `element ${i}`);
  });
  let mean = 0;
  let limit = 0;
  for (let i = 0; i < values.length; i++) {
    mean += values[i]! / values.length;
    limit += allowed(i) / values.length;
  }
  look(actual.mean, mean, limit, 'the mean');
  return worst?.text;
}
