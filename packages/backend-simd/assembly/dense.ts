// Rows of a dense layer:
//
//   sum = Σ_t (A_t B_t + bias_t) + addend,   out = silu(sum),   slope = silu′(sum)
//
// A block of rows goes all the way, from the first product to the activation, while it is in the cache. Each product
// is a rounded sum of its own, as if it had been stored, so a row has the bits of the separate ops, however the rows
// are cut.
import { addFloats } from './add-into';
import { sgemmPacked, sgemmRows, sgemmScratch } from './sgemm';
import { silu, siluWithSlope } from './silu';

/** Rows of a block: a multiple of the tile's in both builds, and of 8. */
const ROWS: i32 = 96;

// The table: 32-bit words, first these, then four for each product.
const PRODUCTS: usize = 0; // how many
const COLUMNS: usize = 4; // n
const ADDEND: usize = 8; // address of m × n floats, or 0
const SUM: usize = 12; // address of m × n floats, or 0: not wanted
const OUT: usize = 16; // address of m × n floats, or 0: no activation
const SLOPE: usize = 20; // address of m × n floats, or 0: not wanted
const FIRST: usize = 24;
const A: usize = 0; // address of m × k floats
const B: usize = 4; // address of k × n floats, or of panels
const BIAS: usize = 8; // address of n floats, or 0
const DEPTH: usize = 12; // k; negative: B is panels
const PRODUCT: usize = 16;

/** Bytes of scratch memory for a product of this depth. */
export function denseScratch(m: i32, n: i32, k: i32): usize {
  const rows = min(m, ROWS);
  return (<usize>(rows * n) << 2) + 64 + sgemmScratch(rows, n, k);
}

/** Rows `begin` … `begin + count` of a layer. @param scratch the greatest `denseScratch` of its products */
export function denseRows(table: usize, begin: i32, count: i32, scratch: usize): void {
  const products = load<i32>(table, PRODUCTS);
  const n = load<i32>(table, COLUMNS);
  const addend = load<usize>(table, ADDEND);
  const out = load<usize>(table, OUT);
  const sum = load<usize>(table, SUM) || out;
  const slope = load<usize>(table, SLOPE);
  const end = begin + count;
  const other = scratch;
  const rest = scratch + ((<usize>(min(count, ROWS) * n) << 2) + 63 & ~63);
  for (let i = begin; i < end; i += ROWS) {
    const rows = min(ROWS, end - i);
    const size = rows * n;
    const at = <usize>i * (<usize>n << 2);
    const c = sum + at;
    let product = table + FIRST;
    for (let t = 0; t < products; t++) {
      const depth = load<i32>(product, DEPTH);
      const k = abs(depth);
      const a = load<usize>(product, A) + <usize>i * (<usize>k << 2);
      const b = load<usize>(product, B);
      const bias = load<usize>(product, BIAS);
      const to = t == 0 ? c : other;
      if (depth < 0) sgemmPacked(a, rows, b, to, bias, rows, n, k, false, rest);
      else sgemmRows(a, rows, b, to, bias, rows, n, k, false, false, rest);
      if (t > 0) addFloats(c, other, c, size);
      product += PRODUCT;
    }
    if (addend) addFloats(c, addend + at, c, size);
    if (slope) siluWithSlope(c, out + at, slope + at, size);
    else if (out) silu(c, out + at, size);
  }
}
