/** Points that the user drew, as text for the address: two bytes a point, in base64url. */
import type { Field } from '../../url-state.ts';

type Points = readonly (readonly [number, number])[];

/** Drawn points lie in |x|, |y| ≤ REACH. */
const REACH = 2.2;
const MOST_POINTS = 400;

const byte = (v: number): number => Math.min(255, Math.max(0, Math.round(((v + REACH) / (2 * REACH)) * 255)));

export function writePoints(points: Points): string {
  const bytes = points.slice(0, MOST_POINTS).flatMap(([x, y]) => [byte(x), byte(y)]);
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

/** Undefined for what is not such a text. */
export function readPoints(text: string): Points | undefined {
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

/** The points as a field of the address. */
export const drawnPoints: Field<Points> = { initial: [], read: readPoints, write: writePoints };
