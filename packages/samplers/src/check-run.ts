/**
 * Everything that can be known to be wrong with a run before its first evaluation.
 */
import { DomainError, requireInteger, requireKey, ShapeError, shown } from '@diff/core';
import { PREDICTION_KINDS } from '@diff/score';
import * as tf from '@tensorflow/tfjs-core';
import type { BrownianPath } from './brownian-tree.ts';
import type { SampleOptions } from './sample-options.ts';

/** Throws for whatever can be known to be wrong before the first evaluation. */
export function checkRun(where: string, options: SampleOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new DomainError(
      `${where}: options must be an object { model, sampler, grid, shape, key }, got ${shown(options)}. Pass the run's options.`,
    );
  }
  const { model, sampler, grid, shape, key, condition, firstRow = 0, initial, brownian } = options;
  const isModel =
    typeof model?.predict === 'function' &&
    typeof model.process?.alpha === 'function' &&
    PREDICTION_KINDS.includes(model.kind);
  if (!isModel) {
    throw new DomainError(
      `${where}: model must be a score model { process, kind, predict }, got ${shown(model)}. Make one with defineModel().`,
    );
  }
  if (typeof sampler?.step !== 'function') {
    throw new DomainError(
      `${where}: sampler must be a sampler, got ${shown(sampler)}. Make one with a factory, for example ddim().`,
    );
  }
  checkRows(where, shape, model.eventShape);
  checkTimes(where, grid, model.process.T);
  requireKey(where, key);
  requireInteger(where, 'firstRow', firstRow);
  if (brownian !== undefined) checkPath(where, brownian, grid);
  checkTensors(where, shape, initial, condition);
  checkListeners(where, options);
  sampler.check?.({ process: model.process, kind: model.kind, grid });
}

function checkTensors(
  where: string,
  shape: readonly number[],
  initial: tf.Tensor | undefined,
  condition: tf.Tensor | undefined,
): void {
  for (const [name, x] of [
    ['initial', initial],
    ['condition', condition],
  ] as const) {
    if (!x) continue;
    if (!(x instanceof tf.Tensor) || x.isDisposed) {
      const got = x instanceof tf.Tensor ? 'one that is disposed of' : shown(x);
      throw new ShapeError(`${where}: ${name} must be a tensor, got ${got}. Make one with tf.tensor().`);
    }
  }
  if (initial && !tf.util.arraysEqual(initial.shape, [...shape])) {
    throw new ShapeError(
      `${where}: initial must have the shape of the run, [${shape.join(', ')}], got ${shown(initial)}. Make the two agree.`,
    );
  }
  if (initial && initial.dtype !== 'float32') {
    throw new ShapeError(`${where}: initial must be of type float32, got ${initial.dtype}. Use tf.cast().`);
  }
  if (condition && condition.shape[0] !== shape[0]) {
    throw new ShapeError(
      `${where}: condition must have one entry for each of the ${shape[0]} rows, got ${shown(condition)}. Repeat or slice it.`,
    );
  }
}

function checkListeners(where: string, { onStep, signal }: Pick<SampleOptions, 'onStep' | 'signal'>): void {
  if (onStep !== undefined && typeof onStep !== 'function') {
    throw new DomainError(
      `${where}: onStep must be a function, got ${shown(onStep)}. Leave it out for none.`,
    );
  }
  if (signal !== undefined && typeof signal?.throwIfAborted !== 'function') {
    throw new DomainError(
      `${where}: signal must be an AbortSignal, got ${shown(signal)}. Pass the signal of an AbortController.`,
    );
  }
}

/** Throws unless `shape` is [n ≥ 1, …event] and fits the model's event shape. */
export function checkRows(where: string, shape: readonly number[], eventShape?: readonly number[]): void {
  const ok =
    Array.isArray(shape) && shape.length >= 2 && shape.every((s) => Number.isSafeInteger(s) && s >= 1);
  if (!ok) {
    throw new ShapeError(
      `${where}: shape must be the number of rows and then the shape of a row, positive integers, got ${shown(shape)}. Pass for example [1000, 2].`,
    );
  }
  if (eventShape && !tf.util.arraysEqual(shape.slice(1), [...eventShape])) {
    throw new ShapeError(
      `${where}: shape must be [n, ${eventShape.join(', ')}] for this model, got ${shown(shape)}. Use the model's event shape.`,
    );
  }
}

function checkTimes(where: string, grid: readonly number[], horizon: number): void {
  const hint = 'Make a grid with uniformGrid(), logSnrGrid() or another of @diff/sde.';
  if (!Array.isArray(grid) || grid.length < 2 || !grid.every((t) => Number.isFinite(t))) {
    throw new DomainError(
      `${where}: grid must be a list of at least two finite times, got ${shown(grid)}. ${hint}`,
    );
  }
  const at = grid.findIndex((t, i) => i > 0 && !(t < grid[i - 1]!));
  if (at > 0) {
    throw new DomainError(
      `${where}: grid must be strictly descending, got ${grid[at - 1]} followed by ${grid[at]} at index ${at}. ${hint}`,
    );
  }
  if (grid[0]! > horizon) {
    throw new DomainError(
      `${where}: grid must start within (0, T = ${horizon}], got ${grid[0]}. Start at T, or build the process with a longer horizon.`,
    );
  }
  if (grid.at(-1)! < 0) {
    throw new DomainError(
      `${where}: grid must end at a time of at least 0, got ${grid.at(-1)}. End it at 0 or a small positive time.`,
    );
  }
}

function checkPath(where: string, path: BrownianPath, grid: readonly number[]): void {
  const [start, end] = [grid[0]!, grid.at(-1)!];
  if (typeof path?.increment !== 'function' || !(path.from <= end && path.to >= start)) {
    throw new DomainError(
      `${where}: brownian must be a Brownian path over [${end}, ${start}], got ${typeof path?.increment === 'function' ? `one over [${path.from}, ${path.to}]` : shown(path)}. Make it with brownianTree({ key, from: ${end}, to: ${start} }).`,
    );
  }
  const shortest = Math.min(...grid.slice(1).map((r, i) => grid[i]! - r));
  // Times that are off by rounding still lie in intervals of their own.
  if (path.tolerance > shortest * (1 + 1e-9)) {
    throw new DomainError(
      `${where}: the path's tolerance must be at most the shortest step of the grid, ${shortest}, got ${path.tolerance}. Make the tree with a smaller tolerance.`,
    );
  }
}
