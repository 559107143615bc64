import { expectClose, expectSameBits, LENGTHS } from '@diff/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Build, builds } from './builds.ts';
import { boxMullerTwin, noiseTwin, type Words } from './diff-twins.ts';

const KEY: Words = [0x12345678, 0x9abcdef0, 5, 0xffffffff];
/** Beginnings of ranges: within a block, where the low counter word wraps, at the end of the stream. */
const STARTS = [0, 1, 2, 3, 30, 31, 33, 2 ** 34 - 6, 2 ** 34 - 100, 2 ** 53 - 70_000];

function draw(
  { kernels, floats }: Build,
  kind: number,
  key: Words,
  start: number,
  count: number,
): Float32Array {
  const out = floats(0, count + 1);
  out[count] = 77;
  const [k0, k1, k2, k3] = key;
  kernels.noiseRange(kind, k0, k1, k2, k3, start, count, out.byteOffset, floats(1, 0).byteOffset);
  expect(out[count], 'what follows the output').toBe(77);
  return out.slice(0, count);
}

describe.each(builds)('noise of the $name build', (build) => {
  it('is Box–Muller of the words that Random123 publishes for key 0 and counter 0', () => {
    const expected = [...boxMullerTwin(0x9c6ca96a, 0xe17eae66), ...boxMullerTwin(0xfc10ecd4, 0x5256a7d8)];
    expectClose(draw(build, 0, [0, 0, 0, 0], 0, 4), expected, { absolute: 5e-7 });
  });

  it('uniforms and signs have the bits of the definition, at every length and beginning', () => {
    for (const count of LENGTHS) {
      for (const start of count > 1000 ? STARTS.slice(-3) : STARTS) {
        for (const kind of [1, 2]) {
          const label = `kind ${kind}, ${count} from ${start}`;
          const actual = draw(build, kind, KEY, start, count);
          expectSameBits(actual, Float32Array.from(noiseTwin(kind, KEY, start, count)), label);
        }
      }
    }
  });

  it('normals are within 5·10⁻⁷·max(1, |normal|) of the formula', () => {
    for (const [start, count] of [...STARTS.map((s) => [s, 1003]), [0, 600_000]] as const) {
      const actual = draw(build, 0, KEY, start, count);
      expectClose(
        actual,
        noiseTwin(0, KEY, start, count),
        { absolute: 5e-7, relative: 3e-7 },
        `from ${start}`,
      );
    }
  });

  it('the most extreme words give finite normals, close to the formula', () => {
    const edges = [0, 1, 2, 0x7f, 0x80, 0x3fffffff, 0x40000000, 0x7fffffff, 0x80000000, 0x80000001];
    edges.push(0xb504f334, 0xc0000000, 0xffffff7f, 0xffffff80, 0xfffffffe, 0xffffffff);
    const pairs = edges.flatMap((a) => edges.map((b) => [a, b] as const));
    // Groups hold word 0 of four blocks, then word 1, 2, 3, then the same of the next four.
    const groups = pairs.length / 16;
    const floats = build.floats(0, 32 * groups);
    const words = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
    const expected = new Float64Array(floats.length);
    pairs.forEach(([a, b], i) => {
      const quad = i >> 3; // of four blocks
      const block = (i >> 1) & 3;
      const at = 16 * quad + 8 * (i & 1) + block;
      words[at] = a;
      words[at + 4] = b;
      expected.set(boxMullerTwin(a, b), 16 * quad + 4 * block + 2 * (i & 1));
    });
    build.kernels.boxMuller(floats.byteOffset, groups);
    expect(floats.every(Number.isFinite)).toBe(true);
    expectClose(floats, expected, { absolute: 5e-7, relative: 3e-7 });
  });

  it('a number does not depend on the range that it is drawn in', () => {
    const whole = [0, 1, 2].map((kind) => draw(build, kind, KEY, 1000, 5000));
    const range = fc.tuple(fc.nat(2), fc.nat(4999), fc.nat(4999));
    fc.assert(
      fc.property(range, ([kind, a, b]) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const piece = draw(build, kind, KEY, 1000 + from, to - from);
        expectSameBits(piece, whole[kind]!.subarray(from, to), `kind ${kind}, ${from} … ${to}`);
      }),
    );
  });

  it('every key word counts', () => {
    const reference = draw(build, 1, KEY, 0, 8);
    for (let i = 0; i < 4; i++) {
      const [a, b, c, d] = KEY.map((w, j) => (i === j ? (w ^ 1) >>> 0 : w));
      const other: Words = [a!, b!, c!, d!];
      expect(draw(build, 1, other, 0, 8)).not.toEqual(reference);
    }
  });
});
