/**
 * Sum, Mean, Max, Min, Prod over any axes.
 *
 * Neighbouring axes that are both reduced, or both kept, are one. Each run of reduced axes, the last first, is then
 * a reduction over the middle of [outer, n, inner]: nothing is transposed, and an axis in front costs as much as
 * the last one. Sums are fixed trees (assembly/reduce-sum.ts and reduce-extreme.ts): the result does not depend on how a batch is cut.
 */
import {
  backend_util,
  type KernelConfig,
  Max,
  type MaxAttrs,
  Mean,
  type MeanAttrs,
  type MeanInputs,
  Min,
  type MinAttrs,
  Prod,
  type ProdAttrs,
  Sum,
  type SumAttrs,
  type SumInputs,
  type TensorInfo,
  util,
} from '@tensorflow/tfjs-core';
import type { SimdBackend } from '../backend.ts';
import { kernel } from '../kernel.ts';
import { isNumeric, size } from '../numeric.ts';
import { COUNT, each, type KernelName } from '../parallel.ts';
import { bytesPerElement } from '../tensor-data.ts';
import { cast } from './cast.ts';

/** One pass: [outer, n, inner] → [outer, inner]. */
export interface Pass {
  readonly outer: number;
  readonly n: number;
  readonly inner: number;
}

/** The passes that reduce `axes` (ascending), the last axes first. */
export function passesOf(shape: readonly number[], axes: readonly number[]): Pass[] {
  const list: Pass[] = [];
  let inner = 1;
  let d = shape.length - 1;
  while (d >= 0) {
    if (!axes.includes(d)) {
      inner *= shape[d--]!;
      continue;
    }
    let n = 1;
    while (d >= 0 && axes.includes(d)) n *= shape[d--]!;
    list.push({ outer: size(shape.slice(0, d + 1)), n, inner });
  }
  return list;
}

type Run = (x: number, out: number, pass: Pass, isLast: boolean) => void;

function reduce(
  backend: SimdBackend,
  x: TensorInfo,
  axis: number | number[],
  keepDims: boolean,
  run: Run,
): TensorInfo {
  const axes = util.parseAxisParam(axis, x.shape).sort((p, q) => p - q);
  const [outShape] = backend_util.computeOutAndReduceShapes(x.shape, axes);
  const shape = keepDims ? backend_util.expandShapeToKeepDim(outShape, axes) : outShape;
  const todo = passesOf(x.shape, axes);
  // Over no axis at all, the value is still that of a reduction: of one element each.
  if (todo.length === 0) todo.push({ outer: size(x.shape), n: 1, inner: 1 });
  const out = backend.output(shape, x.dtype === 'int32' ? 'int32' : 'float32');
  let address = backend.pointer(x);
  todo.forEach((pass, index) => {
    const isLast = index === todo.length - 1;
    const to = isLast
      ? backend.pointer(out)
      : backend.scratch(pass.outer * pass.inner * bytesPerElement(x.dtype));
    run(address, to, pass, isLast);
    address = to;
  });
  return out;
}

/** Nanoseconds for an element. */
const COST = 0.2;

/** A kernel over [outer, n, inner] on all threads, cut along the outer axis; elements of 4 bytes. */
export function overOuter(
  backend: SimdBackend,
  name: KernelName,
  from: number,
  to: number,
  { outer, n, inner }: Pass,
  rest: readonly number[],
): void {
  const range = { items: outer, cost: COST * n * inner + 3, multiple: inner < 16 ? 16 : 1 };
  backend.parallel(name, range, [each(from, 4 * n * inner), each(to, 4 * inner), COUNT, ...rest]);
}

/** Rows of 2 to this many elements go four at a time through assembly/short-rows.ts. */
export const SHORT_ROW = 16;

const isShort = ({ n, inner }: Pass): boolean => inner === 1 && n > 1 && n <= SHORT_ROW;

/** Σ of float32 over the middle of [outer, n, inner], divided. */
export function sumPass(backend: SimdBackend, from: number, to: number, pass: Pass, by: number): void {
  const factor = 1 / by;
  const { outer, n, inner } = pass;
  if (isShort(pass)) overOuter(backend, 'sumShortRows', from, to, pass, [n, by]);
  else if (inner === 1) overOuter(backend, 'sumRows', from, to, pass, [n, factor]);
  else if (inner === 2) overOuter(backend, 'sumPairs', from, to, pass, [n, factor]);
  else if (inner === 3) overOuter(backend, 'sumAny', from, to, pass, [n, inner, factor]);
  else if (outer !== 1) overOuter(backend, 'sumColumns', from, to, pass, [n, inner, inner, factor]);
  else {
    // One sum of rows: cut along the columns. A piece of fewer than 4 goes over those before it once more.
    const range = { items: inner, cost: COST * n, multiple: 16 };
    backend.parallel('sumColumns', range, [each(from, 4), each(to, 4), 1, n, inner, COUNT, factor]);
  }
}

/** Σ of float32, divided. */
export function sumFloat(
  backend: SimdBackend,
  x: TensorInfo,
  axis: number | number[],
  keepDims: boolean,
  divisor: number,
): TensorInfo {
  return reduce(backend, x, axis, keepDims, (from, to, pass, isLast) =>
    sumPass(backend, from, to, pass, isLast ? divisor : 1),
  );
}

export const sumConfig: KernelConfig = kernel<SumInputs, SumAttrs>(
  Sum,
  ({ inputs: { x }, attrs: { axis, keepDims }, backend, args }) => {
    if (x.dtype === 'float32') return sumFloat(backend, x, axis, keepDims, 1);
    if (!isNumeric(x.dtype)) return backend.fallback(Sum, args);
    const whole = cast(backend, x, 'int32');
    const out = reduce(backend, whole, axis, keepDims, (from, to, pass) =>
      overOuter(backend, 'sumInt', from, to, pass, [pass.n, pass.inner]),
    );
    backend.discard(whole);
    return out;
  },
);

export const meanConfig: KernelConfig = kernel<MeanInputs, MeanAttrs>(
  Mean,
  ({ inputs: { x }, attrs: { axis, keepDims }, backend, args }) => {
    if (!isNumeric(x.dtype)) return backend.fallback(Mean, args);
    const float = cast(backend, x, 'float32');
    const n = size(util.parseAxisParam(axis, x.shape).map((d) => x.shape[d]!));
    const out = sumFloat(backend, float, axis, keepDims, n);
    backend.discard(float);
    return out;
  },
);

/** A reduction with a float32 kernel and maybe an int32 kernel. */
function simple<Attrs extends object>(
  name: string,
  axisOf: (attrs: Attrs) => number | number[],
  float: 'maxReduce' | 'minReduce' | 'prodReduce',
  int?: 'maxInt' | 'minInt',
  short?: 'maxShortRows' | 'minShortRows',
): KernelConfig {
  return kernel<{ x: TensorInfo }, Attrs & { keepDims?: boolean }>(
    name,
    ({ inputs: { x }, attrs, backend, args }) => {
      const method = x.dtype === 'float32' ? float : x.dtype === 'int32' ? int : undefined;
      if (method === undefined) return backend.fallback(name, args);
      return reduce(backend, x, axisOf(attrs), attrs.keepDims ?? false, (from, to, pass) => {
        if (short && method === float && isShort(pass)) overOuter(backend, short, from, to, pass, [pass.n]);
        else overOuter(backend, method, from, to, pass, [pass.n, pass.inner]);
      });
    },
  );
}

export const maxConfig: KernelConfig = simple<MaxAttrs>(
  Max,
  (attrs) => attrs.reductionIndices,
  'maxReduce',
  'maxInt',
  'maxShortRows',
);
export const minConfig: KernelConfig = simple<MinAttrs>(
  Min,
  (attrs) => attrs.axis,
  'minReduce',
  'minInt',
  'minShortRows',
);
export const prodConfig: KernelConfig = simple<ProdAttrs>(Prod, (attrs) => attrs.axis, 'prodReduce');
