import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FormatError } from '@diff/core';
import { dump } from 'npyjs';
import { afterAll, describe, expect, it } from 'vitest';
import { fromCsv, fromNpy, readData } from '../src/read-data.ts';

const folder = mkdtempSync(join(tmpdir(), 'quickstart-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const lines = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i},${-i / 2}`);

describe('a CSV', () => {
  it('is rows of numbers, with or without a header', async () => {
    for (const head of [[], ['x,y']]) {
      const data = await readData(file('points.csv', [...head, ...lines(30)].join('\n')));
      expect([data.n, data.d, data.classes]).toEqual([30, 2, 0]);
      expect([...data.values.subarray(2, 6)]).toEqual([1, -0.5, 2, -1]);
      expect(data.labels).toBeUndefined();
    }
  });

  it('may name the classes of its rows', () => {
    const data = fromCsv('a,label,b\n1,cat,2\n3,dog,4\n5,cat,6', 'pets.csv');
    expect([data.n, data.d, data.classes]).toEqual([3, 2, 2]);
    expect([...data.values]).toEqual([1, 2, 3, 4, 5, 6]);
    expect([...data.labels!]).toEqual([0, 1, 0]);
    expect(data.classNames).toEqual(['cat', 'dog']);
  });

  it.each([
    [
      'x,y\n1,2\n3,four\n',
      '--data: every cell of t.csv must be a number, got \'four\' in line 3, column 2 (y). Remove that column or row, or name a column of classes "label".',
    ],
    ['1,2\n3,\n', "got '' in line 2, column 2."],
    ['1,2\n\n3,Infinity\n', "got 'Infinity' in line 3, column 2."],
    ['1,2\n3\n', '--data: t.csv must be a CSV with as many cells in every line, got: Invalid Record Length'],
    ['label\na\nb\n', 'must have at least one column of numbers'],
  ])('with a fault says where: %j', (text, message) => {
    expect(() => fromCsv(text, 't.csv')).toThrow(FormatError);
    expect(() => fromCsv(text, 't.csv')).toThrow(message);
  });
});

describe('a .npy array', () => {
  const values = Float32Array.from({ length: 40 * 4 }, (_, i) => i / 7);

  it('is rows, whatever their shape, and images when they are square', async () => {
    const flat = await readData(file('a.npy', new Uint8Array(dump(values, [40, 4]))));
    expect([flat.n, flat.d, flat.side]).toEqual([40, 4, undefined]);
    expect(flat.values).toEqual(values);
    const images = fromNpy(new Uint8Array(dump(values, [40, 2, 2])), 'b.npy');
    expect([images.n, images.d, images.side]).toEqual([40, 4, 2]);
    const whole = fromNpy(new Uint8Array(dump(BigInt64Array.from([1n, -2n, 3n, 4n]), [2, 2])), 'c.npy');
    expect([...whole.values]).toEqual([1, -2, 3, 4]);
  });

  it.each([
    ['not an array', Uint8Array.from([1, 2, 3]), 'must be a .npy array'],
    ['cut short', new Uint8Array(dump(values, [40, 4])).subarray(0, 300), 'd.npy must'],
    [
      'of rank 1',
      new Uint8Array(dump(values, [160])),
      'must hold numbers of shape [n, …] in C order, got f4 of shape [160].',
    ],
  ])('that is %s is refused', (_, bytes, message) => {
    expect(() => fromNpy(bytes, 'd.npy')).toThrow(FormatError);
    expect(() => fromNpy(bytes, 'd.npy')).toThrow(message);
  });
});

describe('any file', () => {
  it.each([
    [(): string => join(folder, 'none.csv'), '--data: the file must be readable'],
    [(): string => file('a.txt', '1,2'), "--data: the file must be a .csv or a .npy, got 'a.txt'."],
    [
      (): string => file('few.csv', lines(19).join('\n')),
      '--data: few.csv must have at least 20 rows, got 19.',
    ],
    [(): string => file('none.csv', ''), 'must have at least 20 rows, got 0.'],
    [
      (): string =>
        file(
          'nan.npy',
          new Uint8Array(
            dump(
              Float32Array.from({ length: 60 }, (_, i) => (i === 7 ? Number.NaN : i)),
              [20, 3],
            ),
          ),
        ),
      '--data: every number must be finite, got NaN in row 3, column 2 of nan.npy.',
    ],
  ])('that cannot be used is refused', async (path, message) => {
    await expect(readData(path())).rejects.toThrow(message);
  });
});
