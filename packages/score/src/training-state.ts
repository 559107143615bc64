/**
 * Where a training run stood, as `train` writes it into a checkpoint and reads it back to go on.
 */
import { DomainError } from '@diff/core';
import { broken, floats, gathered, hasAverage, isFields, opened, parsed } from './checkpoint-format.ts';
import type { Network } from './network.ts';

/** Where a training run stood; rows hold all weights in the order of the network's variables. */
export interface TrainingState {
  readonly step: number;
  /** JSON of the options that decide the course of the run. */
  readonly settings: string;
  readonly history: {
    readonly training: readonly { readonly step: number; readonly loss: number }[];
    readonly validation: readonly { readonly step: number; readonly loss: number }[];
  };
  readonly parameters: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
  readonly average?: Float32Array;
}

function isCurve(value: unknown): value is { step: number; loss: number }[] {
  return (
    Array.isArray(value) &&
    value.every((p) => isFields(p) && typeof p.step === 'number' && typeof p.loss === 'number')
  );
}

/**
 * Where a run stood, for `train` to go on from.
 *
 * @throws FormatError for bytes that are no checkpoint of a run of this network; DomainError when the run's options
 *   were others.
 */
export function loadTrainingState(bytes: Uint8Array, network: Network, settings: string): TrainingState {
  const file = opened(bytes);
  const { step, settings: before, history } = parsed(file.metadata, 'diff.training');
  if (typeof step !== 'number' || !Number.isSafeInteger(step) || step < 0 || typeof before !== 'string') {
    throw broken("'diff.training' must tell the step and the settings", { step, settings: before });
  }
  if (!isFields(history) || !isCurve(history.training) || !isCurve(history.validation)) {
    throw broken("'diff.training' must hold loss curves", history);
  }
  if (before !== settings) {
    throw new DomainError(
      `train: a resumed run must have the options of the checkpoint, ${before}, got ${settings}. Pass those, or start a new run from the weights that loadCheckpoint gives.`,
    );
  }
  const parameters = gathered(file, 'weights', network);
  return {
    step,
    settings,
    history: { training: history.training, validation: history.validation },
    parameters,
    first: floats(file, 'adam.first', [parameters.length]),
    second: floats(file, 'adam.second', [parameters.length]),
    ...(hasAverage(file) ? { average: gathered(file, 'average', network) } : {}),
  };
}
