import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deltaOf } from '../scripts/delta.mjs';
import { applyDelta } from '../src/apply-delta.ts';
import { moduleBytes } from '../src/module-bytes.ts';
import { withSharedMemory } from '../src/shared-memory.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

describe('the inlined modules', () => {
  it.each(['base', 'relaxed'] as const)('%s is what was compiled', (name) => {
    expect(Buffer.from(moduleBytes(name)).equals(readFileSync(join(root, `build/${name}.wasm`)))).toBe(true);
  });

  it('cannot be shared if they import no memory', () => {
    expect(() => withSharedMemory(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))).toThrow(
      'simd: the module must import env.memory with a maximum, got another import. Please report this.',
    );
  });
});

describe('applyDelta', () => {
  it('makes the second of any two', () => {
    const bytes = fc.uint8Array({ maxLength: 400, max: 3 });
    fc.assert(
      fc.property(bytes, bytes, fc.nat(400), fc.nat(400), (a, b, i, j) => {
        const to = Uint8Array.from([...a.slice(i), ...b.slice(0, j), ...a.slice(0, i), ...b]);
        expect([...applyDelta(a, deltaOf(a, to))]).toEqual([...to]);
      }),
    );
  });
});
