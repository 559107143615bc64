/** Distance between neighbouring float32 numbers at y. */
export function ulp(y: number): number {
  return 2 ** (Math.max(Math.floor(Math.log2(Math.abs(y))), -126) - 23);
}

const EDGES = [
  ...[
    Number.NaN,
    Infinity,
    -Infinity,
    0,
    -0,
    2 ** -149,
    -(2 ** -149),
    2 ** -126,
    -(2 ** -126),
    1e-40,
    -1e-40,
  ],
  ...[1, -1, 0.5, -0.5, 87.3, -87.3, 88.72, -104, (2 - 2 ** -23) * 2 ** 127, -((2 - 2 ** -23) * 2 ** 127)],
];

/** Numbers over all exponents and signs, subnormals too, then evenly between −`span` and `span`, and the edges. */
export function sweep(x: Float32Array<ArrayBuffer>, span = 20): void {
  const bits = new Uint32Array(x.buffer, x.byteOffset, x.length);
  const half = x.length / 2;
  for (let i = 0; i < half; i++) bits[i] = Math.floor((i / half) * 2 ** 32) + ((i * 7919) & 0x1fff);
  for (let i = half; i < x.length; i++) x[i] = ((i - half) / half - 0.5) * 2 * span;
  x.set(EDGES, half - EDGES.length);
}
