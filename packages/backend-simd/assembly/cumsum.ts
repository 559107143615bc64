// Running sums and products along the middle of [outer, n, inner], in float64; in place of x_j that of all up to it
// (exclusive: before it), from the end if reverse.

@inline
function cumulate(
  product: bool, x: usize, out: usize, outer: i32, n: i32, inner: i32, exclusive: i32, reverse: i32,
): void {
  const row = <usize>inner << 2;
  const step: usize = reverse != 0 ? ~row + 1 : row;
  const first: usize = reverse != 0 && n > 0 ? <usize>(n - 1) * row : 0;
  for (let i = 0; i < outer; i++) {
    for (let c = 0; c < inner; c++) {
      let whole: f64 = product ? 1 : 0;
      let p = first + (<usize>c << 2);
      for (let j = 0; j < n; j++) {
        const value = <f64>load<f32>(x + p);
        const next = product ? whole * value : whole + value;
        store<f32>(out + p, <f32>(exclusive != 0 ? whole : next));
        whole = next;
        p += step;
      }
    }
    x += row * <usize>n;
    out += row * <usize>n;
  }
}

export function cumsum(x: usize, out: usize, outer: i32, n: i32, inner: i32, exclusive: i32, reverse: i32): void {
  cumulate(false, x, out, outer, n, inner, exclusive, reverse);
}

export function cumprod(x: usize, out: usize, outer: i32, n: i32, inner: i32, exclusive: i32, reverse: i32): void {
  cumulate(true, x, out, outer, n, inner, exclusive, reverse);
}
