// Eight rows side by side: a panel holds column j of eight rows as 32 bytes at 32·j, so that kernels work on eight
// points at once, each in a lane of its own. A row's numbers never meet those of another row.

/** Points of a panel. */
export const LANES: i32 = 8;

@inline
function transpose4(from: usize, fromStep: usize, to: usize, toStep: usize): void {
  const x0 = v128.load(from);
  const x1 = v128.load(from + fromStep);
  const x2 = v128.load(from + 2 * fromStep);
  const x3 = v128.load(from + 3 * fromStep);
  const a = v128.shuffle<i32>(x0, x1, 0, 4, 1, 5);
  const b = v128.shuffle<i32>(x0, x1, 2, 6, 3, 7);
  const c = v128.shuffle<i32>(x2, x3, 0, 4, 1, 5);
  const d = v128.shuffle<i32>(x2, x3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i64>(a, c, 0, 2));
  v128.store(to + toStep, v128.shuffle<i64>(a, c, 1, 3));
  v128.store(to + 2 * toStep, v128.shuffle<i64>(b, d, 0, 2));
  v128.store(to + 3 * toStep, v128.shuffle<i64>(b, d, 1, 3));
}

/** Eight dense rows of d elements → panel. */
export function packPanel(rows: usize, d: i32, panel: usize): void {
  const rowBytes = <usize>d << 2;
  if (d === 2) {
    for (let half: usize = 0; half < 2; half++) {
      const a = v128.load(rows + (half << 5));
      const b = v128.load(rows + (half << 5), 16);
      v128.store(panel + (half << 4), v128.shuffle<i32>(a, b, 0, 2, 4, 6));
      v128.store(panel + (half << 4), v128.shuffle<i32>(a, b, 1, 3, 5, 7), 32);
    }
    return;
  }
  const whole = d & ~3;
  for (let j = 0; j < whole; j += 4) {
    const from = rows + (<usize>j << 2);
    const to = panel + (<usize>j << 5);
    transpose4(from, rowBytes, to, 32);
    transpose4(from + 4 * rowBytes, rowBytes, to + 16, 32);
  }
  for (let j = whole; j < d; j++) {
    for (let row: usize = 0; row < 8; row++) {
      store<f32>(panel + (<usize>j << 5) + (row << 2), load<f32>(rows + row * rowBytes + (<usize>j << 2)));
    }
  }
}

/** Panel → eight dense rows of d elements. */
export function unpackPanel(panel: usize, d: i32, rows: usize): void {
  const rowBytes = <usize>d << 2;
  if (d === 2) {
    for (let half: usize = 0; half < 2; half++) {
      const a = v128.load(panel + (half << 4));
      const b = v128.load(panel + (half << 4), 32);
      v128.store(rows + (half << 5), v128.shuffle<i32>(a, b, 0, 4, 1, 5));
      v128.store(rows + (half << 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7), 16);
    }
    return;
  }
  const whole = d & ~3;
  for (let j = 0; j < whole; j += 4) {
    const from = panel + (<usize>j << 5);
    const to = rows + (<usize>j << 2);
    transpose4(from, 32, to, rowBytes);
    transpose4(from + 16, 32, to + 4 * rowBytes, rowBytes);
  }
  for (let j = whole; j < d; j++) {
    for (let row: usize = 0; row < 8; row++) {
      store<f32>(rows + row * rowBytes + (<usize>j << 2), load<f32>(panel + (<usize>j << 5) + (row << 2)));
    }
  }
}

/**
 * Packs `count` ≤ 8 rows; the missing ones are copies of the first, so that nothing strange is computed for them.
 *
 * @param staging 32·d bytes
 */
export function packRows(rows: usize, count: i32, d: i32, panel: usize, staging: usize): void {
  if (count === LANES) return packPanel(rows, d, panel);
  const rowBytes = <usize>d << 2;
  for (let row = 0; row < LANES; row++) {
    memory.copy(staging + <usize>row * rowBytes, row < count ? rows + <usize>row * rowBytes : rows, rowBytes);
  }
  packPanel(staging, d, panel);
}

/** Unpacks the first `count` ≤ 8 rows. @param staging 32·d bytes */
export function unpackRows(panel: usize, count: i32, d: i32, rows: usize, staging: usize): void {
  if (count === LANES) return unpackPanel(panel, d, rows);
  unpackPanel(panel, d, staging);
  memory.copy(rows, staging, <usize>(count * d) << 2);
}
