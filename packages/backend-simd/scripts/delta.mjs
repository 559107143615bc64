// What turns one module into another, for src/apply-delta.ts: two builds of one source have long runs of bytes in common,
// so that the second costs a tenth of its size.
//
//   delta = ( count of new bytes, new bytes, how far the copy begins from where the last one ended, its length )*, count, new bytes
//
// Numbers are little-endian base 128; distances are zigzag (0, −1, 1, −2, … as 0, 1, 2, 3, …).

/** Runs shorter than this are not worth a jump. */
const SEED = 8;
/** Nor worth naming without one. */
const SHORTEST = 4;
/** Occurrences of a seed that are tried. */
const TRIES = 64;

/** What makes `to` from `from`. */
export function deltaOf(from, to) {
  const seedAt = (bytes, i) => Buffer.from(bytes.buffer, bytes.byteOffset + i, SEED).toString('latin1');
  const places = new Map();
  for (let i = 0; i + SEED <= from.length; i++) {
    const seed = seedAt(from, i);
    const list = places.get(seed);
    if (!list) places.set(seed, [i]);
    else if (list.length < TRIES) list.push(i);
  }
  const out = [];
  const number = (value) => {
    for (; value > 127; value >>>= 7) out.push((value & 127) | 128);
    out.push(value);
  };
  const runAt = (p, i) => {
    let n = 0;
    while (p + n < from.length && i + n < to.length && from[p + n] === to[i + n]) n++;
    return n;
  };
  let end = 0; // of the last copy, in `from`
  let fresh = 0; // first byte of `to` that is not written yet
  const writeFresh = (until) => {
    number(until - fresh);
    for (; fresh < until; fresh++) out.push(to[fresh]);
  };
  for (let i = 0; i < to.length; ) {
    let [best, length] = [0, 0];
    // Where the last copy ended, and as far on as there are new bytes: no jump, and bytes exchanged one for one.
    for (const p of [end, end + i - fresh]) {
      const n = runAt(p, i);
      if (n >= SHORTEST && n >= length) [best, length] = [p, n];
    }
    if (i + SEED <= to.length) {
      for (const p of places.get(seedAt(to, i)) ?? []) {
        const n = runAt(p, i);
        if (n > length + 3) [best, length] = [p, n];
      }
    }
    if (length === 0) {
      i++;
      continue;
    }
    writeFresh(i);
    const distance = best - end;
    number(distance < 0 ? -2 * distance - 1 : 2 * distance);
    number(length);
    i += length;
    fresh = i;
    end = best + length;
  }
  writeFresh(to.length);
  return Uint8Array.from(out);
}
