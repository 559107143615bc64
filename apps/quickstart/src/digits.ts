/**
 * The handwritten digits that come with this app: 1,797 images of 8 × 8, grey values 0 … 16, scaled to [0, 1].
 * Source and licence: data/README.md.
 */
import { readFile } from 'node:fs/promises';
import type { Dataset } from './dataset.ts';

const SIDE = 8;
const WHITE = 16;

export async function loadDigits(): Promise<Dataset> {
  const read = (name: string): Promise<Uint8Array> => readFile(new URL(`../data/${name}`, import.meta.url));
  const [pixels, labels] = await Promise.all([read('digits-images.u8'), read('digits-labels.u8')]);
  return {
    name: 'handwritten digits, 8 × 8',
    values: Float32Array.from(pixels, (v) => v / WHITE),
    n: labels.length,
    d: SIDE * SIDE,
    labels: Int32Array.from(labels),
    classes: 10,
    side: SIDE,
  };
}
