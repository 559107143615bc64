/** out[i] = a[i] + b[i]; out may be a. */
export function addFloats(a: usize, b: usize, out: usize, n: i32): void {
  const end = a + (<usize>n << 2);
  while (a + 16 <= end) {
    v128.store(out, f32x4.add(v128.load(a), v128.load(b)));
    a += 16;
    b += 16;
    out += 16;
  }
  while (a < end) {
    store<f32>(out, load<f32>(a) + load<f32>(b));
    a += 4;
    b += 4;
    out += 4;
  }
}
