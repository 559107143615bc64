/**
 * out[i, j] = f(a[i, j], b[i, j]) over rows × columns, float32; comparisons give bytes, 0 or 1.
 *
 * Each operand has a byte stride between rows (0: the same row for all) and, within a row, either its elements one
 * after another or one element for the whole row. out is dense and overlaps neither.
 * Correctly rounded (SquaredDifference and EluGradient after each of their two steps); NaN if either is NaN, comparisons with NaN false (NotEqual true); max(−0, 0) = 0.
 */

enum Op {
  Add, Subtract, Multiply, Divide, Maximum, Minimum, SquaredDifference, Prelu, EluGradient,
  Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual, Finite,
}

const ONE = memory.data<f32>([1.0]);

@inline
function apply(op: Op, a: v128, b: v128): v128 {
  if (op == Op.Add) return f32x4.add(a, b);
  if (op == Op.Subtract) return f32x4.sub(a, b);
  if (op == Op.Multiply) return f32x4.mul(a, b);
  if (op == Op.Divide) return f32x4.div(a, b);
  if (op == Op.Maximum) return f32x4.max(a, b);
  if (op == Op.Minimum) return f32x4.min(a, b);
  if (op == Op.SquaredDifference) {
    const d = f32x4.sub(a, b);
    return f32x4.mul(d, d);
  }
  // a below 0 times b, else a
  if (op == Op.Prelu) return v128.bitselect(f32x4.mul(a, b), a, f32x4.lt(a, i64x2.splat(0)));
  // the derivative of elu by its value b, times a
  if (op == Op.EluGradient) {
    const slope = f32x4.mul(a, f32x4.add(b, v128.load32_splat(ONE)));
    return v128.bitselect(a, slope, f32x4.ge(b, i64x2.splat(0)));
  }
  if (op == Op.Equal) return f32x4.eq(a, b);
  if (op == Op.NotEqual) return f32x4.ne(a, b);
  if (op == Op.Less) return f32x4.lt(a, b);
  if (op == Op.LessEqual) return f32x4.le(a, b);
  if (op == Op.Greater) return f32x4.gt(a, b);
  if (op == Op.GreaterEqual) return f32x4.ge(a, b);
  // Finite: a − a is 0, else NaN; b is a.
  return f32x4.eq(f32x4.sub(a, a), i64x2.splat(0));
}

/** Bytes per element of the result, as a shift. */
@inline
function outShift(op: Op): usize {
  return op >= Op.Equal ? 0 : 2;
}

/** Four results. */
@inline
function put(op: Op, out: usize, y: v128): void {
  if (op >= Op.Equal) {
    const words = i16x8.narrow_i32x4_s(y, y);
    store<u32>(out, i32x4.extract_lane(i8x16.narrow_i16x8_s(words, words), 0) & 0x01010101);
  } else {
    v128.store(out, y);
  }
}

/** One result. */
@inline
function putOne(op: Op, out: usize, y: v128): void {
  if (op >= Op.Equal) store<u8>(out, <u8>(i32x4.extract_lane(y, 0) & 1));
  else v128.store_lane<f32>(out, y, 0);
}

@inline
function row(op: Op, a: usize, aOne: bool, b: usize, bOne: bool, out: usize, columns: i32): void {
  const shift = outShift(op);
  const n = <usize>columns;
  const a0 = v128.load32_splat(a);
  const b0 = v128.load32_splat(b);
  if (n < 4) {
    for (let j: usize = 0; j < n; j++) {
      const x = aOne ? a0 : v128.load32_splat(a + (j << 2));
      const y = bOne ? b0 : v128.load32_splat(b + (j << 2));
      putOne(op, out + (j << shift), apply(op, x, y));
    }
    return;
  }
  let j: usize = 0;
  for (; j + 8 <= n; j += 8) {
    const o = j << 2;
    const x0 = aOne ? a0 : v128.load(a + o);
    const x1 = aOne ? a0 : v128.load(a + o, 16);
    const y0 = bOne ? b0 : v128.load(b + o);
    const y1 = bOne ? b0 : v128.load(b + o, 16);
    put(op, out + (j << shift), apply(op, x0, y0));
    put(op, out + (j + 4 << shift), apply(op, x1, y1));
  }
  while (j < n) {
    // The last four overlap those before: the same results once more.
    if (j + 4 > n) j = n - 4;
    const x = aOne ? a0 : v128.load(a + (j << 2));
    const y = bOne ? b0 : v128.load(b + (j << 2));
    put(op, out + (j << shift), apply(op, x, y));
    j += 4;
  }
}

@inline
function table(
  op: Op, a: usize, aRow: usize, aOne: bool, b: usize, bRow: usize, bOne: bool, out: usize, rows: i32, columns: i32,
): void {
  const outRow = <usize>columns << outShift(op);
  for (let i = 0; i < rows; i++) {
    if (aOne) row(op, a, true, b, false, out, columns);
    else if (bOne) row(op, a, false, b, true, out, columns);
    else row(op, a, false, b, false, out, columns);
    a += aRow;
    b += bRow;
    out += outRow;
  }
}

export function add(
  a: usize, aRow: usize, aOne: bool, b: usize, bRow: usize, bOne: bool, out: usize, rows: i32, columns: i32,
): void {
  table(Op.Add, a, aRow, aOne, b, bRow, bOne, out, rows, columns);
}

export function subtract(
  a: usize, aRow: usize, aOne: bool, b: usize, bRow: usize, bOne: bool, out: usize, rows: i32, columns: i32,
): void {
  table(Op.Subtract, a, aRow, aOne, b, bRow, bOne, out, rows, columns);
}

export function multiply(
  a: usize, aRow: usize, aOne: bool, b: usize, bRow: usize, bOne: bool, out: usize, rows: i32, columns: i32,
): void {
  table(Op.Multiply, a, aRow, aOne, b, bRow, bOne, out, rows, columns);
}

export function divide(
  a: usize, aRow: usize, aOne: bool, b: usize, bRow: usize, bOne: bool, out: usize, rows: i32, columns: i32,
): void {
  table(Op.Divide, a, aRow, aOne, b, bRow, bOne, out, rows, columns);
}

export function maximum(
  a: usize, aRow: usize, aOne: bool, b: usize, bRow: usize, bOne: bool, out: usize, rows: i32, columns: i32,
): void {
  table(Op.Maximum, a, aRow, aOne, b, bRow, bOne, out, rows, columns);
}

export function minimum(
  a: usize, aRow: usize, aOne: bool, b: usize, bRow: usize, bOne: bool, out: usize, rows: i32, columns: i32,
): void {
  table(Op.Minimum, a, aRow, aOne, b, bRow, bOne, out, rows, columns);
}

export function squaredDifference(
  a: usize, aRow: usize, aOne: bool, b: usize, bRow: usize, bOne: bool, out: usize, rows: i32, columns: i32,
): void {
  table(Op.SquaredDifference, a, aRow, aOne, b, bRow, bOne, out, rows, columns);
}

export function prelu(
  a: usize, aRow: usize, aOne: bool, b: usize, bRow: usize, bOne: bool, out: usize, rows: i32, columns: i32,
): void {
  table(Op.Prelu, a, aRow, aOne, b, bRow, bOne, out, rows, columns);
}

export function eluGradient(
  a: usize, aRow: usize, aOne: bool, b: usize, bRow: usize, bOne: bool, out: usize, rows: i32, columns: i32,
): void {
  table(Op.EluGradient, a, aRow, aOne, b, bRow, bOne, out, rows, columns);
}

export function equal(
  a: usize, aRow: usize, aOne: bool, b: usize, bRow: usize, bOne: bool, out: usize, rows: i32, columns: i32,
): void {
  table(Op.Equal, a, aRow, aOne, b, bRow, bOne, out, rows, columns);
}

export function notEqual(
  a: usize, aRow: usize, aOne: bool, b: usize, bRow: usize, bOne: bool, out: usize, rows: i32, columns: i32,
): void {
  table(Op.NotEqual, a, aRow, aOne, b, bRow, bOne, out, rows, columns);
}

export function less(
  a: usize, aRow: usize, aOne: bool, b: usize, bRow: usize, bOne: bool, out: usize, rows: i32, columns: i32,
): void {
  table(Op.Less, a, aRow, aOne, b, bRow, bOne, out, rows, columns);
}

export function lessEqual(
  a: usize, aRow: usize, aOne: bool, b: usize, bRow: usize, bOne: bool, out: usize, rows: i32, columns: i32,
): void {
  table(Op.LessEqual, a, aRow, aOne, b, bRow, bOne, out, rows, columns);
}

export function greater(
  a: usize, aRow: usize, aOne: bool, b: usize, bRow: usize, bOne: bool, out: usize, rows: i32, columns: i32,
): void {
  table(Op.Greater, a, aRow, aOne, b, bRow, bOne, out, rows, columns);
}

export function greaterEqual(
  a: usize, aRow: usize, aOne: bool, b: usize, bRow: usize, bOne: bool, out: usize, rows: i32, columns: i32,
): void {
  table(Op.GreaterEqual, a, aRow, aOne, b, bRow, bOne, out, rows, columns);
}

/** out[i] is 1 where x[i] is neither ∞ nor NaN, else 0: bytes. */
export function finite(x: usize, out: usize, n: i32): void {
  row(Op.Finite, x, false, x, false, out, n);
}

/** out[i] is 1 where x[i] is NaN, else 0: bytes. */
export function nan(x: usize, out: usize, n: i32): void {
  row(Op.NotEqual, x, false, x, false, out, n);
}

/** out[i, j] = x[i], for rows too short to be worth a loop each. */
export function repeatElements(x: usize, out: usize, n: i32, times: i32): void {
  const end = x + (<usize>n << 2);
  if (times == 2) {
    while (x < end) {
      const y = v128.load64_zero(x);
      v128.store(out, v128.shuffle<f32>(y, y, 0, 0, 1, 1));
      x += 8;
      out += 16;
    }
    return;
  }
  while (x < end) {
    const y = load<f32>(x);
    for (let j = 0; j < times; j++) {
      store<f32>(out, y);
      out += 4;
    }
    x += 4;
  }
}
