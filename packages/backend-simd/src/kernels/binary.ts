/**
 * Functions of two elements with broadcasting, float32, on assembly/binary.ts: correctly rounded (SquaredDifference
 * and EluGrad after each of their two steps), NaN if either is NaN (comparisons: false, NotEqual true). Other types
 * fall back, and so does Pow unless the exponent is the scalar 1 or 2.
 */
import {
  Add,
  type BinaryInputs,
  backend_util,
  EluGrad,
  type EluGradInputs,
  Equal,
  Greater,
  GreaterEqual,
  type KernelConfig,
  Less,
  LessEqual,
  Maximum,
  Minimum,
  Multiply,
  NotEqual,
  Pow,
  Prelu,
  type PreluInputs,
  RealDiv,
  SquaredDifference,
  Sub,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import type { SimdBackend } from '../backend.ts';
import type { WasmExports } from '../generated/wasm-exports.ts';
import { kernel } from '../kernel.ts';
import { size } from '../numeric.ts';
import { type BroadcastAxis, broadcastAxes } from './broadcast-axes.ts';

/** rows × columns of both operands: address, bytes between rows, and whether a row is one element repeated. */
type Table = (
  a: number,
  aRow: number,
  aOne: boolean,
  b: number,
  bRow: number,
  bOne: boolean,
  out: number,
  rows: number,
  columns: number,
) => void;

/** Rows shorter than this are made one long row by writing the broadcast operand out. */
const SHORT = 8;
const FEW = 8;

/** The operand as a dense rows × columns block in working memory. */
function writeOut(backend: SimdBackend, x: number, repeated: boolean, rows: number, columns: number): number {
  const to = backend.scratch(4 * rows * columns);
  if (repeated) {
    backend.wasm.repeatElements(x, to, rows, columns);
    return to;
  }
  const bytes = backend.heap.u8(to, 4 * rows * columns);
  bytes.set(backend.heap.u8(x, 4 * columns));
  for (let done = 4 * columns; done < bytes.length; done *= 2) bytes.copyWithin(done, 0, done);
  return to;
}

/** f of a and b, broadcast to `shape`, into `out`. */
function run(
  backend: SimdBackend,
  f: Table,
  axes: readonly BroadcastAxis[],
  a: number,
  b: number,
  out: number,
  bytes: number,
): void {
  const [inner = { size: 1, a: 1, b: 1 }, rows = { size: 1, a: 0, b: 0 }, ...outer] = axes;
  const next = outer.at(-1);
  if (next) {
    const length = axes.slice(0, -1).reduce((n, axis) => n * axis.size, 1);
    for (let i = 0; i < next.size; i++) {
      run(
        backend,
        f,
        axes.slice(0, -1),
        a + 4 * i * next.a,
        b + 4 * i * next.b,
        out + bytes * i * length,
        bytes,
      );
    }
    return;
  }
  const n = rows.size * inner.size;
  if (inner.size < SHORT && rows.size > FEW) {
    const isDense = (step: number, row: number): boolean => step === 1 && row === inner.size;
    const whole = (x: number, step: number, row: number): number =>
      isDense(step, row) ? x : writeOut(backend, x, step === 0, rows.size, inner.size);
    const rowOrColumn = (step: number, row: number): boolean =>
      isDense(step, row) || (step === 1 && row === 0) || (step === 0 && row === 1);
    if (rowOrColumn(inner.a, rows.a) && rowOrColumn(inner.b, rows.b)) {
      const [wholeA, wholeB] = [whole(a, inner.a, rows.a), whole(b, inner.b, rows.b)];
      f(wholeA, 0, false, wholeB, 0, false, out, 1, n);
      return;
    }
  }
  f(a, 4 * rows.a, inner.a === 0, b, 4 * rows.b, inner.b === 0, out, rows.size, inner.size);
}

function broadcast(
  backend: SimdBackend,
  f: Table,
  a: TensorInfo,
  b: TensorInfo,
  dtype: 'float32' | 'bool',
): TensorInfo {
  const shape = backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
  const out = backend.output(shape, dtype);
  if (size(shape) === 0) return out;
  const axes = broadcastAxes(a.shape, b.shape, shape);
  run(
    backend,
    f,
    axes,
    backend.pointer(a),
    backend.pointer(b),
    backend.pointer(out),
    dtype === 'bool' ? 1 : 4,
  );
  return out;
}

/** a + b, both float32. */
export function add(backend: SimdBackend, a: TensorInfo, b: TensorInfo): TensorInfo {
  return broadcast(backend, backend.wasm.add, a, b, 'float32');
}

/** x where x ≥ 0, alpha x below; both float32. */
export function prelu(backend: SimdBackend, x: TensorInfo, alpha: TensorInfo): TensorInfo {
  return broadcast(backend, backend.wasm.prelu, x, alpha, 'float32');
}

const areFloats = (a: TensorInfo, b: TensorInfo): boolean => a.dtype === 'float32' && b.dtype === 'float32';

const arithmetic: Readonly<Record<string, (wasm: WasmExports) => Table>> = {
  [Add]: (wasm) => wasm.add,
  [Sub]: (wasm) => wasm.subtract,
  [Multiply]: (wasm) => wasm.multiply,
  [RealDiv]: (wasm) => wasm.divide,
  [Maximum]: (wasm) => wasm.maximum,
  [Minimum]: (wasm) => wasm.minimum,
  [SquaredDifference]: (wasm) => wasm.squaredDifference,
};

const comparisons: Readonly<Record<string, (wasm: WasmExports) => Table>> = {
  [Equal]: (wasm) => wasm.equal,
  [NotEqual]: (wasm) => wasm.notEqual,
  [Less]: (wasm) => wasm.less,
  [LessEqual]: (wasm) => wasm.lessEqual,
  [Greater]: (wasm) => wasm.greater,
  [GreaterEqual]: (wasm) => wasm.greaterEqual,
};

function configs(table: typeof arithmetic, dtype: 'float32' | 'bool'): KernelConfig[] {
  return Object.entries(table).map(([name, select]) =>
    kernel<BinaryInputs>(name, ({ inputs: { a, b }, backend, args }) =>
      areFloats(a, b) ? broadcast(backend, select(backend.wasm), a, b, dtype) : backend.fallback(name, args),
    ),
  );
}

export const binaryConfigs: readonly KernelConfig[] = [
  ...configs(arithmetic, 'float32'),
  ...configs(comparisons, 'bool'),
  kernel<PreluInputs>(Prelu, ({ inputs: { x, alpha }, backend, args }) =>
    areFloats(x, alpha) ? prelu(backend, x, alpha) : backend.fallback(Prelu, args),
  ),
  kernel<EluGradInputs>(EluGrad, ({ inputs: { dy, y }, backend, args }) =>
    areFloats(dy, y)
      ? broadcast(backend, backend.wasm.eluGradient, dy, y, 'float32')
      : backend.fallback(EluGrad, args),
  ),
  kernel<BinaryInputs>(Pow, ({ inputs: { a, b }, backend, args }) => {
    if (!areFloats(a, b) || b.shape.length > 0) return backend.fallback(Pow, args);
    const exponent = backend.values(b)?.[0];
    if (exponent === 1) return backend.alias(a, a.shape);
    if (exponent === 2) return broadcast(backend, backend.wasm.multiply, a, a, 'float32');
    return backend.fallback(Pow, args);
  }),
];
