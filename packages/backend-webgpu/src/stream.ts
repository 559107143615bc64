/** Where a tensor's noise lies in its stream, as the uniforms that wgsl/draw.ts reads. */

const TWO32 = 2 ** 32;

export interface Stream {
  /** Eight uint32: the key, then the first block (low word, high word), and two unused. */
  readonly words: readonly number[];
  /** Numbers of the first block that lie before the tensor, 0 … 3. */
  readonly skip: number;
}

export function streamAt(key: readonly number[], start: number): Stream {
  const block = Math.floor(start / 4);
  return { words: [...key, block % TWO32, Math.floor(block / TWO32), 0, 0], skip: start - 4 * block };
}
