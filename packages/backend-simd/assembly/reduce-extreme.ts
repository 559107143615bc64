// Greatest and least element of float32 over the middle of [outer, n, inner]; NaN if there is one. Nothing to reduce gives
// −∞ and +∞. f32x4.max is several instructions because of NaN; pmax is one, and lets NaN pass by, so NaN is looked for
// beside it.

@inline
function extreme4(greatest: bool, a: v128, b: v128): v128 {
  return greatest ? f32x4.pmax(a, b) : f32x4.pmin(a, b);
}

@inline
function extreme1(greatest: bool, a: f32, b: f32): f32 {
  return greatest ? max<f32>(a, b) : min<f32>(a, b);
}

@inline
function extremeRows(greatest: bool, x: usize, out: usize, outer: i32, n: i32): void {
  const none: f32 = greatest ? -f32.POSITIVE_INFINITY : f32.POSITIVE_INFINITY;
  const n16 = n & ~15;
  for (let i = 0; i < outer; i++) {
    let a = f32x4.splat(none);
    let b = a;
    let c = a;
    let d = a;
    let nan = f32x4.splat(0);
    let j = 0;
    for (; j < n16; j += 16) {
      const p = v128.load(x);
      const q = v128.load(x, 16);
      const r = v128.load(x, 32);
      const s = v128.load(x, 48);
      a = extreme4(greatest, a, p);
      b = extreme4(greatest, b, q);
      c = extreme4(greatest, c, r);
      d = extreme4(greatest, d, s);
      nan = v128.or(nan, v128.or(eitherNaN(p, q), eitherNaN(r, s)));
      x += 64;
    }
    a = extreme4(greatest, extreme4(greatest, a, b), extreme4(greatest, c, d));
    a = extreme4(greatest, a, v128.shuffle<i64>(a, a, 1, 0));
    let m = extreme1(greatest, f32x4.extract_lane(a, 0), f32x4.extract_lane(a, 1));
    for (; j < n; j++) {
      m = extreme1(greatest, m, load<f32>(x));
      x += 4;
    }
    store<f32>(out, v128.any_true(nan) ? f32.NaN : m);
    out += 4;
  }
}

@inline
function eitherNaN(p: v128, q: v128): v128 {
  return v128.or(f32x4.ne(p, p), f32x4.ne(q, q));
}

@inline
function extremeColumns(greatest: bool, x: usize, out: usize, outer: i32, n: i32, inner: i32): void {
  const none: f32 = greatest ? -f32.POSITIVE_INFINITY : f32.POSITIVE_INFINITY;
  const row = <usize>inner << 2;
  for (let i = 0; i < outer; i++) {
    let c = 0;
    for (; c + 8 <= inner; c += 8) {
      let a = f32x4.splat(none);
      let b = a;
      let nanA = f32x4.splat(0);
      let nanB = nanA;
      let p = x + (<usize>c << 2);
      for (let j = 0; j < n; j++) {
        const u = v128.load(p);
        const v = v128.load(p, 16);
        a = extreme4(greatest, a, u);
        b = extreme4(greatest, b, v);
        nanA = v128.or(nanA, f32x4.ne(u, u));
        nanB = v128.or(nanB, f32x4.ne(v, v));
        p += row;
      }
      // All bits set is a NaN.
      v128.store(out + (<usize>c << 2), v128.or(a, nanA));
      v128.store(out + (<usize>c << 2), v128.or(b, nanB), 16);
    }
    for (; c < inner; c++) {
      let m = none;
      let p = x + (<usize>c << 2);
      for (let j = 0; j < n; j++) {
        m = extreme1(greatest, m, load<f32>(p));
        p += row;
      }
      store<f32>(out + (<usize>c << 2), m);
    }
    x += row * <usize>n;
    out += row;
  }
}

/** out[i, c] = max_j x[i, j, c]. */
export function maxReduce(x: usize, out: usize, outer: i32, n: i32, inner: i32): void {
  if (inner == 1) extremeRows(true, x, out, outer, n);
  else extremeColumns(true, x, out, outer, n, inner);
}

/** out[i, c] = min_j x[i, j, c]. */
export function minReduce(x: usize, out: usize, outer: i32, n: i32, inner: i32): void {
  if (inner == 1) extremeRows(false, x, out, outer, n);
  else extremeColumns(false, x, out, outer, n, inner);
}

/** out[i, c] = Π_j x[i, j, c], in float64. */
export function prodReduce(x: usize, out: usize, outer: i32, n: i32, inner: i32): void {
  const row = <usize>inner << 2;
  for (let i = 0; i < outer; i++) {
    for (let c = 0; c < inner; c++) {
      let product: f64 = 1;
      let p = x + (<usize>c << 2);
      for (let j = 0; j < n; j++) {
        product *= <f64>load<f32>(p);
        p += row;
      }
      store<f32>(out + (<usize>c << 2), <f32>product);
    }
    x += row * <usize>n;
    out += row;
  }
}
