// Reductions of int32 over the middle of [outer, n, inner]; sums wrap around.

@inline
function step(op: i32, a: i32, b: i32): i32 {
  if (op == 0) return a + b;
  if (op == 1) return max(a, b);
  return min(a, b);
}

@inline
function reduce(op: i32, none: i32, x: usize, out: usize, outer: i32, n: i32, inner: i32): void {
  const row = <usize>inner << 2;
  for (let i = 0; i < outer; i++) {
    for (let c = 0; c < inner; c++) {
      let result = none;
      let p = x + (<usize>c << 2);
      for (let j = 0; j < n; j++) {
        result = step(op, result, load<i32>(p));
        p += row;
      }
      store<i32>(out + (<usize>c << 2), result);
    }
    x += row * <usize>n;
    out += row;
  }
}

export function sumInt(x: usize, out: usize, outer: i32, n: i32, inner: i32): void {
  reduce(0, 0, x, out, outer, n, inner);
}

export function maxInt(x: usize, out: usize, outer: i32, n: i32, inner: i32): void {
  reduce(1, i32.MIN_VALUE, x, out, outer, n, inner);
}

export function minInt(x: usize, out: usize, outer: i32, n: i32, inner: i32): void {
  reduce(2, i32.MAX_VALUE, x, out, outer, n, inner);
}
