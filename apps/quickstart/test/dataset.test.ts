import { key } from '@diff/core';
import { decode } from 'fast-png';
import { beforeAll, describe, expect, it } from 'vitest';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { type Dataset, halves } from '../src/dataset.ts';
import { loadDigits } from '../src/digits.ts';
import { imageGrid } from '../src/image-grid.ts';
import { fitScaling } from '../src/scaling.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('the digits', () => {
  it('are 1,797 labelled images in [0, 1]', async () => {
    const digits = await loadDigits();
    expect([digits.n, digits.d, digits.side, digits.values.length]).toEqual([1797, 64, 8, 1797 * 64]);
    expect([Math.min(...digits.values), Math.max(...digits.values)]).toEqual([0, 1]);
    expect([...digits.labels!.subarray(0, 10)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('split into halves that share no row and keep every row', async () => {
    const digits = await loadDigits();
    const [a, b] = await halves(digits, key(3));
    const rows = ({ values, d, n }: Dataset): string[] =>
      Array.from({ length: n }, (_, i) => values.subarray(i * d, (i + 1) * d).join());
    expect([a.n, b.n]).toEqual([899, 898]);
    expect([...rows(a), ...rows(b)].sort()).toEqual(rows(digits).sort());
    const [again] = await halves(digits, key(3));
    const [other] = await halves(digits, key(4));
    expect(again.values).toEqual(a.values);
    expect(other.values).not.toEqual(a.values);
  });
});

describe('fitScaling', () => {
  const table: Dataset = {
    name: 'table',
    values: Float32Array.from({ length: 300 }, (_, i) => (i % 3 === 0 ? 5 : i % 3 === 1 ? i : Math.sin(i))),
    n: 100,
    d: 3,
    classes: 0,
  };

  it('gives every column mean 0 and deviation ½, constant ones left at 0, and comes back', async () => {
    const scaling = fitScaling(table);
    const x = scaling.toModel(table);
    const { mean, variance } = tf.moments(x, 0);
    expect(Array.from(await mean.data(), (v) => Math.abs(v) < 1e-6)).toEqual([true, true, true]);
    const deviations = Array.from(await variance.data(), Math.sqrt);
    expect(deviations[0]).toBe(0);
    expect(deviations[1]).toBeCloseTo(0.5, 5);
    expect(deviations[2]).toBeCloseTo(0.5, 5);
    const back = await scaling.fromModel(x);
    table.values.forEach((v, i) => {
      expect(back[i]).toBeCloseTo(v, 4);
    });
  });
});

describe('imageGrid', () => {
  it('draws dark ink on white paper, groups beside each other', () => {
    const ink = Float32Array.from([1, 0, 0, 2]);
    const { width, height, data } = decode(
      imageGrid(
        [
          { values: ink, columns: 1 },
          { values: ink, columns: 1 },
        ],
        { side: 2, rows: 1, zoom: 3 },
      ),
    );
    expect([width, height]).toEqual([2 + 8 + 24 + 8, 2 + 8]);
    const at = (x: number, y: number): number => data[y * width + x]!;
    expect([at(2, 2), at(4, 4), at(5, 2), at(2, 5), at(5, 5)]).toEqual([0, 0, 255, 255, 0]);
    expect([at(2 + 32, 2), at(2 + 8 + 12, 5)]).toEqual([0, 255]);
  });
});
