/**
 * Two-dimensional distributions as clouds of points, of mean about 0 and spread about 1. The same seed gives the same
 * cloud.
 */
import { fold, key, normal, uniform } from '@diff/core';
import type { Shape } from './options.ts';

type Points = readonly (readonly [number, number])[];

async function numbers(
  of: typeof normal,
  seed: number,
  stream: number,
  count: number,
): Promise<ArrayLike<number>> {
  const drawn = of(fold(key(seed), stream), [count]);
  try {
    return await drawn.data();
  } finally {
    drawn.dispose();
  }
}

/** Dark pixels of a word, as points. */
function wordPixels(word: string): Points {
  const canvas = new OffscreenCanvas(240, 120);
  const context = canvas.getContext('2d')!;
  context.font = 'bold 84px sans-serif';
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillText(word, 120, 62);
  const { data } = context.getImageData(0, 0, 240, 120);
  const points: [number, number][] = [];
  for (let y = 0; y < 120; y++) {
    for (let x = 0; x < 240; x++) {
      if (data[4 * (240 * y + x) + 3]! > 128) points.push([(x - 120) / 48, (60 - y) / 48]);
    }
  }
  return points;
}

/** `count` points of the shape. @param drawn what the user drew, for the shape 'drawn'. */
export async function pointsOf(shape: Shape, count: number, seed: number, drawn: Points): Promise<Points> {
  const u = await numbers(uniform, seed, 1, count);
  const v = await numbers(uniform, seed, 2, count);
  const xi = await numbers(normal, seed, 3, 2 * count);
  const each = (f: (i: number) => readonly [number, number]): Points =>
    Array.from({ length: count }, (_, i) => f(i));
  const pick = (points: Points): Points => each((i) => points[Math.floor(u[i]! * points.length)]!);
  switch (shape) {
    case 'eight Gaussians':
      return each((i) => {
        const angle = (Math.floor(u[i]! * 8) * Math.PI) / 4;
        return [1.4 * Math.cos(angle) + 0.1 * xi[2 * i]!, 1.4 * Math.sin(angle) + 0.1 * xi[2 * i + 1]!];
      });
    case 'Swiss roll':
      return each((i) => {
        const turn = 1.5 * Math.PI * (1 + 2 * u[i]!);
        return [
          0.14 * turn * Math.cos(turn) + 0.04 * xi[2 * i]!,
          0.14 * turn * Math.sin(turn) + 0.04 * xi[2 * i + 1]!,
        ];
      });
    case 'moons':
      return each((i) => {
        const angle = Math.PI * v[i]!;
        const [x, y] =
          u[i]! < 0.5 ? [Math.cos(angle), Math.sin(angle)] : [1 - Math.cos(angle), 0.5 - Math.sin(angle)];
        return [1.2 * (x - 0.5) + 0.06 * xi[2 * i]!, 1.2 * (y - 0.25) + 0.06 * xi[2 * i + 1]!];
      });
    case 'checkerboard':
      return each((i) => {
        const x = 4 * u[i]! - 2;
        const row = Math.floor(2 * v[i]!);
        const inCell = 2 * v[i]! - row;
        return [0.85 * x, 0.85 * (inCell + 2 * row - 2 + (Math.floor(x + 2) % 2))];
      });
    case 'letters':
      return pick(wordPixels('diff'));
    case 'drawn':
      return drawn.length > 0 ? pick(drawn) : each((i) => [xi[2 * i]!, xi[2 * i + 1]!]);
  }
}
