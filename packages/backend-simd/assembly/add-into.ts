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

/** out[i] = a[i]·b[i], plus c[i] unless c is 0, each operation rounded; out may be any of them. */
export function multiplyAddFloats(a: usize, b: usize, c: usize, out: usize, n: i32): void {
  const end = a + (<usize>n << 2);
  while (a + 16 <= end) {
    let v = f32x4.mul(v128.load(a), v128.load(b));
    if (c) {
      v = f32x4.add(v, v128.load(c));
      c += 16;
    }
    v128.store(out, v);
    a += 16;
    b += 16;
    out += 16;
  }
  while (a < end) {
    let v = load<f32>(a) * load<f32>(b);
    if (c) {
      v += load<f32>(c);
      c += 4;
    }
    store<f32>(out, v);
    a += 4;
    b += 4;
    out += 4;
  }
}
