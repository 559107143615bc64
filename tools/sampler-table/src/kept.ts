/** What the last run measured, kept beside the installed packages, so that a run that was stopped can go on. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Scaling } from './dimension-scaling.ts';
import type { Measured } from './measure.ts';

const folder = new URL('../node_modules/.cache/', import.meta.url);
const file = new URL('samplers.json', folder);

/** By call, and by name. */
export interface Kept {
  readonly measured: Map<string, Measured>;
  readonly scalings: Map<string, Scaling>;
}

export function keep({ measured, scalings }: Kept): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, JSON.stringify({ measured: [...measured.values()], scalings: [...scalings.values()] }));
}

export function readKept(): Kept {
  if (!existsSync(file)) return { measured: new Map(), scalings: new Map() };
  const found = JSON.parse(readFileSync(file, 'utf8')) as {
    readonly measured: readonly Measured[];
    readonly scalings: readonly Scaling[];
  };
  // JSON has no NaN: null stands for it.
  const number = (v: number | null): number => v ?? Number.NaN;
  return {
    measured: new Map(
      found.measured.map((one) => [
        one.entry.call,
        { ...one, order: number(one.order), strongOrder: number(one.strongOrder) },
      ]),
    ),
    scalings: new Map(found.scalings.map((one) => [one.name, one])),
  };
}
