/** The distributions of the first page. */
import '@tensorflow/tfjs-backend-cpu';
import { useBackend } from '@diff/core';
import { beforeAll, expect, test } from 'vitest';
import { SHAPES, type Shape } from '../src/pages/noise-and-back/options.ts';
import { pointsOf } from '../src/pages/noise-and-back/shapes.ts';

const COUNT = 4000;

beforeAll(() => useBackend('cpu'));

// Letters need a browser's canvas.
const shapes = SHAPES.filter((shape): shape is Exclude<Shape, 'letters'> => shape !== 'letters');

test.each(shapes)(
  '%s has a mean of about 0 and a spread of about 1, and its seed names it',
  async (shape) => {
    const drawn = [
      [-1, 1],
      [1, -1],
    ] as const;
    const points = await pointsOf(shape, COUNT, 5, drawn);
    expect(points).toHaveLength(COUNT);
    const mean = [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis]!, 0) / COUNT);
    const spread = Math.sqrt(points.reduce((sum, [x, y]) => sum + x * x + y * y, 0) / COUNT / 2);
    // The Swiss roll is furthest from the middle: 0.14 E[u cos u] = 0.28 for u uniform on (3π/2, 9π/2).
    for (const m of mean) expect(Math.abs(m)).toBeLessThan(0.3);
    expect(spread).toBeGreaterThan(0.5);
    expect(spread).toBeLessThan(1.3);
    expect(await pointsOf(shape, COUNT, 5, drawn)).toEqual(points);
    expect(await pointsOf(shape, COUNT, 6, drawn)).not.toEqual(points);
  },
);

test('the checkerboard fills every other of 16 squares, all eight alike', async () => {
  const points = await pointsOf('checkerboard', COUNT, 5, []);
  const cells = new Map<string, number>();
  for (const [x, y] of points) {
    const [column, row] = [Math.floor(x / 0.85 + 2), Math.floor(y / 0.85 + 2)];
    expect((column + row) % 2).toBe(0);
    cells.set(`${column} ${row}`, (cells.get(`${column} ${row}`) ?? 0) + 1);
  }
  expect(cells.size).toBe(8);
  // Binomial with p = 1/8: five standard deviations.
  const allowed = 5 * Math.sqrt(COUNT * (1 / 8) * (7 / 8));
  for (const count of cells.values()) expect(Math.abs(count - COUNT / 8)).toBeLessThan(allowed);
});
