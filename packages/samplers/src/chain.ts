/**
 * What the Markov chains on one density share (`langevin`, `underdampedLangevin`, `mala`): checks of the options, the
 * loop with its keys, progress and cancellation, the watch over the numbers, and the preconditioner.
 *
 * A diagonal preconditioner D > 0 is a change of coordinates: with x = √D y the chain runs on y, whose score is
 * √D score(x) and whose density is that of x up to a constant. So every chain is written for D = 1. On N(0, D), D makes
 * all coordinates equally wide, and one step size fits all of them.
 */
import {
  createPacer,
  DomainError,
  fold,
  type Key,
  normal,
  requireInteger,
  requireKey,
  ShapeError,
  shown,
} from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { checkRows } from './check-run.ts';
import { createFiniteWatch } from './finite-watch.ts';

/** Where a chain is. */
export interface ChainReport {
  readonly step: number;
  readonly steps: number;
  /** [n, …event]; gone after the call. */
  readonly x: tf.Tensor;
}

export interface ChainOptions<Report extends ChainReport = ChainReport> {
  /** ∇ log p at x [n, …event], of x's shape; a new tensor. For a model at time t: `(x) => model.score(x, t)`. */
  readonly score: (x: tf.Tensor) => tf.Tensor | Promise<tf.Tensor>;
  readonly steps: number;
  /** [n, …event]. */
  readonly shape: readonly number[];
  readonly key: Key;
  /** Where the chains start; default standard normal. Stays the caller's. */
  readonly initial?: tf.Tensor | undefined;
  /** D > 0 [event], the squared widths of the coordinates; default 1. Stays the caller's. */
  readonly preconditioner?: tf.Tensor | undefined;
  readonly firstRow?: number | undefined;
  /** Called after every step. */
  readonly onStep?: ((report: Report) => void | Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a chain may use in one step. */
interface Link {
  readonly key: Key;
  readonly firstRow: number;
  /** The score in the chain's coordinates, checked; owned by the caller. */
  score(y: tf.Tensor): Promise<tf.Tensor>;
  /** A function of x at y, [n], checked where it is not −∞ (or everywhere, if `finite`); owned by the caller. */
  rows(name: string, of: RowFunction, y: tf.Tensor, finite: boolean): Promise<tf.Tensor>;
}

export type RowFunction = (x: tf.Tensor) => tf.Tensor | Promise<tf.Tensor>;

/** Moves y to a new tensor, and adds to the report. */
type Advance<Extra extends object> = (
  y: tf.Tensor,
  link: Link,
) => Promise<{ readonly y: tf.Tensor; readonly extra: Extra }>;

async function squareRoots(where: string, { preconditioner: d, shape }: ChainOptions<never>) {
  if (d === undefined) return undefined;
  if (!(d instanceof tf.Tensor) || !tf.util.arraysEqual(d.shape, shape.slice(1))) {
    throw new ShapeError(
      `${where}: preconditioner must be a tensor of the shape of one row, [${shape.slice(1).join(', ')}], got ${shown(d)}. Pass one number for each coordinate.`,
    );
  }
  const bad = (await d.data()).find((v) => !(v > 0 && Number.isFinite(v)));
  if (bad !== undefined) {
    throw new DomainError(
      `${where}: preconditioner must be positive and finite, got ${bad}. Pass for example the variances of the coordinates.`,
    );
  }
  return tf.sqrt(d);
}

/** Runs a chain; returns its last x. `hint` ends the message about numbers that are not finite. */
export async function runChain<Extra extends object>(
  where: string,
  options: ChainOptions<ChainReport & Extra>,
  hint: string,
  advance: Advance<Extra>,
): Promise<tf.Tensor> {
  const { score, steps, shape, key, initial, firstRow = 0, onStep, signal } = options;
  if (typeof score !== 'function') {
    throw new DomainError(
      `${where}: score must be a function of x, got ${shown(score)}. For a model pass (x) => model.score(x, t).`,
    );
  }
  requireInteger(where, 'steps', steps, 1);
  checkRows(where, shape);
  requireKey(where, key);
  requireInteger(where, 'firstRow', firstRow);
  if (initial && !tf.util.arraysEqual(initial.shape, [...shape])) {
    throw new ShapeError(
      `${where}: initial must have the shape of the run, [${shape.join(', ')}], got ${shown(initial)}. Make the two agree.`,
    );
  }
  const root = await squareRoots(where, options);
  const pacer = createPacer({ signal });
  const watch = createFiniteWatch();
  const position = (y: tf.Tensor): tf.Tensor => (root ? tf.mul(y, root) : tf.clone(y));

  function link(step: number): Link {
    const finite = (name: string, value: tf.Tensor): void =>
      watch.add(
        value,
        (sum) => `${where}: ${name} must be finite, got a sum of ${sum} in step ${step} of ${steps}. ${hint}`,
      );
    return {
      key: fold(key, step),
      firstRow,
      async score(y) {
        const x = position(y);
        try {
          const value = await score(x);
          if (!Array.isArray(value?.shape) || !tf.util.arraysEqual(value.shape, x.shape)) {
            tf.dispose(value);
            throw new ShapeError(
              `${where}: score must return a tensor of shape [${x.shape.join(', ')}], got ${shown(value)}. Mend the function.`,
            );
          }
          finite('score', value);
          const own = root ? tf.mul(value, root) : tf.clone(value);
          if (value !== x) value.dispose();
          return own;
        } finally {
          x.dispose();
        }
      },
      async rows(name, of, y, everywhere) {
        const x = position(y);
        try {
          const value = await of(x);
          if (value?.shape?.length !== 1 || value.shape[0] !== x.shape[0]) {
            tf.dispose(value);
            throw new ShapeError(
              `${where}: ${name} must return a tensor of shape [${x.shape[0]}], got ${shown(value)}. Return one number for each row.`,
            );
          }
          const watched = everywhere
            ? tf.clone(value)
            : tf.tidy(() => tf.where(tf.less(value, -1e30), tf.zerosLike(value), value));
          finite(name, watched);
          watched.dispose();
          return value;
        } finally {
          x.dispose();
        }
      },
    };
  }

  let y: tf.Tensor | undefined;
  let finished = false;
  try {
    y = tf.tidy(() => {
      const x = initial ?? normal(fold(key, 0), shape, { firstRow });
      return root ? tf.div(x, root) : tf.clone(x);
    });
    for (let step = 1; step <= steps; step++) {
      await pacer.turn();
      const moved = await advance(y, link(step));
      y.dispose();
      y = moved.y;
      await watch.check();
      if (!onStep) continue;
      const x = position(y);
      try {
        await onStep({ step, steps, x, ...moved.extra });
      } finally {
        x.dispose();
      }
    }
    await watch.settle();
    finished = true;
    return root ? position(y) : y;
  } finally {
    if (!finished || root) y?.dispose();
    root?.dispose();
    await watch.close();
  }
}
