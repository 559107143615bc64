/** Small grey images in rows, on a canvas as large as they need. */
import type { Palette } from '../../ui/draw-frame.ts';
import { SIDE } from './options.ts';

const CELL = 5;
const GAP = 4;

/** Draws images of SIDE² grey values, `columns` to a row; ink in the colour of the text. */
export function drawDigits(
  canvas: HTMLCanvasElement,
  pixels: Float32Array,
  columns: number,
  palette: Palette,
): void {
  const count = pixels.length / SIDE ** 2;
  const size = SIDE * CELL + GAP;
  canvas.width = columns * size - GAP;
  canvas.height = Math.ceil(count / columns) * size - GAP;
  const context = canvas.getContext('2d')!;
  context.fillStyle = palette.background;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = palette.ink;
  for (let i = 0; i < pixels.length; i++) {
    const image = Math.floor(i / SIDE ** 2);
    const at = i % SIDE ** 2;
    context.globalAlpha = Math.min(1, Math.max(0, pixels[i]!));
    context.fillRect(
      (image % columns) * size + (at % SIDE) * CELL,
      Math.floor(image / columns) * size + Math.floor(at / SIDE) * CELL,
      CELL,
      CELL,
    );
  }
  context.globalAlpha = 1;
}
