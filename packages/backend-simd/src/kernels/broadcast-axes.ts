import { size, strides } from '../numeric.ts';

/** One axis of a broadcast: its size, and how many elements each operand moves per step (0: it is repeated). */
export interface BroadcastAxis {
  readonly size: number;
  readonly a: number;
  readonly b: number;
}

function steps(shape: readonly number[], out: readonly number[]): number[] {
  const missing = out.length - shape.length;
  const own = strides(shape);
  return out.map((_, axis) => (axis < missing || shape[axis - missing] === 1 ? 0 : own[axis - missing]!));
}

/**
 * The fewest axes, innermost first, over which two tensors broadcast to `out`: axes of size 1 are left out, and
 * neighbours become one axis where both operands go through them without a gap (or both stay).
 *
 * Same shapes give one axis (n, 1, 1); [n, d] with [d] gives (d, 1, 1), (n, d, 0); [n, d] with [n, 1] gives
 * (d, 1, 0), (n, d, 1). On the first axis each operand moves 0 or 1; scalars give no axes.
 */
export function broadcastAxes(
  a: readonly number[],
  b: readonly number[],
  out: readonly number[],
): BroadcastAxis[] {
  if (a.length === b.length && a.every((n, axis) => n === b[axis])) return [{ size: size(a), a: 1, b: 1 }];
  const stepsA = steps(a, out);
  const stepsB = steps(b, out);
  return mergedAxes(out.map((n, axis) => ({ size: n, a: stepsA[axis]!, b: stepsB[axis]! })).reverse());
}

/** The fewest axes that do the same, innermost first. */
export function mergedAxes(all: readonly BroadcastAxis[]): BroadcastAxis[] {
  const axes: BroadcastAxis[] = [];
  for (const next of all) {
    if (next.size === 1) continue;
    const inner = axes.at(-1);
    if (inner && next.a === inner.a * inner.size && next.b === inner.b * inner.size) {
      axes[axes.length - 1] = { size: next.size * inner.size, a: inner.a, b: inner.b };
    } else {
      axes.push(next);
    }
  }
  return axes;
}
