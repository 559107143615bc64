/** Points that the user drew, as text for the address: two bytes a point, in base64url. */
import type { Field } from '../../url-state.ts';

type Points = readonly (readonly [number, number])[];

/** Drawn points lie in |x|, |y| ≤ REACH. */
const REACH = 2.2;
const MOST_POINTS = 400;

const byte = (v: number): number => Math.min(255, Math.max(0, Math.round(((v + REACH) / (2 * REACH)) * 255)));

function writePoints(points: Points): string {
  const bytes = points.slice(0, MOST_POINTS).flatMap(([x, y]) => [byte(x), byte(y)]);
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

/** Undefined for what is not such a text. */
function readPoints(text: string): Points | undefined {
  let decoded: string;
  try {
    decoded = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  } catch {
    return undefined;
  }
  if (decoded.length % 2 !== 0 || decoded.length > 2 * MOST_POINTS) return undefined;
  const value = (i: number): number => (decoded.charCodeAt(i) / 255) * 2 * REACH - REACH;
  return Array.from({ length: decoded.length / 2 }, (_, i) => [value(2 * i), value(2 * i + 1)] as const);
}

/** Distance between the points of a stroke. */
const SPACING = 0.04;

/** A stroke as points at equal distances, so that a fast hand draws as many as a slow one. */
function evenly(stroke: Points): Points {
  const points = stroke.slice(0, 1);
  let [x, y] = stroke[0]!;
  for (const [toX, toY] of stroke) {
    const length = Math.hypot(toX - x, toY - y);
    const [stepX, stepY] = [(SPACING * (toX - x)) / length, (SPACING * (toY - y)) / length];
    for (let left = length; left >= SPACING; left -= SPACING) {
      [x, y] = [x + stepX, y + stepY];
      points.push([x, y]);
    }
  }
  return points;
}

/** A stroke (one point at least) beside those of before, thinned evenly to what fits, as the address will say it. */
export function joinStrokes(before: Points, stroke: Points): Points {
  const all = [...before, ...evenly(stroke)];
  const kept = Math.min(all.length, MOST_POINTS);
  const thinned = Array.from({ length: kept }, (_, i) => all[Math.floor((i * all.length) / kept)]!);
  return readPoints(writePoints(thinned)) ?? [];
}

/** The points as a field of the address. */
export const drawnPoints: Field<Points> = { initial: [], read: readPoints, write: writePoints };
