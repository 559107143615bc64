/**
 * Copies of blocks of a matrix in the order in which the tiles of the matrix product read them.
 */
import { NR } from './sgemm-tile';

/** `out[j, i] = x[i, j]` for i < rows, j < columns; strides in bytes. Four by four in registers. */
export function transposeBlock(x: usize, ldx: usize, out: usize, ldo: usize, rows: i32, columns: i32): void {
  let i = 0;
  for (; i + 4 <= rows; i += 4) {
    const x0 = x + <usize>i * ldx;
    const x1 = x0 + ldx;
    const x2 = x1 + ldx;
    const x3 = x2 + ldx;
    let o = out + (<usize>i << 2);
    let j: usize = 0;
    const whole = <usize>(columns & ~3) << 2;
    for (; j < whole; j += 16) {
      const r0 = v128.load(x0 + j), r1 = v128.load(x1 + j), r2 = v128.load(x2 + j), r3 = v128.load(x3 + j);
      const s0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), s1 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
      const s2 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5), s3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
      v128.store(o, v128.shuffle<f64>(s0, s2, 0, 2)); o += ldo;
      v128.store(o, v128.shuffle<f64>(s0, s2, 1, 3)); o += ldo;
      v128.store(o, v128.shuffle<f64>(s1, s3, 0, 2)); o += ldo;
      v128.store(o, v128.shuffle<f64>(s1, s3, 1, 3)); o += ldo;
    }
    const end = <usize>columns << 2;
    for (; j < end; j += 4) {
      store<f32>(o, load<f32>(x0 + j));
      store<f32>(o, load<f32>(x1 + j), 4);
      store<f32>(o, load<f32>(x2 + j), 8);
      store<f32>(o, load<f32>(x3 + j), 12);
      o += ldo;
    }
  }
  for (; i < rows; i++) {
    const row = x + <usize>i * ldx;
    for (let j = 0; j < columns; j++) {
      store<f32>(out + <usize>j * ldo + (<usize>i << 2), load<f32>(row + (<usize>j << 2)));
    }
  }
}

/**
 * k × n of B into panels of NR columns, `out[panel][p][column]`. The last panel is filled up with zeros: nobody reads
 * what comes of them, but leftovers may be subnormal, which is slow.
 * `b` is the block's first element, `ldb` the byte stride between its stored rows;
 * with `transposed` the stored rows are B's columns.
 */
export function packPanels(b: usize, ldb: usize, transposed: bool, k: i32, n: i32, out: usize): void {
  for (let j = 0; j < n; j += NR) {
    const width = min(NR, n - j);
    if (width < NR) memory.fill(out, 0, <usize>(k * NR) << 2);
    if (transposed) transposeBlock(b + <usize>j * ldb, ldb, out, <usize>NR << 2, width, k);
    else packPanel(b + (<usize>j << 2), ldb, k, width, out);
    out += <usize>(k * NR) << 2;
  }
}

@inline
function packPanel(b: usize, ldb: usize, k: i32, width: i32, out: usize): void {
  if (width == NR) {
    for (let p = 0; p < k; p++) {
      for (let q: usize = 0; q < <usize>NR << 2; q += 16) v128.store(out + q, v128.load(b + q));
      out += <usize>NR << 2;
      b += ldb;
    }
  } else {
    for (let p = 0; p < k; p++) {
      for (let q: usize = 0; q < <usize>width << 2; q += 4) store<f32>(out + q, load<f32>(b + q));
      out += <usize>NR << 2;
      b += ldb;
    }
  }
}
