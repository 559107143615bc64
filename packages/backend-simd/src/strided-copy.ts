/**
 * Copying between strided layouts, the one operation behind transpose, slice, concat, pad, tile and reverse:
 *
 *   out[Σ_d i_d · outStride_d] = in[Σ_d i_d · inStride_d]    for all 0 ≤ i_d < size_d
 *
 * The loops are independent, so they are reordered and merged here until the compiled kernel has few and long ones.
 */
import type { SimdBackend } from './backend.ts';
import { COUNT, each } from './parallel.ts';

/** One loop: how often, and how far the addresses move, in elements (0 repeats, negative reverses). */
export interface Loop {
  readonly size: number;
  readonly input: number;
  readonly output: number;
}

/** Fewest loops that do the same; outermost first, the longest run innermost. */
function mergeLoops(loops: readonly Loop[]): Loop[] {
  const sorted = loops
    .filter(({ size }) => size !== 1)
    .sort((p, q) => Math.abs(q.output) - Math.abs(p.output));
  const merged: Loop[] = [];
  for (const inner of sorted) {
    const outer = merged.at(-1);
    if (outer && outer.input === inner.input * inner.size && outer.output === inner.output * inner.size) {
      merged[merged.length - 1] = { size: outer.size * inner.size, input: inner.input, output: inner.output };
    } else merged.push(inner);
  }
  if (merged.length === 0) return [{ size: 1, input: 1, output: 1 }];
  // A short innermost loop costs more in turns than a long strided one costs in jumps.
  const last = merged.at(-1)!;
  if (last.size < 8) {
    let longest = 0;
    for (let d = 1; d < merged.length; d++) if (merged[d]!.size > merged[longest]!.size) longest = d;
    if (merged[longest]!.size >= 4 * last.size) merged.push(...merged.splice(longest, 1));
  }
  return merged;
}

/** Is the end of the loops the transpose of a matrix: (rows, ·, 1), (columns, 1, ·)? Puts it last if so. */
function isTranspose(loops: Loop[]): boolean {
  const row = loops.findIndex(({ output, input, size }) => output === 1 && input > 1 && size >= 4);
  const column = loops.findIndex(({ output, input, size }) => input === 1 && output > 1 && size >= 4);
  if (row < 0 || column < 0) return false;
  const pair = [loops[row]!, loops[column]!];
  const rest = loops.filter((_, d) => d !== row && d !== column);
  loops.splice(0, loops.length, ...rest, ...pair);
  return true;
}

/** @param bytes size of an element: 4 or 1. Addresses are those of the elements where every index is 0. */
export function stridedCopy(
  backend: SimdBackend,
  input: number,
  output: number,
  bytes: number,
  loops: readonly Loop[],
): void {
  if (loops.some(({ size }) => size === 0)) return;
  const merged = mergeLoops(loops);
  const transpose = bytes === 4 && merged.length > 1 && isTranspose(merged);
  const description = backend.scratch(12 * merged.length);
  const words = backend.heap.i32(description, 3 * merged.length);
  let k = 0;
  for (const loop of merged) {
    words[k++] = loop.size;
    words[k++] = loop.input;
    words[k++] = loop.output;
  }
  // The outermost loop is cut.
  const outer = merged[0]!;
  const turns = merged.slice(1).reduce((n, loop) => n * loop.size, 1);
  const range = { items: outer.size, cost: turns * (transpose ? 0.5 : 0.25), multiple: turns < 16 ? 64 : 1 };
  const name = bytes === 1 ? 'copy8' : transpose ? 'copyTranspose32' : 'copy32';
  const [from, to] = [each(input, bytes * outer.input), each(output, bytes * outer.output)];
  backend.parallel(name, range, [from, to, COUNT, description, merged.length]);
}
