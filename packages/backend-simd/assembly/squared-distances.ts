// out[j][lane] = Σ_p (x[lane][p] − y[j][p])² for the eight points of a panel and `count` dense rows y. From differences,
// not from |x|² + |y|² − 2⟨x, y⟩, so near pairs keep their digits. The sum over p runs in order within blocks of 64
// columns, for every pair alike.
import { fma } from './fma';

/** Columns of a block: short chains of rounding errors, and a part of the panel that stays in the L1 cache. */
const BLOCK: i32 = 64;

export function squaredDistances(panel: usize, y: usize, d: i32, count: i32, out: usize): void {
  if (d === 1) return distances1(panel, y, count, out);
  if (d === 2) return distances2(panel, y, count, out);
  if (d === 3) return distances3(panel, y, count, out);
  if (d === 0) {
    memory.fill(out, 0, <usize>count << 5);
    return;
  }
  const rowBytes = <usize>d << 2;
  for (let first = 0; first < d; first += BLOCK) {
    const columns = min(BLOCK, d - first);
    const x = panel + (<usize>first << 5);
    let row = y + (<usize>first << 2);
    let at = out;
    let j = 0;
    for (; j + 4 <= count; j += 4) {
      fourRows(x, row, rowBytes, columns, at, first > 0);
      row += 4 * rowBytes;
      at += 128;
    }
    for (; j < count; j++) {
      oneRow(x, row, columns, at, first > 0);
      row += rowBytes;
      at += 32;
    }
  }
}

function fourRows(x: usize, y0: usize, rowBytes: usize, columns: i32, out: usize, more: bool): void {
  let y1 = y0 + rowBytes;
  let y2 = y1 + rowBytes;
  let y3 = y2 + rowBytes;
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let b0 = a0;
  let b1 = a0;
  let b2 = a0;
  let b3 = a0;
  const end = x + (<usize>columns << 5);
  while (x < end) {
    const left = v128.load(x);
    const right = v128.load(x, 16);
    let y = v128.load32_splat(y0);
    let u = f32x4.sub(left, y);
    let v = f32x4.sub(right, y);
    a0 = fma(u, u, a0);
    b0 = fma(v, v, b0);
    y = v128.load32_splat(y1);
    u = f32x4.sub(left, y);
    v = f32x4.sub(right, y);
    a1 = fma(u, u, a1);
    b1 = fma(v, v, b1);
    y = v128.load32_splat(y2);
    u = f32x4.sub(left, y);
    v = f32x4.sub(right, y);
    a2 = fma(u, u, a2);
    b2 = fma(v, v, b2);
    y = v128.load32_splat(y3);
    u = f32x4.sub(left, y);
    v = f32x4.sub(right, y);
    a3 = fma(u, u, a3);
    b3 = fma(v, v, b3);
    x += 32;
    y0 += 4;
    y1 += 4;
    y2 += 4;
    y3 += 4;
  }
  put(out, a0, b0, more);
  put(out + 32, a1, b1, more);
  put(out + 64, a2, b2, more);
  put(out + 96, a3, b3, more);
}

function oneRow(x: usize, y: usize, columns: i32, out: usize, more: bool): void {
  let a = f32x4.splat(0);
  let b = a;
  const end = x + (<usize>columns << 5);
  for (; x < end; x += 32) {
    const c = v128.load32_splat(y);
    const u = f32x4.sub(v128.load(x), c);
    const v = f32x4.sub(v128.load(x, 16), c);
    a = fma(u, u, a);
    b = fma(v, v, b);
    y += 4;
  }
  put(out, a, b, more);
}

@inline
function put(out: usize, a: v128, b: v128, more: bool): void {
  if (more) {
    a = f32x4.add(v128.load(out), a);
    b = f32x4.add(v128.load(out, 16), b);
  }
  v128.store(out, a);
  v128.store(out, b, 16);
}

function distances1(panel: usize, y: usize, count: i32, out: usize): void {
  const a = v128.load(panel);
  const b = v128.load(panel, 16);
  const end = out + (<usize>count << 5);
  for (; out < end; out += 32) {
    const c = v128.load32_splat(y);
    const u = f32x4.sub(a, c);
    const v = f32x4.sub(b, c);
    v128.store(out, f32x4.mul(u, u));
    v128.store(out, f32x4.mul(v, v), 16);
    y += 4;
  }
}

function distances2(panel: usize, y: usize, count: i32, out: usize): void {
  const a0 = v128.load(panel);
  const b0 = v128.load(panel, 16);
  const a1 = v128.load(panel, 32);
  const b1 = v128.load(panel, 48);
  const end = out + (<usize>count << 5);
  for (; out < end; out += 32) {
    const c0 = v128.load32_splat(y);
    const c1 = v128.load32_splat(y, 4);
    const u0 = f32x4.sub(a0, c0);
    const v0 = f32x4.sub(b0, c0);
    const u1 = f32x4.sub(a1, c1);
    const v1 = f32x4.sub(b1, c1);
    v128.store(out, fma(u1, u1, f32x4.mul(u0, u0)));
    v128.store(out, fma(v1, v1, f32x4.mul(v0, v0)), 16);
    y += 8;
  }
}

function distances3(panel: usize, y: usize, count: i32, out: usize): void {
  const a0 = v128.load(panel);
  const b0 = v128.load(panel, 16);
  const a1 = v128.load(panel, 32);
  const b1 = v128.load(panel, 48);
  const a2 = v128.load(panel, 64);
  const b2 = v128.load(panel, 80);
  const end = out + (<usize>count << 5);
  for (; out < end; out += 32) {
    const c0 = v128.load32_splat(y);
    const c1 = v128.load32_splat(y, 4);
    const c2 = v128.load32_splat(y, 8);
    const u0 = f32x4.sub(a0, c0);
    const v0 = f32x4.sub(b0, c0);
    const u1 = f32x4.sub(a1, c1);
    const v1 = f32x4.sub(b1, c1);
    const u2 = f32x4.sub(a2, c2);
    const v2 = f32x4.sub(b2, c2);
    v128.store(out, fma(u2, u2, fma(u1, u1, f32x4.mul(u0, u0))));
    v128.store(out, fma(v2, v2, fma(v1, v1, f32x4.mul(v0, v0))), 16);
    y += 12;
  }
}
