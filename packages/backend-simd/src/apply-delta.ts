/**
 * Makes one module from another and what differs (written by scripts/delta.mjs):
 *
 *   delta = ( count of new bytes, new bytes, how far the copy begins from where the last one ended, its length )*, count, new bytes
 *
 * Numbers are little-endian base 128; distances are zigzag (0, −1, 1, −2, … as 0, 1, 2, 3, …).
 */
export function applyDelta(from: Uint8Array, delta: Uint8Array): Uint8Array<ArrayBuffer> {
  const out: number[] = [];
  let at = 0;
  let end = 0;
  const number = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = delta[at++]!;
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  for (;;) {
    for (let fresh = number(); fresh > 0; fresh--) out.push(delta[at++]!);
    if (at >= delta.length) return Uint8Array.from(out);
    const distance = number();
    end += distance & 1 ? -((distance + 1) >> 1) : distance >> 1;
    for (let length = number(); length > 0; length--) out.push(from[end++]!);
  }
}
