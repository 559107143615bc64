/** What the last run measured, kept beside the installed packages, so that a run that was stopped can go on. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Measured } from './measure.ts';

const folder = new URL('../node_modules/.cache/', import.meta.url);
const file = new URL('samplers.json', folder);

export function keep(known: ReadonlyMap<string, Measured>): void {
  mkdirSync(folder, { recursive: true });
  // JSON has no NaN: null stands for it.
  writeFileSync(file, JSON.stringify([...known.values()]));
}

export function readKept(): Map<string, Measured> {
  if (!existsSync(file)) return new Map();
  const all = JSON.parse(readFileSync(file, 'utf8')) as readonly Measured[];
  return new Map(
    all.map((one) => [
      one.entry.call,
      { ...one, order: one.order ?? Number.NaN, strongOrder: one.strongOrder ?? Number.NaN },
    ]),
  );
}
