import { readFileSync } from 'node:fs';

export interface Golden<Case, Meta = unknown> {
  readonly meta: Meta;
  readonly cases: readonly Case[];
}

/** A file of test/fixtures/golden; the README there says what made it. */
export function golden<Case, Meta = unknown>(name: string): Golden<Case, Meta> {
  const url = new URL(`./fixtures/golden/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8')) as Golden<Case, Meta>;
}

/** Largest |actual − expected| relative to the largest |expected|, with the index where it is. */
export function worst(
  actual: readonly number[],
  expected: readonly number[],
): { error: number; index: number } {
  const scale = Math.max(...expected.map(Math.abs), 1e-300);
  let [error, index] = [actual.length === expected.length ? 0 : Number.POSITIVE_INFINITY, -1];
  expected.forEach((e, i) => {
    const here = Math.abs(actual[i]! - e) / scale;
    if (!(here <= error)) [error, index] = [here, i];
  });
  return { error, index };
}
