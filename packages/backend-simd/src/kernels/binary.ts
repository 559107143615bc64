/**
 * Functions of two elements with broadcasting, float32, on assembly/binary.ts: correctly rounded (SquaredDifference
 * and EluGrad after each of their two steps), NaN if either is NaN (comparisons: false, NotEqual true). int32, bool and
 * rarer functions are those of binary-rare.ts.
 */
import {
  Add,
  Atan2,
  type BinaryInputs,
  backend_util,
  EluGrad,
  type EluGradInputs,
  Equal,
  FloorDiv,
  Greater,
  GreaterEqual,
  type KernelConfig,
  Less,
  LessEqual,
  LogicalAnd,
  LogicalOr,
  Maximum,
  Minimum,
  Mod,
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
import { kernel } from '../kernel.ts';
import { type NumericType, size } from '../numeric.ts';
import { COUNT, each, type KernelName } from '../parallel.ts';
import { stridedCopy } from '../strided-copy.ts';
import { rareOp, rareType } from './binary-rare.ts';
import { type BroadcastAxis, broadcastAxes, mergedAxes } from './broadcast-axes.ts';
import { cast } from './cast.ts';

/** rows × columns of both operands: address, elements between rows, and whether a row is one element repeated. */
interface Table {
  readonly a: number;
  readonly aRow: number;
  readonly aOne: boolean;
  readonly b: number;
  readonly bRow: number;
  readonly bOne: boolean;
  readonly out: number;
  readonly rows: number;
  readonly columns: number;
}

/** A function with a kernel of its own, or a number of binary-rare.ts. */
type Method = KernelName | number;

/** Goes through a table, cut along the rows, or along the columns if there is one row. */
function table(backend: SimdBackend, f: Method, t: Table, bytes: number): void {
  const name = typeof f === 'number' ? 'binaryRare' : f;
  const op = typeof f === 'number' ? [f] : [];
  const cost = typeof f === 'number' ? RARE_COST : COST;
  const [aRow, bRow] = [4 * t.aRow, 4 * t.bRow];
  if (t.rows === 1) {
    const [a, b] = [each(t.a, t.aOne ? 0 : 4), each(t.b, t.bOne ? 0 : 4)];
    const range = { items: t.columns, cost, multiple: 64 };
    backend.parallel(name, range, [a, aRow, t.aOne, b, bRow, t.bOne, each(t.out, bytes), 1, COUNT, ...op]);
    return;
  }
  const [a, b, out] = [each(t.a, aRow), each(t.b, bRow), each(t.out, bytes * t.columns)];
  const range = { items: t.rows, cost: cost * t.columns + 2, multiple: 16 };
  backend.parallel(name, range, [a, aRow, t.aOne, b, bRow, t.bOne, out, COUNT, t.columns, ...op]);
}

/** Nanoseconds for an element. */
const COST = 0.4;
const RARE_COST = 2;
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

/** Tables of fewer elements are joined, where there are several. */
const SMALL = 1024;

interface Broadcast {
  readonly axes: readonly BroadcastAxis[];
  readonly a: number;
  readonly b: number;
}

/**
 * The same broadcast in larger tables: while the two inner axes are small, the operands are written out along them,
 * once for each place that they have on the outer ones. So [n, m, g, k] with [n, 1, g, 1] becomes n tables of m rows
 * instead of n·m tables of g.
 */
function widened(backend: SimdBackend, { axes, a, b }: Broadcast): Broadcast {
  const [inner, rows, ...outer] = axes;
  if (!inner || !rows || outer.length === 0 || inner.size * rows.size >= SMALL) return { axes, a, b };
  const block = inner.size * rows.size;
  const dense = (name: 'a' | 'b', x: number): { x: number; steps: number[] } => {
    if (inner[name] === 1 && rows[name] === inner.size) return { x, steps: outer.map((axis) => axis[name]) };
    const loops = [
      { size: inner.size, input: inner[name], output: 1 },
      { size: rows.size, input: rows[name], output: inner.size },
    ];
    let n = block;
    const steps = outer.map((axis) => {
      if (axis[name] === 0) return 0;
      loops.push({ size: axis.size, input: axis[name], output: n });
      n *= axis.size;
      return n / axis.size;
    });
    const to = backend.scratch(4 * n);
    stridedCopy(backend, x, to, 4, loops);
    return { x: to, steps };
  };
  const [left, right] = [dense('a', a), dense('b', b)];
  const rest = outer.map(({ size: n }, i) => ({ size: n, a: left.steps[i]!, b: right.steps[i]! }));
  return widened(backend, {
    axes: mergedAxes([{ size: block, a: 1, b: 1 }, ...rest]),
    a: left.x,
    b: right.x,
  });
}

/** f of a and b, broadcast to `shape`, into `out`. */
function run(
  backend: SimdBackend,
  f: Method,
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
      const dense = { aRow: 0, aOne: false, bRow: 0, bOne: false, rows: 1, columns: n };
      table(backend, f, { ...dense, a: wholeA, b: wholeB, out }, bytes);
      return;
    }
  }
  const steps = { aRow: rows.a, aOne: inner.a === 0, bRow: rows.b, bOne: inner.b === 0 };
  table(backend, f, { ...steps, a, b, out, rows: rows.size, columns: inner.size }, bytes);
}

function broadcast(
  backend: SimdBackend,
  f: Method,
  a: TensorInfo,
  b: TensorInfo,
  dtype: NumericType,
): TensorInfo {
  const shape = backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
  const out = backend.output(shape, dtype);
  if (size(shape) === 0) return out;
  const whole = {
    axes: broadcastAxes(a.shape, b.shape, shape),
    a: backend.pointer(a),
    b: backend.pointer(b),
  };
  const { axes, a: left, b: right } = widened(backend, whole);
  run(backend, f, axes, left, right, backend.pointer(out), dtype === 'bool' ? 1 : 4);
  return out;
}

/** a + b, both float32. */
export function add(backend: SimdBackend, a: TensorInfo, b: TensorInfo): TensorInfo {
  return broadcast(backend, 'add', a, b, 'float32');
}

/** x where x ≥ 0, alpha x below; both float32. */
export function prelu(backend: SimdBackend, x: TensorInfo, alpha: TensorInfo): TensorInfo {
  return broadcast(backend, 'prelu', x, alpha, 'float32');
}

const areFloats = (a: TensorInfo, b: TensorInfo): boolean => a.dtype === 'float32' && b.dtype === 'float32';

const arithmetic: Readonly<Record<string, KernelName>> = {
  [Add]: 'add',
  [Sub]: 'subtract',
  [Multiply]: 'multiply',
  [RealDiv]: 'divide',
  [Maximum]: 'maximum',
  [Minimum]: 'minimum',
  [SquaredDifference]: 'squaredDifference',
};

const comparisons: Readonly<Record<string, KernelName>> = {
  [Equal]: 'equal',
  [NotEqual]: 'notEqual',
  [Less]: 'less',
  [LessEqual]: 'lessEqual',
  [Greater]: 'greater',
  [GreaterEqual]: 'greaterEqual',
};

function configs(table: typeof arithmetic, dtype: 'float32' | 'bool'): KernelConfig[] {
  return Object.entries(table).map(([name, method]) =>
    kernel<BinaryInputs>(name, ({ inputs: { a, b }, backend, args }) =>
      areFloats(a, b)
        ? broadcast(backend, method, a, b, dtype)
        : (rare(backend, name, a, b) ?? backend.fallback(name, args)),
    ),
  );
}

/** A function of binary-rare.ts; undefined where it is not for these types. */
function rare(backend: SimdBackend, name: string, a: TensorInfo, b: TensorInfo): TensorInfo | undefined {
  const op = a.dtype === b.dtype ? rareOp(name, a.dtype) : undefined;
  if (op === undefined) return undefined;
  const dtype = rareType(op);
  if (a.dtype === 'float32') return broadcast(backend, op, a, b, dtype);
  const [x, y] = [cast(backend, a, 'int32'), cast(backend, b, 'int32')];
  const out = broadcast(backend, op, x, y, dtype);
  backend.discard(x);
  backend.discard(y);
  return out;
}

export const binaryConfigs: readonly KernelConfig[] = [
  ...configs(arithmetic, 'float32'),
  ...configs(comparisons, 'bool'),
  kernel<PreluInputs>(Prelu, ({ inputs: { x, alpha }, backend, args }) =>
    areFloats(x, alpha) ? prelu(backend, x, alpha) : backend.fallback(Prelu, args),
  ),
  kernel<EluGradInputs>(EluGrad, ({ inputs: { dy, y }, backend, args }) =>
    areFloats(dy, y) ? broadcast(backend, 'eluGradient', dy, y, 'float32') : backend.fallback(EluGrad, args),
  ),
  kernel<BinaryInputs>(Pow, ({ inputs: { a, b }, backend, args }) => {
    if (areFloats(a, b) && b.shape.length === 0) {
      const exponent = backend.values(b)?.[0];
      if (exponent === 1) return backend.alias(a, a.shape);
      if (exponent === 2) return broadcast(backend, 'multiply', a, a, 'float32');
    }
    return rare(backend, Pow, a, b) ?? backend.fallback(Pow, args);
  }),
  ...[Atan2, FloorDiv, LogicalAnd, LogicalOr, Mod].map((name) =>
    kernel<BinaryInputs>(
      name,
      ({ inputs: { a, b }, backend, args }) => rare(backend, name, a, b) ?? backend.fallback(name, args),
    ),
  ),
];
