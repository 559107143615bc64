// Softmax of rows: p_j = e^{x_j − m} / Σ_k e^{x_k − m}, m = max_k x_k. The terms are summed in four lanes, then
// across; a row's result depends on the row alone. NaN anywhere, or +∞, makes the row NaN. A term below e^−87.3 is 0.
import { expBounded, expConstant } from './exp-bounded';
import { threadMemory } from './thread-memory';

// The last n mod 4 elements, padded with −∞ (whose terms are 0).
@inline
function loadTail(x: usize, n: i32): v128 {
  const room = threadMemory();
  v128.store(room, f32x4.splat(-f32.POSITIVE_INFINITY));
  for (let j = 0; j < n; j++) store<f32>(room + (<usize>j << 2), load<f32>(x + (<usize>j << 2)));
  return v128.load(room);
}

@inline
function storeTail(out: usize, v: v128, n: i32): void {
  const room = threadMemory();
  v128.store(room, v);
  for (let j = 0; j < n; j++) store<f32>(out + (<usize>j << 2), load<f32>(room + (<usize>j << 2)));
}

export function softmax(x: usize, out: usize, rows: i32, n: i32): void {
  const whole = <usize>(n & ~3) << 2;
  const rest = n & 3;
  const bytes = <usize>n << 2;
  const c0 = expConstant(0);
  const c1 = expConstant(1);
  const c2 = expConstant(2);
  const c3 = expConstant(3);
  const c4 = expConstant(4);
  const c5 = expConstant(5);
  const c6 = expConstant(6);
  const c7 = expConstant(7);
  const c8 = expConstant(8);
  const c9 = expConstant(9);
  const c10 = expConstant(10);
  for (let i = 0; i < rows; i++) {
    const tail = loadTail(x + whole, rest);
    // pmax lets NaN pass by; it comes back in the terms and so in the sum.
    let greatest = f32x4.pmax(f32x4.splat(-f32.POSITIVE_INFINITY), tail);
    let other = greatest;
    let k: usize = 0;
    for (; k + 32 <= whole; k += 32) {
      greatest = f32x4.pmax(greatest, v128.load(x + k));
      other = f32x4.pmax(other, v128.load(x + k, 16));
    }
    for (; k < whole; k += 16) greatest = f32x4.pmax(greatest, v128.load(x + k));
    greatest = f32x4.pmax(greatest, other);
    greatest = f32x4.pmax(greatest, v128.shuffle<i64>(greatest, greatest, 1, 0));
    greatest = f32x4.pmax(greatest, v128.shuffle<i32>(greatest, greatest, 1, 0, 3, 2));
    let sum = expBounded(f32x4.sub(tail, greatest), c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10);
    const last = sum;
    for (let j: usize = 0; j < whole; j += 16) {
      const e = expBounded(f32x4.sub(v128.load(x + j), greatest), c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10);
      v128.store(out + j, e);
      sum = f32x4.add(sum, e);
    }
    sum = f32x4.add(sum, v128.shuffle<i64>(sum, sum, 1, 0));
    sum = f32x4.add(sum, v128.shuffle<i32>(sum, sum, 1, 0, 3, 2));
    for (let j: usize = 0; j < whole; j += 16) v128.store(out + j, f32x4.div(v128.load(out + j), sum));
    storeTail(out + whole, f32x4.div(last, sum), rest);
    x += bytes;
    out += bytes;
  }
}
