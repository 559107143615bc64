// out[i, j] = condition[i] ≠ 0 ? a[i, j] : b[i, j], 32-bit elements; rowLength 1 is the elementwise case.

export function select32(condition: usize, a: usize, b: usize, out: usize, n: i32, rowLength: i32): void {
  if (rowLength != 1) {
    const bytes = <usize>rowLength << 2;
    for (let i = 0; i < n; i++) {
      const offset = <usize>i * bytes;
      memory.copy(out + offset, (load<u8>(condition + <usize>i) != 0 ? a : b) + offset, bytes);
    }
    return;
  }
  let i = 0;
  const zero = i32x4.splat(0);
  for (; i + 4 <= n; i += 4) {
    const c = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(condition)));
    v128.store(out, v128.bitselect(v128.load(a), v128.load(b), i32x4.ne(c, zero)));
    condition += 4;
    a += 16;
    b += 16;
    out += 16;
  }
  for (; i < n; i++) {
    store<i32>(out, load<u8>(condition) != 0 ? load<i32>(a) : load<i32>(b));
    condition += 1;
    a += 4;
    b += 4;
    out += 4;
  }
}
