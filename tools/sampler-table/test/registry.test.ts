/** The registry is complete and says what the samplers say, and so does the page. */
import { readdirSync, readFileSync } from 'node:fs';
import * as samplers from '@diff/samplers';
import { describe, expect, test } from 'vitest';
import { ring } from '../src/problems.ts';
import { REGISTRY } from '../src/registry.ts';
import { specimen } from '../src/specimen.ts';
import { staleClaims } from '../src/stale-claims.ts';

const sources = new URL('../../../packages/samplers/src/', import.meta.url);
const page = readFileSync(new URL('../../../docs/samplers.md', import.meta.url), 'utf8');

/** Make a sampler of another one for a task of their own; what they take on is the other's. */
const WRAPPERS: readonly string[] = ['inpaint'];

/** Names of the package's exported functions that are declared to return a sampler. */
function factories(): string[] {
  return readdirSync(sources)
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => {
      const text = readFileSync(new URL(file, sources), 'utf8');
      const declared = text.matchAll(/^export function (\w+)\((?:[^)]|\)(?!: ))*\): Sampler \{$/gm);
      return [...declared].map((match) => match[1]!);
    })
    .filter((name) => name in samplers);
}

test('every exported factory of a sampler has an entry', () => {
  const names = factories();
  expect(names).toContain('ddim');
  expect(names).toContain('exponentialIntegrator');
  expect(names).toContain('dpmAdaptive');
  const missing = names.filter(
    (name) => !WRAPPERS.includes(name) && !REGISTRY.some(({ call }) => call.startsWith(`${name}(`)),
  );
  expect(missing).toEqual([]);
});

describe('the call shown is the one made', () => {
  test.each(REGISTRY.map((entry) => [entry.call, entry] as const))('%s', (call, entry) => {
    const names = Object.keys(samplers);
    const evaluate = new Function(...names, 'steps', 'process', `return ${call}`);
    for (const steps of [7, 20]) {
      const shown: samplers.Sampler = evaluate(...Object.values(samplers), steps, ring.process);
      const made = specimen(entry, steps);
      for (const field of ['name', 'order', 'strongOrder', 'stochastic'] as const) {
        expect(shown[field]).toBe(made[field]);
      }
      expect(shown.nfe(steps)).toBe(made.nfe(steps));
    }
  });
});

test('no two entries are the same', () => {
  expect(new Set(REGISTRY.map(({ call }) => call)).size).toBe(REGISTRY.length);
});

test('the laws of all that draw noise are tested', () => {
  const tests = readdirSync(new URL('.', import.meta.url))
    .filter((file) => file.endsWith('laws.test.ts'))
    .map((file) => readFileSync(new URL(file, import.meta.url), 'utf8').replace(/^import[^;]*;$/gm, ''))
    .join('\n');
  const used = REGISTRY.filter((entry) => specimen(entry).stochastic).flatMap(({ call }) =>
    [...call.matchAll(/\b(\w+)\(/g)].map((match) => match[1]!).filter((name) => name in samplers),
  );
  expect(used).toContain('adaptiveSde');
  expect([...new Set(used)].filter((name) => !new RegExp(`\\b${name}\\(`).test(tests))).toEqual([]);
});

describe('the page', () => {
  test('says what the samplers claim', () => {
    expect(staleClaims(page)).toEqual([]);
  });

  test('would be found out', () => {
    const changed = page.replace('| `heun()` | heun | 2 |', '| `heun()` | heun | 3 |');
    expect(changed).not.toBe(page);
    expect(staleClaims(changed)).toHaveLength(2);
    const without = page
      .split('\n')
      .filter((line) => !line.includes('`ddpm()`'))
      .join('\n');
    expect(staleClaims(without)).toHaveLength(1);
  });
});
