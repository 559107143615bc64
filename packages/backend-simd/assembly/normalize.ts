/**
 * out[i] = (x[i] − mean[c]) factor[c] + offset[c], c = i mod period. Goes in steps of 16 bytes over whole vectors.
 *
 * @param table means, factors, offsets, `period` floats each, a multiple of 4
 */
export function normalize(x: usize, out: usize, n: i32, table: usize, period: i32): void {
  const bytes = <usize>period << 2;
  let c: usize = 0;
  for (const end = x + (<usize>n << 2); x < end; x += 16) {
    const at = table + c;
    const d = f32x4.sub(v128.load(x), v128.load(at));
    v128.store(out, f32x4.add(f32x4.mul(d, v128.load(at + bytes)), v128.load(at + 2 * bytes)));
    out += 16;
    c += 16;
    if (c == bytes) c = 0;
  }
}
