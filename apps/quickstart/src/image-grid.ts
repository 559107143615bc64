/**
 * Grey images as one PNG: groups of columns beside each other, one row per class.
 */
import { encode } from 'fast-png';

export interface ImageGroup {
  /** Images of side × side in [0, 1], row-major, 1 = ink. */
  readonly values: Float32Array;
  readonly columns: number;
}

export interface GridOptions {
  readonly side: number;
  readonly rows: number;
  /** Pixels per pixel; default 6. */
  readonly zoom?: number;
}

const PAPER = 255;
const GAP = 2;
const GROUP_GAP = 24;

/** Image k of a group stands in row ⌊k / columns⌋. Dark ink on white paper. */
export function imageGrid(groups: readonly ImageGroup[], { side, rows, zoom = 6 }: GridOptions): Uint8Array {
  const cell = side * zoom + GAP;
  const width = groups.reduce((sum, g) => sum + g.columns * cell, 0) + GROUP_GAP * (groups.length - 1) + GAP;
  const height = rows * cell + GAP;
  const data = new Uint8Array(width * height).fill(PAPER);
  let left = GAP;
  for (const { values, columns } of groups) {
    const count = Math.min(rows * columns, Math.floor(values.length / (side * side)));
    for (let image = 0; image < count; image++) {
      const x0 = left + (image % columns) * cell;
      const y0 = GAP + Math.floor(image / columns) * cell;
      for (let y = 0; y < side * zoom; y++) {
        for (let x = 0; x < side * zoom; x++) {
          const ink = values[image * side * side + Math.floor(y / zoom) * side + Math.floor(x / zoom)]!;
          data[(y0 + y) * width + x0 + x] = Math.round(PAPER * (1 - Math.min(1, Math.max(0, ink))));
        }
      }
    }
    left += columns * cell + GROUP_GAP;
  }
  return encode({ width, height, data, channels: 1, depth: 8 });
}
