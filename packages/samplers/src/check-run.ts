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
  if (initial && !tf.util.arraysEqual(initial.shape, [...shape])) {
    throw new ShapeError(
      `${where}: initial must have the shape of the run, [${shape.join(', ')}], got ${shown(initial)}. Make the two agree.`,
    );
  }
  if (condition && condition.shape[0] !== shape[0]) {
    throw new ShapeError(
      `${where}: condition must have one entry for each of the ${shape[0]} rows, got ${shown(condition)}. Repeat or slice it.`,
    );
  }
  sampler.check?.({ process: model.process, kind: model.kind, grid });
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
