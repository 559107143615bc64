// Where the greatest or least element of the middle of [outer, n, inner] is; the first of equals. As in tfjs's cpu
// backend, NaN is never greater or less than anything: only a NaN at the very first place wins.

@inline
function beats<T>(greatest: bool, a: T, b: T): bool {
  return greatest ? a > b : a < b;
}

@inline
function argReduce<T>(greatest: bool, x: usize, out: usize, outer: i32, n: i32, inner: i32): void {
  const row = <usize>inner << 2;
  for (let i = 0; i < outer; i++) {
    for (let c = 0; c < inner; c++) {
      let p = x + (<usize>c << 2);
      let best = load<T>(p);
      let where = 0;
      for (let j = 1; j < n; j++) {
        p += row;
        const value = load<T>(p);
        if (beats<T>(greatest, value, best)) {
          best = value;
          where = j;
        }
      }
      store<i32>(out + (<usize>c << 2), where);
    }
    x += row * <usize>n;
    out += row;
  }
}

export function argMaxFloat(x: usize, out: usize, outer: i32, n: i32, inner: i32): void {
  argReduce<f32>(true, x, out, outer, n, inner);
}

export function argMinFloat(x: usize, out: usize, outer: i32, n: i32, inner: i32): void {
  argReduce<f32>(false, x, out, outer, n, inner);
}

export function argMaxInt(x: usize, out: usize, outer: i32, n: i32, inner: i32): void {
  argReduce<i32>(true, x, out, outer, n, inner);
}

export function argMinInt(x: usize, out: usize, outer: i32, n: i32, inner: i32): void {
  argReduce<i32>(false, x, out, outer, n, inner);
}

/** out[i, c] = are all (any ≠ 0: is any) of x[i, ·, c] true? One byte each. */
export function allBool(x: usize, out: usize, outer: i32, n: i32, inner: i32, any: i32): void {
  for (let i = 0; i < outer; i++) {
    for (let c = 0; c < inner; c++) {
      let result: u8 = any != 0 ? 0 : 1;
      for (let j = 0; j < n; j++) {
        const value: u8 = load<u8>(x + <usize>(j * inner + c)) != 0 ? 1 : 0;
        result = any != 0 ? result | value : result & value;
      }
      store<u8>(out + <usize>c, result);
    }
    x += <usize>n * <usize>inner;
    out += <usize>inner;
  }
}
