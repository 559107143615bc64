/** Points that somebody draws, and their way through the address. */
import { expect, test } from 'vitest';
import { drawnPoints, joinStrokes } from '../src/pages/noise-and-back/drawn-points.ts';

/** Half of a step of a byte over |x| ≤ 2.2. */
const ROUNDING = 2.2 / 255;

const line = (points: number): (readonly [number, number])[] =>
  Array.from({ length: points }, (_, i) => [-1 + (2.02 * i) / (points - 1), 0.5]);

test('points come through the address to within a rounding, however many', () => {
  for (const count of [0, 1, 2, 3, 4, 5, 399, 400]) {
    const points = Array.from(
      { length: count },
      (_, i) => [2.2 * Math.sin(i), 2.2 * Math.cos(3 * i)] as const,
    );
    const text = drawnPoints.write(points);
    expect(text).toMatch(/^[\w-]*$/);
    const again = drawnPoints.read(text)!;
    expect(again).toHaveLength(count);
    points.forEach(([x, y], i) => {
      expect(Math.abs(again[i]![0] - x)).toBeLessThan(1.001 * ROUNDING);
      expect(Math.abs(again[i]![1] - y)).toBeLessThan(1.001 * ROUNDING);
    });
  }
});

test('what is no such text is refused', () => {
  for (const text of ['!', 'A', 'AA', 'A'.repeat(1100)]) expect(drawnPoints.read(text), text).toBeUndefined();
});

test('a fast hand draws as many points as a slow one, at equal distances', () => {
  for (const events of [2, 7, 51, 500]) {
    const points = joinStrokes([], line(events));
    expect(points, `${events} events`).toHaveLength(51); // ⌊2.02 / 0.04⌋, and the first
    points.forEach(([x, y], i) => {
      expect(Math.abs(x - (-1 + 0.04 * i))).toBeLessThan(0.02);
      expect(Math.abs(y - 0.5)).toBeLessThan(1.001 * ROUNDING);
    });
  }
});

test('a tap is a point, and strokes add up to at most 400, thinned evenly', () => {
  expect(joinStrokes([], [[1, -1]])).toHaveLength(1);
  let points = joinStrokes([], line(2));
  points = joinStrokes(points, [[1, -1]]);
  expect(points).toHaveLength(52);
  for (let i = 0; i < 12; i++) points = joinStrokes(points, line(2));
  expect(points).toHaveLength(400);
  // The last stroke is not what is left out.
  const last = line(2).map(([x]) => [x, -1.5] as const);
  points = joinStrokes(points, last);
  expect(points).toHaveLength(400);
  const ofLast = points.filter(([, y]) => y < -1.4).length;
  expect(ofLast).toBeGreaterThan(0.8 * 51 * (400 / 451));
});
