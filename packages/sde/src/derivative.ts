/**
 * Derivative of a smooth float64 function on [low, high], by polynomial extrapolation of central differences to
 * step 0 (Ridders, "Accurate computation of F′(x) and F′(x)F″(x)", Adv. Eng. Software 4, 1982); one-sided
 * differences where the interval ends. Relative error about 1e-11 for analytic functions of scale `high − low`.
 */

const SHRINK = 1.6;
const LEVELS = 14;

/** Extrapolates `quotient(h)` to h = 0 in powers of h^order, returning the entry with the least change. */
function extrapolate(
  quotient: (h: number) => number,
  first: number,
  order: 1 | 2,
): { value: number; error: number } {
  let previous: number[] = [];
  let best = { value: Number.NaN, error: Number.POSITIVE_INFINITY };
  let h = first;
  for (let level = 0; level < LEVELS; level++, h /= SHRINK) {
    const row = [quotient(h)];
    for (let j = 1; j <= level; j++) {
      const factor = SHRINK ** (order * j);
      const value = (row[j - 1]! * factor - previous[j - 1]!) / (factor - 1);
      row.push(value);
      const error = Math.max(Math.abs(value - row[j - 1]!), Math.abs(value - previous[j - 1]!));
      if (error <= best.error) best = { value, error };
    }
    const drift = level > 0 ? Math.abs(row[level]! - previous[level - 1]!) : 0;
    if (level > 0 && drift >= 10 * best.error) break;
    previous = row;
  }
  return best;
}

/** f′(t) for low ≤ t ≤ high; f is evaluated inside [low, high] only. */
export function derivative(f: (t: number) => number, t: number, low: number, high: number): number {
  const span = high - low;
  const room = Math.min(t - low, high - t);
  const oneSided = (): { value: number; error: number } => {
    const sign = t - low < high - t ? 1 : -1;
    return extrapolate((h) => (f(t + sign * h) - f(t)) / (sign * h), 0.05 * span, 1);
  };
  const candidates: { value: number; error: number }[] = [];
  if (room > 0) {
    for (const share of [1, 1 / 8, 1 / 64]) {
      const first = Math.min(room, 0.1 * span) * share;
      candidates.push(extrapolate((h) => (f(t + h) - f(t - h)) / (2 * h), first, 2));
    }
  }
  if (room < 0.02 * span) candidates.push(oneSided());
  return candidates.reduce((a, b) => (b.error < a.error ? b : a)).value;
}
