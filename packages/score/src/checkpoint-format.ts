/**
 * The layout of a checkpoint file: its names, and reading them without trust.
 */
import { FormatError, shown } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Network } from './network.ts';
import { readSafetensors, type Safetensors } from './safetensors.ts';

export const FORMAT = '@diff/score checkpoint 1';
const FIX = 'Write it again with saveCheckpoint, or pass the file that it wrote.';

/** @param got shown as it is written in a message. */
export function broken(requirement: string, got: unknown, fix: string = FIX): FormatError {
  return new FormatError(`loadCheckpoint: ${requirement}, got ${shown(got)}. ${fix}`);
}

export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The JSON object in an entry of the metadata. */
export function parsed(metadata: Readonly<Record<string, string>>, name: string): Fields {
  const text = Object.hasOwn(metadata, name) ? metadata[name] : undefined;
  if (text === undefined) throw broken(`the metadata must have an entry '${name}'`, 'none');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw broken(`the metadata entry '${name}' must be JSON`, text);
  }
  if (!isFields(value)) throw broken(`the metadata entry '${name}' must be an object`, value);
  return value;
}

/** The file, if it is a checkpoint. */
export function opened(bytes: Uint8Array): Safetensors {
  const file = readSafetensors(bytes);
  const format = Object.hasOwn(file.metadata, 'diff.format') ? file.metadata['diff.format'] : 'none';
  if (format !== FORMAT) throw broken(`the metadata entry 'diff.format' must be '${FORMAT}'`, format);
  return file;
}

/** The floats of a tensor of this shape. */
export function floats({ tensors }: Safetensors, name: string, shape: readonly number[]): Float32Array {
  const entry = tensors.get(name);
  if (!entry) {
    throw broken(`there must be a tensor '${name}'`, 'none', 'Pass the network that was trained.');
  }
  if (!(entry.data instanceof Float32Array) || !tf.util.arraysEqual([...entry.shape], [...shape])) {
    throw broken(
      `tensor '${name}' must hold floats (F32, F16 or BF16) of shape [${shape.join(', ')}]`,
      `${entry.dtype} [${entry.shape.join(', ')}]`,
      'Pass the network that was trained.',
    );
  }
  return entry.data;
}

/** All weights under a prefix as one row, in the order of the network's variables. */
export function gathered(file: Safetensors, prefix: string, network: Network): Float32Array {
  const row = new Float32Array(Object.values(network.variables).reduce((sum, v) => sum + v.size, 0));
  let start = 0;
  for (const [name, variable] of Object.entries(network.variables)) {
    row.set(floats(file, `${prefix}.${name}`, variable.shape), start);
    start += variable.size;
  }
  return row;
}

/** Are there averaged weights? */
export function hasAverage({ tensors }: Safetensors): boolean {
  return [...tensors.keys()].some((name) => name.startsWith('average.'));
}
