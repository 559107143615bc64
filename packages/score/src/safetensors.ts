/**
 * Safetensors, the published format: 8 bytes little-endian header length N, N bytes of JSON
 * `{"name": {"dtype": "F32", "shape": […], "data_offsets": [from, to]}, "__metadata__": {string: string}}`, padded
 * with spaces to a multiple of 8, then the data, little-endian, row-major, without gaps or overlaps.
 *
 * The reader trusts nothing: whatever the bytes, it returns what they say or throws a FormatError, and it allocates
 * no more than the file is long.
 */
import { DomainError, FormatError, shown } from '@diff/core';
import { HALF_FLOATS } from './half-floats.ts';

const MAX_HEADER = 100_000_000;
const METADATA = '__metadata__';

/** Element types that are read and written; the 16-bit floats come and go as float32. */
export type SafetensorsDtype = 'F16' | 'BF16' | 'F32' | 'F64' | 'I32' | 'I16' | 'I8' | 'U32' | 'U16' | 'U8';
export type SafetensorsData =
  | Float32Array
  | Float64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint32Array
  | Uint16Array
  | Uint8Array;

export interface SafetensorsEntry {
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /** Row-major elements, in an array of the dtype's own kind; a Float32Array for F16 and BF16. */
  readonly data: SafetensorsData;
}

export interface Safetensors {
  readonly tensors: ReadonlyMap<string, SafetensorsEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** How the elements lie in the file. */
const STORED = {
  F16: Uint16Array,
  BF16: Uint16Array,
  F32: Float32Array,
  F64: Float64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U32: Uint32Array,
  U16: Uint16Array,
  U8: Uint8Array,
} as const satisfies Record<SafetensorsDtype, unknown>;
const DTYPES = Object.keys(STORED) as SafetensorsDtype[];
const FIX = 'Write the file again, or fetch it again if it was cut short.';

type HalfFloat = keyof typeof HALF_FLOATS;

const isHalf = (dtype: SafetensorsDtype): dtype is HalfFloat => Object.hasOwn(HALF_FLOATS, dtype);

/** An entry's elements as they are stored. */
function stored({ dtype, data }: SafetensorsEntry): SafetensorsData {
  return isHalf(dtype) ? Uint16Array.from(data, HALF_FLOATS[dtype].write) : data;
}

/** @param got already fit to be shown. */
function broken(requirement: string, got: string, fix = FIX): FormatError {
  return new FormatError(`readSafetensors: ${requirement}, got ${got}. ${fix}`);
}

/** A value of the header as a message shows it; nesting, which may be as deep as the file is long, is left out. */
function brief(value: unknown): string {
  const flat = Array.isArray(value)
    ? value.map((v: unknown) => (typeof v === 'object' && v !== null ? '…' : v))
    : value;
  return shown(flat);
}

/** What is wrong with a tensor's name, if anything: names become file names and object keys elsewhere. */
function nameFault(name: string): string | undefined {
  if (name === '') return 'it is empty';
  if (name === '__proto__' || name === 'constructor' || name === 'prototype') return 'it is a reserved word';
  if (name.includes('\0')) return 'it contains NUL';
  if (/^[/\\]/.test(name) || /^[A-Za-z]:[/\\]/.test(name)) return 'it is an absolute path';
  if (name.split(/[/\\]/).includes('..')) return "it contains the path step '..'";
  return undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parsedHeader(bytes: Uint8Array, length: number): Readonly<Record<string, unknown>> {
  let header: unknown;
  try {
    header = JSON.parse(
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(8, 8 + length)),
    );
  } catch {
    throw broken('the header must be JSON in UTF-8', 'something else');
  }
  if (!isRecord(header) || bytes[8] !== 0x7b) throw broken('the header must be a JSON object', brief(header));
  return header;
}

function readMetadata(value: unknown): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  if (!isRecord(value)) throw broken(`${METADATA} must be an object of strings`, brief(value));
  const entries = Object.entries(value).map(([name, text]): [string, string] => {
    if (name === '__proto__') throw broken(`${METADATA} must not use the reserved name`, shown(name));
    if (typeof text !== 'string')
      throw broken(`${METADATA} must hold strings`, `${brief(text)} as ${shown(name)}`);
    return [name, text];
  });
  return Object.fromEntries(entries);
}

interface Extent {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly from: number;
  readonly to: number;
}

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

function readExtent(name: string, entry: unknown, dataLength: number): Extent {
  const fault = nameFault(name);
  if (fault)
    throw broken('a tensor must have a plain name', `${shown(name)}: ${fault}`, 'Do not use this file.');
  if (!isRecord(entry)) throw broken(`tensor ${shown(name)} must be an object`, brief(entry));
  const dtype = DTYPES.find((d) => d === entry.dtype);
  if (!dtype) {
    throw broken(
      `tensor ${shown(name)} must have one of the dtypes ${DTYPES.join(', ')}`,
      brief(entry.dtype),
      'Convert it to F32.',
    );
  }
  const { shape, data_offsets: offsets } = entry;
  if (!Array.isArray(shape) || shape.length > 16 || !shape.every(isCount)) {
    throw broken(`tensor ${shown(name)} must have a shape of at most 16 whole numbers`, brief(shape));
  }
  const sizes: readonly number[] = shape;
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw broken(`tensor ${shown(name)} must have data_offsets [from, to] of whole numbers`, brief(offsets));
  }
  const [from, to] = offsets as [number, number];
  if (from > to || to > dataLength) {
    throw broken(`tensor ${shown(name)} must lie in the ${dataLength} bytes of data`, `[${from}, ${to}]`);
  }
  const needed = sizes.reduce((a, b) => a * b, STORED[dtype].BYTES_PER_ELEMENT);
  if (needed !== to - from) {
    throw broken(`tensor ${shown(name)} must have ${needed} bytes for its shape and dtype`, shown(to - from));
  }
  return { name, dtype, shape: [...sizes], from, to };
}

/**
 * Reads a safetensors file.
 *
 * @param bytes the whole file.
 * @returns tensors by name in the order of their data, each copied into an array of its own, and the metadata.
 * @throws FormatError for anything that is not a whole, well-formed file of plain names and supported dtypes.
 * @example
 * ```ts
 * import { readSafetensors, writeSafetensors } from '@diff/score';
 * const bytes = writeSafetensors({ w: { dtype: 'F32', shape: [2], data: new Float32Array([1, 2]) } }, { note: 'two' });
 * const { tensors, metadata } = readSafetensors(bytes);
 * ```
 */
export function readSafetensors(bytes: Uint8Array): Safetensors {
  if (!(bytes instanceof Uint8Array))
    throw broken('the input must be a Uint8Array', shown(bytes), 'Pass the bytes of the file.');
  if (bytes.length < 8) throw broken('a file must have at least 8 bytes', shown(bytes.length));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length > MAX_HEADER) throw broken(`the header must have at most ${MAX_HEADER} bytes`, shown(length));
  if (length > bytes.length - 8) {
    throw broken(`the header must fit into the ${bytes.length} bytes of the file`, shown(length));
  }
  const header = parsedHeader(bytes, length);
  const dataLength = bytes.length - 8 - length;
  const metadata = readMetadata(Object.hasOwn(header, METADATA) ? header[METADATA] : undefined);
  const extents = Object.entries(header)
    .filter(([name]) => name !== METADATA)
    .map(([name, entry]) => readExtent(name, entry, dataLength))
    .sort((a, b) => a.from - b.from || a.to - b.to);
  let end = 0;
  for (const { name, from, to } of extents) {
    if (from !== end) {
      throw broken(
        `tensor ${shown(name)} must begin where the one before it ends, at byte ${end}`,
        from < end ? `an overlap at ${from}` : `a gap up to ${from}`,
      );
    }
    end = to;
  }
  if (end !== dataLength) throw broken(`the tensors must fill all ${dataLength} bytes of data`, shown(end));
  const tensors = new Map<string, SafetensorsEntry>();
  for (const { name, dtype, shape, from, to } of extents) {
    const start = bytes.byteOffset + 8 + length + from;
    const stored = new STORED[dtype](bytes.buffer.slice(start, start + to - from) as ArrayBuffer);
    const data = isHalf(dtype) ? Float32Array.from(stored, HALF_FLOATS[dtype].read) : stored;
    tensors.set(name, { dtype, shape, data });
  }
  return { tensors, metadata };
}

/**
 * Writes a safetensors file; the same input gives the same bytes.
 *
 * @param tensors by name; data must be an array of the dtype's own kind (Float32Array for F16 and BF16,
 *   which are rounded to nearest) with one element per place of the shape.
 * @param metadata strings by name.
 * @throws DomainError for a name, dtype, shape or length that the reader would refuse.
 * @example
 * ```ts
 * import { readSafetensors, writeSafetensors } from '@diff/score';
 * const data = Float32Array.of(1, 2, 3, 4);
 * const bytes = writeSafetensors({ weight: { dtype: 'F32', shape: [2, 2], data } }, { note: 'mine' });
 * const { tensors, metadata } = readSafetensors(bytes);
 * ```
 */
export function writeSafetensors(
  tensors: Readonly<Record<string, SafetensorsEntry>> | ReadonlyMap<string, SafetensorsEntry>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const entries: [string, SafetensorsEntry][] =
    tensors instanceof Map ? [...tensors] : Object.entries(tensors);
  // Widest elements first keeps every tensor aligned to its own element size.
  const sorted = entries
    .map(([name, entry], index) => ({
      name,
      entry,
      index,
      width: STORED[entry.dtype]?.BYTES_PER_ELEMENT ?? 0,
    }))
    .sort((a, b) => b.width - a.width || a.index - b.index);
  const header: [string, unknown][] = [];
  if (Object.keys(metadata).length) header.push([METADATA, metadata]);
  if (Object.hasOwn(metadata, '__proto__')) {
    throw new DomainError(
      "writeSafetensors: metadata must not use the name '__proto__', got it. Rename that entry.",
    );
  }
  let offset = 0;
  for (const { name, entry, width } of sorted) {
    const fault = name === METADATA ? 'it is reserved' : nameFault(name);
    if (fault)
      throw new DomainError(
        `writeSafetensors: a tensor must have a plain name, got ${shown(name)}: ${fault}. Rename it.`,
      );
    const { dtype, shape, data } = entry;
    const kind = isHalf(dtype) ? Float32Array : STORED[dtype];
    if (!kind || !(data instanceof kind) || shape.reduce((a, b) => a * b, 1) !== data.length) {
      throw new DomainError(
        `writeSafetensors: ${shown(name)} must hold one ${dtype} element per place of its shape [${shape.join(', ')}], got ${data.length} in a ${data.constructor.name}. Make dtype, shape and data agree.`,
      );
    }
    header.push([name, { dtype, shape, data_offsets: [offset, offset + width * data.length] }]);
    offset += width * data.length;
  }
  const json = new TextEncoder().encode(
    `{${header.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join(',')}}`,
  );
  const length = Math.ceil(json.length / 8) * 8;
  const out = new Uint8Array(8 + length + offset);
  new DataView(out.buffer).setBigUint64(0, BigInt(length), true);
  out.fill(0x20, 8 + json.length, 8 + length);
  out.set(json, 8);
  let at = 8 + length;
  for (const { entry } of sorted) {
    const data = stored(entry);
    out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return out;
}
