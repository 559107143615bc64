/**
 * Optimal transport on the line. For sorted atoms with weights the optimal plan for every cost |x − y|^p, p ≥ 1, is
 * the monotone one, which couples equal quantiles:
 *
 *   W_p^p = ∫₀¹ |F⁻¹(q) − G⁻¹(q)|^p dq        (Santambrogio, Optimal Transport for Applied Mathematicians, Prop. 2.17)
 *
 * a sum over at most n + m pieces. Weights need not be normalised; whole numbers (counts) are coupled exactly.
 */

/**
 * @param x ascending, with weights wx ≥ 0; @param y likewise. Each has positive total weight.
 * @returns W_p^p.
 */
export function quantileCoupling(
  x: ArrayLike<number>,
  wx: ArrayLike<number>,
  y: ArrayLike<number>,
  wy: ArrayLike<number>,
  p: number,
): number {
  const totalX = sum(wx);
  const totalY = sum(wy);
  let i = -1;
  let j = -1;
  let leftX = 0;
  let leftY = 0;
  let cost = 0;
  for (;;) {
    // In units of 1/(totalX·totalY), so that counts stay whole numbers.
    while (leftX <= 0 && ++i < x.length) leftX = wx[i]! * totalY;
    while (leftY <= 0 && ++j < y.length) leftY = wy[j]! * totalX;
    if (i >= x.length || j >= y.length) return cost / (totalX * totalY);
    const mass = Math.min(leftX, leftY);
    const gap = Math.abs(x[i]! - y[j]!);
    cost += mass * (p === 1 ? gap : p === 2 ? gap * gap : gap ** p);
    leftX -= mass;
    leftY -= mass;
  }
}

function sum(w: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < w.length; i++) total += w[i]!;
  return total;
}

/** The places of `values` in ascending order. */
export function ascendingOrder(values: Float32Array): Uint32Array {
  return Uint32Array.from(values.keys()).sort((a, b) => values[a]! - values[b]!);
}

/** values[order[0]], values[order[1]], … */
export function inOrder(values: ArrayLike<number>, order: Uint32Array): Float64Array {
  return Float64Array.from(order, (i) => values[i]!);
}
