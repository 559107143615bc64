import { expectClose, expectSameBits, LENGTHS } from '@diff/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Build, builds } from './builds.ts';
import { noiseTwin, type Words } from './diff-twins.ts';
import { noise } from './noise.ts';

const KEY: Words = [1, 2, 3, 4];

interface Sum {
  readonly n: number;
  readonly rowLength: number;
  readonly xs: readonly Float32Array[];
  /** Numbers, or one per row. */
  readonly weights: readonly (number | Float32Array)[];
  readonly constant?: number;
  readonly scale?: number | Float32Array;
  readonly firstRow?: number;
  /** Write over operand i. */
  readonly over?: number;
}

/** The arrays one after the other in slot 0, at multiples of 16 bytes; the result in slot 2. */
function combine({ kernels, floats }: Build, sum: Sum): Float32Array {
  const { n, rowLength, xs, weights, constant = 0, scale, firstRow = 0, over } = sum;
  let used = 0;
  const put = (values: Float32Array): number => {
    const all = floats(0, used + values.length);
    all.set(values, used);
    const address = all.byteOffset + 4 * used;
    used += Math.ceil(values.length / 4) * 4;
    return address;
  };
  const addresses = xs.map(put);
  const table = floats(1, 4 * xs.length);
  const words = new Uint32Array(table.buffer, table.byteOffset, table.length);
  weights.forEach((w, i) => {
    words[4 * i] = addresses[i]!;
    words[4 * i + 1] = typeof w === 'number' ? 0 : put(w);
    if (typeof w === 'number') table[4 * i + 2] = w;
  });
  const scales = typeof scale === 'object' ? put(scale) : 0;
  const size = n * rowLength;
  const fresh = floats(2, size + 1);
  fresh.fill(77);
  const out = over === undefined ? fresh.byteOffset : addresses[over]!;
  const drawn = [scale === undefined ? 0 : 1, typeof scale === 'number' ? scale : 0, scales, ...KEY] as const;
  kernels.combine(
    table.byteOffset,
    xs.length,
    size,
    0,
    size,
    rowLength,
    constant,
    ...drawn,
    firstRow * rowLength,
    out,
    floats(3, 0).byteOffset,
  );
  expect(fresh[over === undefined ? size : 0], 'what follows the output').toBe(77);
  return new Float32Array(fresh.buffer.slice(out, out + 4 * size));
}

function twin({ n, rowLength, xs, weights, constant = 0, scale = 0, firstRow = 0 }: Sum): Float64Array {
  const xi = noiseTwin(0, KEY, firstRow * rowLength, n * rowLength);
  const at = (w: number | Float32Array, e: number): number =>
    typeof w === 'number' ? w : w[Math.floor(e / rowLength)]!;
  return xi.map(
    (z, e) => xs.reduce((s, x, i) => s + at(weights[i]!, e) * x[e]!, constant) + at(scale, e) * z,
  );
}

function random(n: number, rowLength: number, terms: number, perRow: (i: number) => boolean): Sum {
  return {
    n,
    rowLength,
    xs: Array.from({ length: terms }, (_, i) => noise(n * rowLength, i + 1)),
    weights: Array.from({ length: terms }, (_, i) => (perRow(i) ? noise(n, 50 + i) : i / 4 - 0.5)),
  };
}

const rows = ({ n, rowLength, xs, weights, ...rest }: Sum, from: number, to: number): Sum => {
  const part = (w: number | Float32Array): number | Float32Array =>
    typeof w === 'number' ? w : w.slice(from, to);
  return {
    ...rest,
    n: Math.min(n, to) - from,
    rowLength,
    xs: xs.map((x) => x.slice(from * rowLength, to * rowLength)),
    weights: weights.map(part),
    ...(rest.scale !== undefined && { scale: part(rest.scale) }),
    firstRow: (rest.firstRow ?? 0) + from,
  };
};

describe.each(builds)('combine of the $name build', (build) => {
  it.each([1, 2, 3, 4, 5, 7])('%i terms: weights, rows, noise, constant, at every length', (terms) => {
    for (const n of LENGTHS) {
      for (const rowLength of n > 1000
        ? [1, 2, 3].slice(0, terms > 3 ? 1 : 3)
        : [1, 2, 3, 4, 5, 16, 17, 64]) {
        for (const which of [0, 1, 2]) {
          const sum = random(n, rowLength, terms, (i) => which === 1 || (which === 2 && i % 2 === 1));
          const scale = [undefined, 0.75, noise(n, 99)][(which + n) % 3];
          const whole = { ...sum, constant: 0.25, firstRow: 3, ...(scale !== undefined && { scale }) };
          // Each product and each sum rounds once: (terms + 2) roundings of numbers below terms + 6.
          const absolute = (terms + 2) * (terms + 6) * 2 ** -24 + 1e-6;
          expectClose(
            combine(build, whole),
            twin(whole),
            { absolute },
            `${n} rows of ${rowLength}, ${which}`,
          );
        }
      }
    }
  });

  it('does not depend on how a batch is cut', () => {
    const sums = [1, 2, 3, 5, 7].flatMap((rowLength) =>
      [1, 2, 3, 4].map((terms) => ({
        ...random(700, rowLength, terms, (i) => i % 2 === 0),
        scale: terms % 2 ? 0.3 : noise(700, 7),
        firstRow: 11,
      })),
    );
    const wholes = sums.map((sum) => combine(build, sum));
    fc.assert(
      fc.property(fc.nat(sums.length - 1), fc.nat(700), fc.nat(700), (i, a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const { rowLength } = sums[i]!;
        expectSameBits(
          combine(build, rows(sums[i]!, from, to)),
          wholes[i]!.subarray(from * rowLength, to * rowLength),
          `rows ${from} … ${to} of ${rowLength}`,
        );
      }),
      { numRuns: 200 },
    );
  });

  it('may write over any of its operands', () => {
    for (const n of [3, 1001, 5003]) {
      for (const terms of [1, 2, 4, 5]) {
        const sum = { ...random(n, 1, terms, (i) => i === 1), scale: 0.5 };
        const expected = combine(build, sum);
        for (let over = 0; over < terms; over++) {
          expectSameBits(
            combine(build, { ...sum, over }),
            expected,
            `${terms} terms of ${n} over number ${over}`,
          );
        }
      }
    }
  });

  it('keeps NaN and infinities in their elements, 0·∞ included, and the sign of zero', () => {
    for (const n of [1, 5, 8, 31]) {
      for (let at = 0; at < n; at++) {
        for (const special of [Number.NaN, Number.POSITIVE_INFINITY, -0]) {
          const x = new Float32Array(n).fill(1);
          x[at] = special;
          const ones = new Float32Array(n).fill(1);
          const zeroed = combine(build, { n, rowLength: 1, xs: [x, ones], weights: [0, 1] });
          const expected = Float32Array.from(ones);
          if (special !== 0) expected[at] = Number.NaN;
          expectSameBits(zeroed, expected);
          expectSameBits(combine(build, { n, rowLength: 1, xs: [x], weights: [1] }), x);
        }
      }
    }
  });
});
