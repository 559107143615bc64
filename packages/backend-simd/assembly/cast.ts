// Conversions between float32, int32 and bool (one byte).

/** Truncates; NaN and ±∞ give 0; beyond 2³¹ modulo 2³², as JavaScript's Int32Array does. */
@inline
function truncate(x: f32): i32 {
  const magnitude = abs<f32>(x);
  if (magnitude < 2147483648) return <i32>x;
  if (magnitude < 9.2e18) return <i32>(<i64>x);
  return 0;
}

export function castFloatToInt(x: usize, out: usize, n: i32): void {
  const end = x + (<usize>n << 2);
  const limit = f32x4.splat(2147483648);
  while (x + 16 <= end) {
    const v = v128.load(x);
    if (v128.any_true(f32x4.ge(f32x4.abs(v), limit))) {
      for (let k: usize = 0; k < 16; k += 4) store<i32>(out + k, truncate(load<f32>(x + k)));
    } else {
      v128.store(out, i32x4.trunc_sat_f32x4_s(v));
    }
    x += 16;
    out += 16;
  }
  while (x < end) {
    store<i32>(out, truncate(load<f32>(x)));
    x += 4;
    out += 4;
  }
}

export function castIntToFloat(x: usize, out: usize, n: i32): void {
  const end = x + (<usize>n << 2);
  while (x + 16 <= end) {
    v128.store(out, f32x4.convert_i32x4_s(v128.load(x)));
    x += 16;
    out += 16;
  }
  while (x < end) {
    store<f32>(out, <f32>load<i32>(x));
    x += 4;
    out += 4;
  }
}

export function castBoolToInt(x: usize, out: usize, n: i32): void {
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    v128.store(out, i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(x))));
    x += 4;
    out += 16;
  }
  for (; i < n; i++) {
    store<i32>(out, <i32>load<u8>(x));
    x += 1;
    out += 4;
  }
}

export function castBoolToFloat(x: usize, out: usize, n: i32): void {
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    v128.store(out, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(x)))));
    x += 4;
    out += 16;
  }
  for (; i < n; i++) {
    store<f32>(out, <f32>load<u8>(x));
    x += 1;
    out += 4;
  }
}

/** 1 where x ≠ 0 (so also where x is NaN). */
export function castFloatToBool(x: usize, out: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    store<u8>(out, load<f32>(x) != 0 ? 1 : 0);
    x += 4;
    out += 1;
  }
}

export function castIntToBool(x: usize, out: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    store<u8>(out, load<i32>(x) != 0 ? 1 : 0);
    x += 4;
    out += 1;
  }
}
