// Rows by index, and its adjoint.
import { fill32 } from './fill';

/** out[b, o, i, :] = x[b, o, index[b, i], :], rows of `bytes` bytes. The indices are valid. */
export function gatherRows(x: usize, indices: usize, out: usize, batch: i32, outer: i32, dim: i32, count: i32, bytes: usize): void {
  for (let b = 0; b < batch; b++) {
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < count; i++) {
        const row = x + <usize>load<i32>(indices + (<usize>i << 2)) * bytes;
        if (bytes == 4) store<i32>(out, load<i32>(row));
        else if (bytes == 8) store<i64>(out, load<i64>(row));
        else memory.copy(out, row, bytes);
        out += bytes;
      }
      x += <usize>dim * bytes;
    }
    indices += <usize>count << 2;
  }
}

/** out[segment[i], :] += x[i, :] in the order of i; out starts at zero; segments outside [0, segments) are left out. */
export function segmentSum(x: usize, ids: usize, out: usize, n: i32, rowLength: i32, segments: i32): void {
  const bytes = <usize>rowLength << 2;
  for (let i = 0; i < n; i++) {
    const id = load<i32>(ids + (<usize>i << 2));
    if (<u32>id < <u32>segments) {
      const target = out + <usize>id * bytes;
      let j: usize = 0;
      for (; j + 16 <= bytes; j += 16) v128.store(target + j, f32x4.add(v128.load(target + j), v128.load(x + j)));
      for (; j < bytes; j += 4) store<f32>(target + j, load<f32>(target + j) + load<f32>(x + j));
    }
    x += bytes;
  }
}

/** out[i, j] = on where j = index[i], else off; 32-bit words. */
export function oneHot32(indices: usize, out: usize, n: i32, depth: i32, on: i32, off: i32): void {
  fill32(out, n * depth, off);
  for (let i = 0; i < n; i++) {
    const hot = load<i32>(indices + (<usize>i << 2));
    if (<u32>hot < <u32>depth) store<i32>(out + (<usize>hot << 2), on);
    out += <usize>depth << 2;
  }
}
