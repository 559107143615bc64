import { FormatError } from '@diff/core';
import { readSafetensors, type SafetensorsEntry, writeSafetensors } from '@diff/score';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import published from './fixtures/golden/published.safetensors.json' with { type: 'json' };

/** A file with this header text (padded or not) and this many bytes of data. */
function file(header: string | Uint8Array, dataLength = 0, length?: bigint): Uint8Array {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const out = new Uint8Array(8 + json.length + dataLength);
  new DataView(out.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  out.set(json, 8);
  return out;
}
const f32 = (shape: unknown, offsets: unknown): string =>
  JSON.stringify({ dtype: 'F32', shape, data_offsets: offsets });

const fromBase64 = (text: string): Uint8Array => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

describe('safetensors', () => {
  it('reads a file that the published Python package wrote', () => {
    const { tensors, metadata } = readSafetensors(fromBase64(published.base64));
    expect(metadata).toEqual(published.metadata);
    expect(new Set(tensors.keys())).toEqual(new Set(Object.keys(published.tensors)));
    for (const [name, { dtype, shape, values }] of Object.entries(published.tensors)) {
      const entry = tensors.get(name)!;
      expect(entry.dtype).toBe(dtype);
      expect(entry.shape).toEqual(shape);
      expect(Array.from(entry.data, (v) => (v === Infinity ? 'Infinity' : v + 0))).toEqual(values);
    }
    expect(Object.is(tensors.get('layer.weight')!.data[4], -0)).toBe(true);
  });

  it('writes what the published package wrote, tensor for tensor, in aligned form', () => {
    const source = readSafetensors(fromBase64(published.base64));
    const bytes = writeSafetensors(source.tensors, source.metadata);
    const again = readSafetensors(bytes);
    expect(again.metadata).toEqual(source.metadata);
    expect(Object.fromEntries(again.tensors)).toEqual(Object.fromEntries(source.tensors));
    const headerLength = new DataView(bytes.buffer).getUint32(0, true);
    expect(headerLength % 8).toBe(0);
    const header = new TextDecoder().decode(bytes.subarray(8, 8 + headerLength));
    expect(header.startsWith('{')).toBe(true);
    expect(header.trimEnd().endsWith('}')).toBe(true);
    const parsed = JSON.parse(header) as Record<string, { data_offsets: [number, number] }>;
    expect(parsed.wide!.data_offsets).toEqual([0, 8]);
    // and writing twice gives the same bytes
    expect(writeSafetensors(again.tensors, again.metadata)).toEqual(bytes);
  });

  it('pads the header to 8 bytes and puts wider elements first, so that every tensor is aligned', () => {
    for (let length = 0; length < 9; length++) {
      const bytes = writeSafetensors(
        {
          narrow: { dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 3) },
          middle: { dtype: 'F32', shape: [1], data: Float32Array.of(4) },
          wide: { dtype: 'F64', shape: [1], data: Float64Array.of(5) },
        },
        { note: 'x'.repeat(length) },
      );
      const headerLength = new DataView(bytes.buffer).getUint32(0, true);
      expect(headerLength % 8).toBe(0);
      const header: Record<string, { data_offsets?: [number, number] }> = JSON.parse(
        new TextDecoder().decode(bytes.subarray(8, 8 + headerLength)),
      );
      expect(header.wide!.data_offsets).toEqual([0, 8]);
      expect(header.middle!.data_offsets).toEqual([8, 12]);
      expect(header.narrow!.data_offsets).toEqual([12, 15]);
    }
  });

  it('round-trips every dtype and every bit', () => {
    const dtypes = {
      F32: fc.float32Array({ maxLength: 9 }),
      F64: fc.float64Array({ maxLength: 9 }),
      I32: fc.int32Array({ maxLength: 9 }),
      I16: fc.int16Array({ maxLength: 9 }),
      I8: fc.int8Array({ maxLength: 9 }),
      U32: fc.uint32Array({ maxLength: 9 }),
      U16: fc.uint16Array({ maxLength: 9 }),
      U8: fc.uint8Array({ maxLength: 9 }),
    } as const;
    const entry = fc
      .constantFrom(...(Object.keys(dtypes) as (keyof typeof dtypes)[]))
      .chain((dtype) =>
        fc.record<SafetensorsEntry>({
          dtype: fc.constant(dtype),
          data: dtypes[dtype],
          shape: fc.constant([] as number[]),
        }),
      )
      .map((e) => ({ ...e, shape: [1, e.data.length] }));
    const names = fc
      .string({ minLength: 1, maxLength: 12, unit: 'grapheme' })
      .filter((s) => !/[/\\.]|\0|__|^constructor$|^prototype$/.test(s));
    fc.assert(
      fc.property(
        fc.dictionary(names, entry, { maxKeys: 6 }),
        fc.dictionary(names, fc.string()),
        (tensors, notes) => {
          const { tensors: back, metadata } = readSafetensors(writeSafetensors(tensors, notes));
          expect(Object.fromEntries(back)).toEqual(tensors);
          expect(metadata).toEqual({ ...notes });
          for (const [name, { data }] of Object.entries(tensors)) {
            const bits = (a: SafetensorsEntry['data']): Uint8Array =>
              new Uint8Array(a.buffer, a.byteOffset, a.byteLength);
            expect(bits(back.get(name)!.data)).toEqual(bits(data));
          }
        },
      ),
      { seed: 1, numRuns: 200 },
    );
  });

  it('reads and rounds 16-bit floats', () => {
    // Bits of binary16 and bfloat16 by their definitions; the last ones are ties, to even.
    const known: [SafetensorsEntry['dtype'], number, number, number?][] = [
      ['F16', 0x3c00, 1],
      ['F16', 0xc000, -2],
      ['F16', 0x7bff, 65504],
      ['F16', 0x0001, 2 ** -24],
      ['F16', 0x0400, 2 ** -14],
      ['F16', 0x03ff, 1023 * 2 ** -24],
      ['F16', 0x7c00, Number.POSITIVE_INFINITY],
      ['F16', 0x7c00, Number.POSITIVE_INFINITY, 65520],
      ['F16', 0x3555, 0.333251953125, 1 / 3],
      ['F16', 0x0000, 0, 2 ** -25],
      ['F16', 0x0002, 2 ** -23, 1.5 * 2 ** -24],
      ['F16', 0x3c00, 1, 1 + 2 ** -11],
      ['F16', 0x4000, 2, 2 - 2 ** -12],
      ['BF16', 0x3f80, 1],
      ['BF16', 0xc040, -3],
      ['BF16', 0x3eab, 0.333984375, 1 / 3],
      ['BF16', 0x3f80, 1, 1 + 2 ** -8],
      ['BF16', 0x7f80, Number.POSITIVE_INFINITY, 3.4e38],
    ];
    for (const [dtype, bits, value, written = value] of known) {
      const bytes = writeSafetensors({ w: { dtype, shape: [1], data: Float32Array.of(written) } });
      expect(new DataView(bytes.buffer).getUint16(bytes.length - 2, true), `${dtype} of ${written}`).toBe(
        bits,
      );
      expect(readSafetensors(bytes).tensors.get('w')!.data, `${dtype} ${bits}`).toEqual(
        Float32Array.of(value),
      );
    }
  });

  it('round-trips all bits of 16-bit floats but the payloads of NaN', () => {
    for (const dtype of ['F16', 'BF16'] as const) {
      const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
      const bytes = writeSafetensors({ w: { dtype: 'U16', shape: [65536], data: all } });
      const header = new TextDecoder().decode(bytes.subarray(8, bytes.length - 131072));
      const renamed = file(header.replace('"U16"', `"${dtype}"`).trimEnd(), 131072);
      renamed.set(bytes.subarray(bytes.length - 131072), renamed.length - 131072);
      const { data } = readSafetensors(renamed).tensors.get('w')!;
      const again = writeSafetensors({ w: { dtype, shape: [65536], data } });
      const bits = new Uint16Array(again.slice(again.length - 131072).buffer);
      const differ = all.filter((i) => bits[i] !== i && !Number.isNaN(data[i]!));
      expect(differ).toEqual(new Uint16Array(0));
      if (dtype === 'F16') expect(data[0x3555]).toBe(0.333251953125);
    }
  });

  it('reads a view into a larger buffer at any alignment', () => {
    const bytes = writeSafetensors({ w: { dtype: 'F32', shape: [2], data: Float32Array.of(1, 2) } });
    for (let shift = 0; shift < 9; shift++) {
      const larger = new Uint8Array(bytes.length + 20);
      larger.set(bytes, shift);
      const { tensors } = readSafetensors(larger.subarray(shift, shift + bytes.length));
      expect(tensors.get('w')!.data).toEqual(Float32Array.of(1, 2));
    }
  });

  const hostile: readonly (readonly [what: string, bytes: Uint8Array, message: string])[] = [
    ['an empty file', new Uint8Array(0), 'a file must have at least 8 bytes, got 0.'],
    [
      'a file cut short',
      file('{}').subarray(0, 9),
      'the header must fit into the 9 bytes of the file, got 2.',
    ],
    [
      'a huge header length',
      file('{}', 0, 2n ** 63n),
      'the header must have at most 100000000 bytes, got 9223372036854776000.',
    ],
    [
      'a header longer than the file',
      file('{}', 0, 99_999_999n),
      'the header must fit into the 10 bytes of the file, got 99999999.',
    ],
    ['no JSON', file('{"a":'), 'the header must be JSON in UTF-8, got something else.'],
    ['no UTF-8', file(Uint8Array.of(0x7b, 0xff, 0x7d)), 'the header must be JSON in UTF-8'],
    ['an array', file('[]'), 'the header must be a JSON object, got [].'],
    ['a leading space', file(' {}'), 'the header must be a JSON object'],
    ['null', file('null'), 'the header must be a JSON object, got null.'],
    ['a number for a tensor', file('{"a":1}'), "tensor 'a' must be an object, got 1."],
    [
      'an unknown dtype',
      file('{"a":{"dtype":"F8_E4M3","shape":[],"data_offsets":[0,1]}}', 1),
      "tensor 'a' must have one of the dtypes F16, BF16, F32, F64, I32, I16, I8, U32, U16, U8, got 'F8_E4M3'.",
    ],
    [
      'a dtype from the prototype',
      file('{"a":{"dtype":"constructor","shape":[],"data_offsets":[0,1]}}', 1),
      "tensor 'a' must have one of the dtypes F16, BF16, F32, F64, I32, I16, I8, U32, U16, U8, got 'constructor'.",
    ],
    [
      'a negative size',
      file(`{"a":${f32([-1], [0, 4])}}`, 4),
      "tensor 'a' must have a shape of at most 16 whole numbers, got [-1].",
    ],
    [
      'a fractional size',
      file(`{"a":${f32([0.5, 2], [0, 4])}}`, 4),
      "tensor 'a' must have a shape of at most 16 whole numbers, got [0.5, 2].",
    ],
    [
      'sizes that overflow',
      file(`{"a":${f32([2 ** 40, 2 ** 40], [0, 4])}}`, 4),
      "tensor 'a' must have 4.835703278458517e+24 bytes for its shape and dtype, got 4.",
    ],
    [
      'a shape nested a hundred thousand deep',
      file(`{"a":${f32('#', [0, 4]).replace('"#"', '['.repeat(1e5) + ']'.repeat(1e5))}}`, 4),
      "tensor 'a' must have a shape of at most 16 whole numbers, got ['…'].",
    ],
    [
      'offsets beyond the end',
      file(`{"a":${f32([2], [0, 8])}}`, 4),
      "tensor 'a' must lie in the 4 bytes of data, got [0, 8].",
    ],
    [
      'offsets in reverse',
      file(`{"a":${f32([1], [4, 0])}}`, 4),
      "tensor 'a' must lie in the 4 bytes of data, got [4, 0].",
    ],
    [
      'offsets that are no numbers',
      file(`{"a":${f32([1], ['0', 4])}}`, 4),
      "tensor 'a' must have data_offsets [from, to] of whole numbers, got ['0', 4].",
    ],
    [
      'a shape of another size',
      file(`{"a":${f32([3], [0, 4])}}`, 4),
      "tensor 'a' must have 12 bytes for its shape and dtype, got 4.",
    ],
    [
      'an overlap',
      file(`{"a":${f32([2], [0, 8])},"b":${f32([2], [4, 12])}}`, 12),
      "tensor 'b' must begin where the one before it ends, at byte 8, got an overlap at 4.",
    ],
    [
      'a gap',
      file(`{"a":${f32([1], [0, 4])},"b":${f32([1], [8, 12])}}`, 12),
      "tensor 'b' must begin where the one before it ends, at byte 4, got a gap up to 8.",
    ],
    [
      'data left over',
      file(`{"a":${f32([1], [0, 4])}}`, 6),
      'the tensors must fill all 6 bytes of data, got 4.',
    ],
    [
      'metadata that is no object',
      file('{"__metadata__":[]}'),
      '__metadata__ must be an object of strings, got [].',
    ],
    [
      'metadata with a number',
      file('{"__metadata__":{"a":1}}'),
      "__metadata__ must hold strings, got 1 as 'a'.",
    ],
    [
      'metadata with __proto__',
      file('{"__metadata__":{"__proto__":"x"}}'),
      "__metadata__ must not use the reserved name, got '__proto__'.",
    ],
    ...[
      '../w',
      'a/../w',
      '..',
      '/etc/passwd',
      '\\\\server',
      'C:\\w',
      'a\0b',
      '',
      '__proto__',
      'constructor',
    ].map(
      (name) =>
        [
          `the name ${JSON.stringify(name)}`,
          file(`{${JSON.stringify(name)}:${f32([1], [0, 4])}}`, 4),
          'a tensor must have a plain name, got',
        ] as const,
    ),
  ];
  for (const [what, bytes, message] of hostile) {
    it(`refuses ${what}`, () => {
      expect(() => readSafetensors(bytes)).toThrow(FormatError);
      expect(() => readSafetensors(bytes)).toThrow(`readSafetensors: ${message}`);
    });
  }

  it('throws nothing but FormatError, whatever the bytes', () => {
    const survives = (bytes: Uint8Array): void => {
      try {
        const { tensors } = readSafetensors(bytes);
        // what it accepts fits into the file
        let total = 0;
        for (const { data } of tensors.values()) total += data.byteLength;
        expect(total).toBeLessThanOrEqual(bytes.length);
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
        expect((error as Error).message).toMatch(/^(readSafetensors): .+, got [\s\S]+\. .+\.$/);
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), survives), { seed: 1, numRuns: 500 });
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), fc.nat(64), (json, n) => survives(file(json, n))),
      { seed: 1, numRuns: 500 },
    );
    // near misses: one field of a good header is replaced by anything
    const size = fc.oneof(fc.nat(20), fc.integer(), fc.double(), fc.jsonValue());
    const entry = fc.record(
      {
        dtype: fc.oneof(fc.constantFrom('F32', 'U8', 'F64', 'toString'), fc.jsonValue()),
        shape: fc.oneof(fc.array(size, { maxLength: 4 }), fc.jsonValue()),
        data_offsets: fc.oneof(fc.tuple(size, size), fc.jsonValue()),
      },
      { requiredKeys: [] },
    );
    const header = fc.dictionary(
      fc.oneof(fc.constantFrom('a', 'b', '__metadata__', '__proto__', '../x'), fc.string()),
      fc.oneof(entry, fc.jsonValue()),
      { maxKeys: 4 },
    );
    fc.assert(
      fc.property(header, fc.nat(80), (h, n) => survives(file(JSON.stringify(h), n))),
      { seed: 1, numRuns: 1500 },
    );
    // a good file with bytes flipped or cut
    const good = fromBase64(published.base64);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 4 }),
        fc.nat(good.length),
        (flips, cut) => {
          const bytes = good.slice(0, flips.length % 2 ? good.length : cut);
          for (const [at, value] of flips) if (at < bytes.length) bytes[at] = value;
          survives(bytes);
        },
      ),
      { seed: 1, numRuns: 1500 },
    );
  });

  it('does not write what it would not read', () => {
    const data = Float32Array.of(1);
    expect(() => writeSafetensors({ '../w': { dtype: 'F32', shape: [1], data } })).toThrow(
      "writeSafetensors: a tensor must have a plain name, got '../w': it contains the path step '..'. Rename it.",
    );
    expect(() => writeSafetensors({ __metadata__: { dtype: 'F32', shape: [1], data } })).toThrow(
      'it is reserved',
    );
    expect(() => writeSafetensors({ w: { dtype: 'F32', shape: [2], data } })).toThrow(
      "writeSafetensors: 'w' must hold one F32 element per place of its shape [2], got 1 in a Float32Array.",
    );
    expect(() => writeSafetensors({ w: { dtype: 'I32', shape: [1], data } })).toThrow(
      'got 1 in a Float32Array.',
    );
  });
});
