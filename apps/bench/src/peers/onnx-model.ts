/**
 * The few fields of an ONNX file that a graph of float32 tensors needs, written as protocol buffers by hand: a field is
 * a varint (number ≪ 3 | wire type), then a varint, four bytes, or a length and bytes.
 *
 * Source: onnx.proto3 of https://github.com/onnx/onnx, whose field numbers these are.
 */
import type { HostTensor } from '../suite/bench-case.ts';

const encoder = new TextEncoder();
const FLOAT = 1;
const IR_VERSION = 8;
const OPSET = 17;

type Bytes = readonly number[] | Uint8Array;

function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) | 128);
  return [...out, rest];
}

function concatenated(parts: readonly Bytes[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

const integer = (field: number, value: number): Bytes => [...varint(field * 8), ...varint(value)];
const bytes = (field: number, value: Bytes): Uint8Array =>
  concatenated([varint(field * 8 + 2), varint(value.length), value]);
const text = (field: number, value: string): Uint8Array => bytes(field, encoder.encode(value));
const message = (field: number, parts: readonly Bytes[]): Uint8Array => bytes(field, concatenated(parts));

/** An attribute: a whole number, or a list of them. */
type Attributes = Readonly<Record<string, number | readonly number[]>>;

export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes?: Attributes;
}

export interface OnnxGraph {
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  /** Constants, such as weights. */
  readonly initializers?: Readonly<Record<string, HostTensor>>;
  readonly nodes: readonly OnnxNode[];
  readonly output: string;
}

function attribute([name, value]: [string, number | readonly number[]]): Uint8Array {
  const list = typeof value !== 'number';
  const numbers = list ? value.map((v) => integer(8, v)) : [integer(3, value)];
  return message(5, [text(1, name), ...numbers, integer(20, list ? 7 : 2)]);
}

function node({ op, inputs, output, attributes = {} }: OnnxNode): Uint8Array {
  return message(1, [
    ...inputs.map((name) => text(1, name)),
    text(2, output),
    text(4, op),
    ...Object.entries(attributes).map(attribute),
  ]);
}

/** A tensor's name and type; without a shape its rank and sizes are left open. */
function valueInfo(field: number, name: string, shape?: readonly number[]): Uint8Array {
  const dimensions = shape?.map((size) => message(1, [integer(1, size)]));
  const type = message(1, [integer(1, FLOAT), ...(dimensions ? [message(2, dimensions)] : [])]);
  return message(field, [text(1, name), bytes(2, type)]);
}

function initializer([name, { shape, values }]: [string, HostTensor]): Uint8Array {
  const raw = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return message(5, [
    ...shape.map((size) => integer(1, size)),
    integer(2, FLOAT),
    text(8, name),
    bytes(9, raw),
  ]);
}

/** The bytes of a model. */
export function onnxModel({ inputs, initializers = {}, nodes, output }: OnnxGraph): Uint8Array {
  const graph = message(7, [
    ...nodes.map(node),
    text(2, 'graph'),
    ...Object.entries(initializers).map(initializer),
    ...Object.entries(inputs).map(([name, shape]) => valueInfo(11, name, shape)),
    valueInfo(12, output),
  ]);
  return concatenated([integer(1, IR_VERSION), message(8, [text(1, ''), integer(2, OPSET)]), graph]);
}
