// out[i] = value, for 32-bit words (floats pass their bits).

export function fill32(out: usize, n: i32, bits: i32): void {
  const end = out + (<usize>n << 2);
  const v = i32x4.splat(bits);
  while (out + 64 <= end) {
    v128.store(out, v);
    v128.store(out, v, 16);
    v128.store(out, v, 32);
    v128.store(out, v, 48);
    out += 64;
  }
  while (out < end) {
    store<i32>(out, bits);
    out += 4;
  }
}
