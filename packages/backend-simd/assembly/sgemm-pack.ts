/**
 * Copies of blocks of a matrix in the order in which the tiles of the matrix product read them.
 */
import { MR, NR } from './sgemm-tile';

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

/** Rows that are copied before the next strip's turn: their lines stay in the cache until all of a line is copied. */
const AT_ONCE: i32 = 16;

/**
 * k rows of n elements in strips of `width` columns (2, 6, 8 or 16), `out[strip][p][column]`.
 * Columns that the last strip lacks are not written.
 */
@inline
function packStrips(width: i32, x: usize, ldx: usize, k: i32, n: i32, out: usize): void {
  const step = <usize>width << 2;
  for (let p0 = 0; p0 < k; p0 += AT_ONCE) {
    const rows = <usize>min(AT_ONCE, k - p0);
    let to = out + <usize>p0 * step;
    let from = x;
    const whole = x + (<usize>(n / width) * step);
    for (; from < whole; from += step) {
      let row = from;
      for (let o = to, end = to + rows * step; o < end; o += step) {
        copyRow(width, row, o);
        row += ldx;
      }
      to += <usize>k * step;
    }
    const end = x + (<usize>n << 2);
    if (from < end) {
      for (let p: usize = 0; p < rows; p++) {
        for (let q: usize = 0; q < end - from; q += 4) store<f32>(to + q, load<f32>(from + p * ldx + q));
        to += step;
      }
    }
    x += <usize>AT_ONCE * ldx;
  }
}

@inline
function copyRow(width: i32, x: usize, out: usize): void {
  if (width == 2) {
    store<u64>(out, load<u64>(x));
    return;
  }
  const r0 = v128.load(x);
  if (width == 6) {
    const r1 = load<u64>(x, 16);
    v128.store(out, r0);
    store<u64>(out, r1, 16);
  } else {
    const r1 = v128.load(x, 16);
    v128.store(out, r0);
    v128.store(out, r1, 16);
  }
  if (width == 16) {
    const r2 = v128.load(x, 32), r3 = v128.load(x, 48);
    v128.store(out, r2, 32);
    v128.store(out, r3, 48);
  }
}

/**
 * k × n of B into panels of NR columns, `out[panel][p][column]`. The last panel is filled up with zeros: nobody reads
 * what comes of them, but leftovers may be subnormal, which is slow.
 * `b` is the block's first element, `ldb` the byte stride between its stored rows;
 * with `transposed` the stored rows are B's columns.
 */
export function packPanels(b: usize, ldb: usize, transposed: bool, k: i32, n: i32, out: usize): void {
  const whole = n / NR * NR;
  if (whole < n) memory.fill(out + (<usize>(k * whole) << 2), 0, <usize>(k * NR) << 2);
  if (!transposed) return packStrips(NR, b, ldb, k, n, out);
  for (let j = 0; j < n; j += NR) {
    transposeBlock(b, ldb, out, <usize>NR << 2, min(NR, n - j), k);
    b += <usize>NR * ldb;
    out += <usize>(k * NR) << 2;
  }
}

/**
 * m × k of A into strips of MR rows, `out[strip][p][row]`. The last strip may have fewer; what it lacks is not written.
 * `a` is the block's first element, `lda` the byte stride between its stored rows;
 * with `transposed` the stored rows are A's columns.
 */
export function packRows(a: usize, lda: usize, transposed: bool, m: i32, k: i32, out: usize): void {
  if (transposed) return packStrips(MR, a, lda, k, m, out);
  let i = 0;
  for (; i + MR <= m; i += MR) {
    interleave(a, lda, k, out);
    a += <usize>MR * lda;
    out += <usize>(k * MR) << 2;
  }
  if (i < m) transposeBlock(a, lda, out, <usize>MR << 2, m - i, k);
}

/** One strip. */
@inline
function interleave(a0: usize, lda: usize, k: i32, out: usize): void {
  const a1 = a0 + lda;
  let p: usize = 0;
  const whole = <usize>(k & ~3) << 2;
  const end = <usize>k << 2;
  if (ASC_FEATURE_RELAXED_SIMD) {
    const a2 = a1 + lda, a3 = a2 + lda, a4 = a3 + lda, a5 = a4 + lda;
    for (; p < whole; p += 16) {
      const r0 = v128.load(a0 + p), r1 = v128.load(a1 + p), r2 = v128.load(a2 + p), r3 = v128.load(a3 + p);
      const r4 = v128.load(a4 + p), r5 = v128.load(a5 + p);
      const s0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), s1 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
      const s2 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5), s3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
      const s4 = v128.shuffle<f32>(r4, r5, 0, 4, 1, 5), s5 = v128.shuffle<f32>(r4, r5, 2, 6, 3, 7);
      v128.store(out, v128.shuffle<f64>(s0, s2, 0, 2));
      v128.store(out, v128.shuffle<f64>(s4, s0, 0, 3), 16);
      v128.store(out, v128.shuffle<f64>(s2, s4, 1, 3), 32);
      v128.store(out, v128.shuffle<f64>(s1, s3, 0, 2), 48);
      v128.store(out, v128.shuffle<f64>(s5, s1, 0, 3), 64);
      v128.store(out, v128.shuffle<f64>(s3, s5, 1, 3), 80);
      out += 96;
    }
    for (; p < end; p += 4) {
      store<f32>(out, load<f32>(a0 + p));
      store<f32>(out, load<f32>(a1 + p), 4);
      store<f32>(out, load<f32>(a2 + p), 8);
      store<f32>(out, load<f32>(a3 + p), 12);
      store<f32>(out, load<f32>(a4 + p), 16);
      store<f32>(out, load<f32>(a5 + p), 20);
      out += 24;
    }
  } else {
    for (; p < whole; p += 16) {
      const r0 = v128.load(a0 + p), r1 = v128.load(a1 + p);
      v128.store(out, v128.shuffle<f32>(r0, r1, 0, 4, 1, 5));
      v128.store(out, v128.shuffle<f32>(r0, r1, 2, 6, 3, 7), 16);
      out += 32;
    }
    for (; p < end; p += 4) {
      store<f32>(out, load<f32>(a0 + p));
      store<f32>(out, load<f32>(a1 + p), 4);
      out += 8;
    }
  }
}
