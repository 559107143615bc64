// Copying between strided layouts: transpose, slice, concat, pad, tile, broadcast and reverse are all of the form
//
//   out[Σ_d i_d · outStride_d] = in[Σ_d i_d · inStride_d]    for all 0 ≤ i_d < size_d
//
// The loops are described by triples (size, inStride, outStride) of 32-bit integers at `loops`, outermost first, 16 at
// most; strides count elements and may be 0 or negative. The caller has merged what can be merged. Of the outermost loop
// only `count` turns are made, so that it can be cut.
import { threadMemory } from './thread-memory';

@inline
function copyRow<T>(input: usize, out: usize, n: i32, inStride: isize, outStride: isize): void {
  if (outStride == 1 && inStride == 1) {
    const bytes = <usize>n * sizeof<T>();
    // Calling out for a block costs as much as copying a few hundred bytes here.
    if (bytes >= 2048) {
      memory.copy(out, input, bytes);
      return;
    }
    let k: usize = 0;
    for (; k + 16 <= bytes; k += 16) v128.store(out + k, v128.load(input + k));
    for (; k < bytes; k += sizeof<T>()) store<T>(out + k, load<T>(input + k));
    return;
  }
  if (outStride == 1 && inStride == 0) {
    const value = load<T>(input);
    let i = 0;
    if (sizeof<T>() == 4) {
      const v = i32x4.splat(<i32>value);
      for (; i + 4 <= n; i += 4) v128.store(out + (<usize>i << 2), v);
    }
    for (; i < n; i++) store<T>(out + <usize>i * sizeof<T>(), value);
    return;
  }
  const inStep = inStride * sizeof<T>();
  const outStep = outStride * sizeof<T>();
  for (let i = 0; i < n; i++) {
    store<T>(out, load<T>(input));
    input += inStep;
    out += outStep;
  }
}

// The transpose of a rows × columns matrix, 4 × 4 at a time, in bands of 4 output rows.
function transposeMatrix(input: usize, out: usize, rows: i32, columns: i32, inRow: usize, outRow: usize): void {
  const rows4 = rows & ~3;
  const columns4 = columns & ~3;
  for (let i0 = 0; i0 < rows4; i0 += 64) {
    const i1 = min(i0 + 64, rows4);
    for (let j = 0; j < columns4; j += 4) {
      let p = input + <usize>i0 * inRow + (<usize>j << 2);
      let q = out + <usize>j * outRow + (<usize>i0 << 2);
      for (let i = i0; i < i1; i += 4) {
        const a = v128.load(p);
        const b = v128.load(p + inRow);
        const c = v128.load(p + 2 * inRow);
        const d = v128.load(p + 3 * inRow);
        const ab0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
        const ab1 = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
        const cd0 = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
        const cd1 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
        v128.store(q, v128.shuffle<i64>(ab0, cd0, 0, 2));
        v128.store(q + outRow, v128.shuffle<i64>(ab0, cd0, 1, 3));
        v128.store(q + 2 * outRow, v128.shuffle<i64>(ab1, cd1, 0, 2));
        v128.store(q + 3 * outRow, v128.shuffle<i64>(ab1, cd1, 1, 3));
        p += 4 * inRow;
        q += 16;
      }
    }
  }
  for (let i = 0; i < rows; i++) {
    for (let j = i < rows4 ? columns4 : 0; j < columns; j++) {
      store<i32>(out + <usize>j * outRow + (<usize>i << 2), load<i32>(input + <usize>i * inRow + (<usize>j << 2)));
    }
  }
}

@inline
function copyLoopNest<T>(input: usize, out: usize, count: i32, loops: usize, rank: i32, matrix: bool): void {
  const counters = threadMemory();
  const inner = matrix ? 2 : 1;
  const last = loops + <usize>(rank - 1) * 12;
  const outer = rank - inner;
  const n = rank == 1 ? count : load<i32>(last);
  const inStride = <isize>load<i32>(last, 4);
  const outStride = <isize>load<i32>(last, 8);
  for (let d = 0; d < outer; d++) store<i32>(counters + (<usize>d << 2), 0);
  while (true) {
    if (matrix) {
      const rows = last - 12;
      transposeMatrix(input, out, rank == 2 ? count : load<i32>(rows), n, <usize>load<i32>(rows, 4) << 2, <usize>outStride << 2);
    } else {
      copyRow<T>(input, out, n, inStride, outStride);
    }
    let d = outer - 1;
    for (; d >= 0; d--) {
      const loop = loops + <usize>d * 12;
      const counter = counters + (<usize>d << 2);
      const size = d == 0 ? count : load<i32>(loop);
      const i = load<i32>(counter) + 1;
      const inStep = <isize>load<i32>(loop, 4) * sizeof<T>();
      const outStep = <isize>load<i32>(loop, 8) * sizeof<T>();
      if (i < size) {
        store<i32>(counter, i);
        input += inStep;
        out += outStep;
        break;
      }
      store<i32>(counter, 0);
      input -= inStep * (size - 1);
      out -= outStep * (size - 1);
    }
    if (d < 0) return;
  }
}

/** Elements of 4 bytes. */
export function copy32(input: usize, out: usize, count: i32, loops: usize, rank: i32): void {
  copyLoopNest<u32>(input, out, count, loops, rank, false);
}

/** Elements of 1 byte. */
export function copy8(input: usize, out: usize, count: i32, loops: usize, rank: i32): void {
  copyLoopNest<u8>(input, out, count, loops, rank, false);
}

/** Elements of 4 bytes; the last two loops (r, ·, 1) and (c, 1, ·) are the transpose of an r × c matrix. */
export function copyTranspose32(input: usize, out: usize, count: i32, loops: usize, rank: i32): void {
  copyLoopNest<u32>(input, out, count, loops, rank, true);
}
