/**
 * Dense single-precision matrix product, C = A B (+ bias), with either operand stored transposed.
 *
 *   C[i, j] = Σ_p A[i, p] B[p, j] + bias[j]
 *
 * Blocks of KC × NC of B are packed into panels, then rows of A go through them MC at a time, packed too where that
 * pays, so that a panel (KC × NR, 8 kB) stays in the first-level cache and a row block (MC × KC, 48 kB) in the second.
 * Meanwhile the rows that come next are loaded (sgemm-ahead.ts).
 * The method for a row is chosen by k, n and the transposes, never by m, or has the same order of operations
 * whichever is chosen; so a row of C has the same bits however the rows of A are cut into calls.
 *
 * Not guaranteed: the same bits on another build or machine (fused multiply-add or not), nor for A Bᵀ
 * computed as its transpose.
 *
 * Goto and van de Geijn, Anatomy of high-performance matrix multiplication, ACM TOMS 34 (2008).
 */
import { ahead, startAhead } from './sgemm-ahead';
import { MR, NR, packedTile, tile } from './sgemm-tile';
import { packPanels, packRows, transposeBlock } from './sgemm-pack';
import { sgemmNarrow, sgemmNarrowScratch } from './sgemm-narrow';
import { sgemmFewRows, sgemmShallow } from './sgemm-direct';

const KC: i32 = 256;
/** A multiple of MR in both builds. */
const MC: i32 = 48;
const NC: i32 = 512;
/** Products of at most so many columns go through dot products instead of tiles. */
const NARROW: i32 = 4;
/** Products of at most so deep rows are bound by storing C. */
const SHALLOW: i32 = 4;
/** Up to so many rows, packing B costs more than it saves. */
const FEW_ROWS: i32 = 8;
/** From so many columns on, packing the rows of A takes less time than it saves. */
const WIDE: i32 = 96;

@inline
function panels(n: i32): i32 {
  return (n + NR - 1) / NR * NR;
}

/** Floats of a packed row block. */
@inline
function rowsPacked(m: i32, k: i32): i32 {
  return min((m + MR - 1) / MR * MR, MC) * min(k, KC);
}

/** Bytes of scratch memory that `sgemm` needs for these sizes. */
export function sgemmScratch(m: i32, n: i32, k: i32): usize {
  if (n <= NARROW) return sgemmNarrowScratch(m, n, k);
  if (k <= SHALLOW) return <usize>(k * n) << 2;
  const floats = min(k, KC) * panels(min(n, NC)) + rowsPacked(m, k) + panels(n) + MR * NR;
  return <usize>floats << 2;
}

/**
 * C = A B + bias, over C's m × n floats.
 *
 * @param a A, m × k row after row; k × m with `transA`
 * @param b B, k × n row after row; n × k with `transB`
 * @param c result, may not overlap anything else
 * @param bias n floats, or 0 for none
 * @param scratch `sgemmScratch(m, n, k)` bytes
 */
export function sgemm(
  a: usize, b: usize, c: usize, bias: usize, m: i32, n: i32, k: i32, transA: bool, transB: bool, scratch: usize,
): void {
  sgemmRows(a, m, b, c, bias, m, n, k, transA, transB, scratch);
}

/** `count` products one after another: of the i-th, the operands are `i` times their step (in bytes) further on. */
export function sgemmBatch(
  a: usize, aStep: usize, b: usize, bStep: usize, c: usize, bias: usize, count: i32, m: i32, n: i32, k: i32,
  transA: bool, transB: bool, scratch: usize,
): void {
  for (let i = 0; i < count; i++) {
    sgemmRows(a, m, b, c, bias, m, n, k, transA, transB, scratch);
    a += aStep;
    b += bStep;
    c += <usize>(m * n) << 2;
  }
}

/** m rows of a product that has `stored` of them, `a` and `c` being the first of these rows. */
export function sgemmRows(
  a: usize, stored: i32, b: usize, c: usize, bias: usize, m: i32, n: i32, k: i32, transA: bool, transB: bool,
  scratch: usize,
): void {
  if (m == 0 || n == 0) return;
  if (n <= NARROW) return sgemmNarrow(a, stored, b, c, bias, m, n, k, transA, transB, scratch);
  if (k <= SHALLOW) {
    if (transB) {
      transposeBlock(b, <usize>k << 2, scratch, <usize>n << 2, n, k);
      b = scratch;
    }
    return sgemmShallow(a, stored, b, c, bias, m, n, k, transA);
  }
  if (m <= FEW_ROWS && !transB) return sgemmFewRows(a, stored, b, c, bias, m, n, k, transA);
  sgemmBlocked(a, stored, b, 0, c, bias, m, n, k, transA, transB, scratch);
}

/** Panels of NR columns that B has. */
export function sgemmPanels(n: i32): i32 {
  return panels(n) / NR;
}

/** Bytes of all panels of B; 0 if the product does not go through panels, so that `sgemmPacked` cannot make it. */
export function sgemmPackedBytes(n: i32, k: i32): usize {
  return n <= NARROW || k <= SHALLOW ? 0 : <usize>(panels(n) * k) << 2;
}

/**
 * Packs panels `begin` … `end` of NR columns of B, for `sgemmPacked`.
 *
 * @param packed `sgemmPackedBytes(n, k)` bytes: for each NC columns, for each KC rows, the panels
 */
export function sgemmPack(b: usize, n: i32, k: i32, transB: bool, packed: usize, begin: i32, end: i32): void {
  const ldb = <usize>(transB ? k : n) << 2;
  for (let j = begin * NR; j < min(end * NR, n); j += NR) {
    const j0 = j / NC * NC;
    const nc = panels(min(NC, n - j0));
    for (let p0 = 0; p0 < k; p0 += KC) {
      const kc = min(KC, k - p0);
      const corner = transB ? <usize>j * ldb + (<usize>p0 << 2) : <usize>p0 * ldb + (<usize>j << 2);
      const to = packed + (<usize>(j0 * k + p0 * nc + (j - j0) * kc) << 2);
      packPanels(b + corner, ldb, transB, kc, min(NR, n - j), to);
    }
  }
}

/** `sgemmRows` with all of B packed by `sgemmPack`; the same bits. */
export function sgemmPacked(
  a: usize, stored: i32, packed: usize, c: usize, bias: usize, m: i32, n: i32, k: i32, transA: bool, scratch: usize,
): void {
  sgemmBlocked(a, stored, 0, packed, c, bias, m, n, k, transA, false, scratch);
}

function sgemmBlocked(
  a: usize, stored: i32, b: usize, packed: usize, c: usize, bias: usize, m: i32, n: i32, k: i32, transA: bool,
  transB: bool, scratch: usize,
): void {
  const ldc = <usize>n << 2;
  let packedB = scratch;
  const packedA = packedB + (<usize>(min(k, KC) * panels(min(n, NC))) << 2);
  const edge = packedA + (<usize>rowsPacked(m, k) << 2);
  const packs = transA || n >= WIDE;
  const lda = <usize>(transA ? stored : k) << 2;
  let paddedBias: usize = 0;
  if (bias) {
    paddedBias = edge + (<usize>(MR * NR) << 2);
    memory.copy(paddedBias, bias, <usize>n << 2);
  }
  for (let j0 = 0; j0 < n; j0 += NC) {
    const nc = min(NC, n - j0);
    for (let p0 = 0; p0 < k; p0 += KC) {
      const kc = min(KC, k - p0);
      const ldb = <usize>(transB ? k : n) << 2;
      const corner = transB ? <usize>j0 * ldb + (<usize>p0 << 2) : <usize>p0 * ldb + (<usize>j0 << 2);
      if (packed) packedB = packed + (<usize>(j0 * k + p0 * panels(nc)) << 2);
      else packPanels(b + corner, ldb, transB, kc, nc, packedB);
      const blockBias = bias && p0 + kc == k ? paddedBias + (<usize>j0 << 2) : 0;
      for (let i0 = 0; i0 < m; i0 += MC) {
        const mc = min(MC, m - i0);
        const block = transA ? a + <usize>p0 * lda + (<usize>i0 << 2) : a + <usize>i0 * lda + (<usize>p0 << 2);
        const to = c + <usize>i0 * ldc + (<usize>j0 << 2);
        // What follows on the block, where it is one piece.
        const next = <usize>min(MC, m - i0 - mc);
        const moreA: usize = transA || kc < k ? 0 : next * lda;
        const moreC: usize = nc < n ? 0 : next * ldc;
        const tiles = (mc + MR - 1) / MR * (panels(nc) / NR);
        startAhead(block + <usize>mc * lda, moreA, to + <usize>mc * ldc, moreC, tiles);
        if (packs) packRows(block, lda, transA, mc, kc, packedA);
        rowBlock(packs, packs ? packedA : block, lda, packedB, to, ldc, mc, nc, kc, p0 == 0, blockBias, edge);
      }
    }
  }
}

/** mc rows of A, which are packed or `lda` bytes apart, through the packed panels. */
function rowBlock(
  packed: bool, a: usize, lda: usize, b: usize, c: usize, ldc: usize, mc: i32, nc: i32, kc: i32, first: bool,
  bias: usize, edge: usize,
): void {
  const ldb = <usize>NR << 2;
  const aRow = packed ? <usize>4 : lda;
  const aStep = packed ? <usize>MR << 2 : <usize>4;
  const strip = packed ? <usize>kc * aStep : <usize>MR * aRow;
  for (let j = 0; j < nc; j += NR) {
    const width = min(NR, nc - j);
    let ai = a;
    let ci = c + (<usize>j << 2);
    const bj = bias ? bias + (<usize>j << 2) : 0;
    let i = 0;
    if (width == NR) {
      for (; i + MR <= mc; i += MR) {
        if (packed) packedTile(ai, b, ci, ldc, kc, first, bj);
        else tile(MR, ai, aRow, aStep, b, ci, ldc, kc, first, bj);
        ahead();
        ai += strip;
        ci += <usize>MR * ldc;
      }
      if (i < mc) tile(mc - i, ai, aRow, aStep, b, ci, ldc, kc, first, bj);
    } else {
      for (; i < mc; i += MR) {
        const rows = min(MR, mc - i);
        if (!first) copyColumns(ci, ldc, edge, ldb, rows, width);
        tile(rows, ai, aRow, aStep, b, edge, ldb, kc, first, bj);
        copyColumns(edge, ldb, ci, ldc, rows, width);
        ai += strip;
        ci += <usize>MR * ldc;
      }
    }
    b += <usize>(kc * NR) << 2;
  }
}

@inline
function copyColumns(from: usize, ldf: usize, to: usize, ldt: usize, rows: i32, width: i32): void {
  for (let i = 0; i < rows; i++) {
    for (let j: usize = 0; j < <usize>width << 2; j += 4) store<f32>(to + j, load<f32>(from + j));
    from += ldf;
    to += ldt;
  }
}
