/** Recorded runs of other libraries, trimmed; see fixtures/golden/README.md. */
import { readFileSync } from 'node:fs';
import type * as tf from '@tensorflow/tfjs-core';
import type { Problem } from './exact-score.ts';

export type Rows = readonly (readonly number[])[];

const read = <T>(file: string): T =>
  JSON.parse(readFileSync(new URL(`./fixtures/golden/${file}.json`, import.meta.url), 'utf8')) as T;

interface Bank {
  readonly problems: Readonly<Record<string, Problem>>;
  readonly latents: Readonly<Record<string, Rows>>;
  readonly noise: Readonly<Record<string, readonly Rows[]>>;
}

const bank = read<Bank>('problems');

export function problem(name: string): Problem {
  return bank.problems[name]!;
}

/** The standard normal draws from which a run starts, times `scale`. */
export function latents(name: string, scale = 1): number[][] {
  return bank.latents[name]!.map((row) => row.map((v) => v * scale));
}

/** The i-th draw that the library made. */
export function noise(name: string, i: number): Rows {
  const draw = bank.noise[name]![i];
  if (!draw) throw new Error(`draw ${i} of ${name} is not in the fixture`);
  return draw;
}

export function goldenCases<T>(file: string): readonly T[] {
  return read<{ readonly cases: readonly T[] }>(file).cases;
}

/** The whole file. */
export function golden<T>(file: string): T {
  return read<T>(file);
}

/**
 * Largest |x − recorded|, and the largest allowed: 1e-5 of the size of the data, far above float32 rounding in a run
 * and far below any change of a coefficient; more only where the library's own float32 run moved by more (`float32Gap`).
 */
export async function deviation(
  x: tf.Tensor,
  recorded: Rows,
  float32Gap = 0,
): Promise<{ readonly worst: number; readonly allowed: number }> {
  const expected = recorded.flat();
  const actual = await x.data();
  const worst = Math.max(...expected.map((v, i) => Math.abs(v - actual[i]!)));
  const size = Math.max(1, ...expected.map(Math.abs));
  return { worst, allowed: Math.max(1e-5 * size, 3 * float32Gap) };
}
