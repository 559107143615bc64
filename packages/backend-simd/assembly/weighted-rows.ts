// out[c][lane] = Σ_k weight[k][lane] · rows[k][c]: the weighted sums of `count` dense rows of m elements, for the eight
// points of a panel. Sums run in order of k (columns left over from tiles of four: even and odd k apart).
import { fma } from './fma';

export function weightedRows(weights: usize, rows: usize, m: i32, count: i32, out: usize): void {
  let c = 0;
  for (; c + 4 <= m; c += 4) fourColumns(weights, rows + (<usize>c << 2), <usize>m << 2, count, out + (<usize>c << 5));
  if (c + 2 <= m) {
    twoColumns(weights, rows + (<usize>c << 2), <usize>m << 2, count, out + (<usize>c << 5));
    c += 2;
  }
  if (c < m) oneColumn(weights, rows + (<usize>c << 2), <usize>m << 2, count, out + (<usize>c << 5));
}

function fourColumns(weights: usize, row: usize, rowBytes: usize, count: i32, out: usize): void {
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let b0 = a0;
  let b1 = a0;
  let b2 = a0;
  let b3 = a0;
  const end = weights + (<usize>count << 5);
  for (; weights < end; weights += 32) {
    const a = v128.load(weights);
    const b = v128.load(weights, 16);
    let y = v128.load32_splat(row);
    a0 = fma(a, y, a0);
    b0 = fma(b, y, b0);
    y = v128.load32_splat(row, 4);
    a1 = fma(a, y, a1);
    b1 = fma(b, y, b1);
    y = v128.load32_splat(row, 8);
    a2 = fma(a, y, a2);
    b2 = fma(b, y, b2);
    y = v128.load32_splat(row, 12);
    a3 = fma(a, y, a3);
    b3 = fma(b, y, b3);
    row += rowBytes;
  }
  v128.store(out, a0);
  v128.store(out, b0, 16);
  v128.store(out, a1, 32);
  v128.store(out, b1, 48);
  v128.store(out, a2, 64);
  v128.store(out, b2, 80);
  v128.store(out, a3, 96);
  v128.store(out, b3, 112);
}

function twoColumns(weights: usize, row: usize, rowBytes: usize, count: i32, out: usize): void {
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  const pairs = weights + (<usize>(count >> 1) << 6);
  for (; weights < pairs; weights += 64) {
    const a = v128.load(weights);
    const b = v128.load(weights, 16);
    const c = v128.load(weights, 32);
    const d = v128.load(weights, 48);
    let y = v128.load32_splat(row);
    let z = v128.load32_splat(row, 4);
    a0 = fma(a, y, a0);
    b0 = fma(b, y, b0);
    a1 = fma(a, z, a1);
    b1 = fma(b, z, b1);
    row += rowBytes;
    y = v128.load32_splat(row);
    z = v128.load32_splat(row, 4);
    c0 = fma(c, y, c0);
    d0 = fma(d, y, d0);
    c1 = fma(c, z, c1);
    d1 = fma(d, z, d1);
    row += rowBytes;
  }
  if (count & 1) {
    const a = v128.load(weights);
    const b = v128.load(weights, 16);
    const y = v128.load32_splat(row);
    const z = v128.load32_splat(row, 4);
    a0 = fma(a, y, a0);
    b0 = fma(b, y, b0);
    a1 = fma(a, z, a1);
    b1 = fma(b, z, b1);
  }
  v128.store(out, f32x4.add(a0, c0));
  v128.store(out, f32x4.add(b0, d0), 16);
  v128.store(out, f32x4.add(a1, c1), 32);
  v128.store(out, f32x4.add(b1, d1), 48);
}

function oneColumn(weights: usize, row: usize, rowBytes: usize, count: i32, out: usize): void {
  let a0 = f32x4.splat(0);
  let b0 = a0;
  let c0 = a0;
  let d0 = a0;
  const pairs = weights + (<usize>(count >> 1) << 6);
  for (; weights < pairs; weights += 64) {
    const y = v128.load32_splat(row);
    const z = v128.load32_splat(row + rowBytes);
    a0 = fma(v128.load(weights), y, a0);
    b0 = fma(v128.load(weights, 16), y, b0);
    c0 = fma(v128.load(weights, 32), z, c0);
    d0 = fma(v128.load(weights, 48), z, d0);
    row += 2 * rowBytes;
  }
  if (count & 1) {
    const y = v128.load32_splat(row);
    a0 = fma(v128.load(weights), y, a0);
    b0 = fma(v128.load(weights, 16), y, b0);
  }
  v128.store(out, f32x4.add(a0, c0));
  v128.store(out, f32x4.add(b0, d0), 16);
}
