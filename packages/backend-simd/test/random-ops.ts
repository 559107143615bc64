/**
 * The ops of random sequences. Each says how it reads its arguments from a few integers, and how far simd and cpu may be
 * apart for the same inputs:
 *
 *   exact                 the same number: correctly rounded, or copied
 *   ulps(k)               the kernel's stated accuracy and half a unit for the rounding of the cpu backend
 *   sums(n)               2 (n + 2) u Σ|terms|, u = 2⁻²⁴, n additions in any order on either side; Σ|terms| is the op
 *                         itself on |inputs|, on the cpu backend
 *
 * Not here, because the cpu backend is the one in error: the gradients of resizing (nearest reads the wrong lines of dy
 * from the second image of a batch on, bilinear turns images that are not square), softplus below −13.9 (4 ulp) and
 * erf (1.5e-7). Of no elements, the greatest, least, mean and `all`: −∞, +∞, NaN and true here, as elsewhere; NaN, NaN, 0 and false there.
 */
import * as core from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import { broadcastable, type NumericType, type Plain, plain } from './random-tensors.ts';

/** What the results may differ by. */
export type Bound =
  | { readonly kind: 'exact' }
  | { readonly kind: 'ulps'; readonly ulps: number; readonly absolute: number }
  | { readonly kind: 'sums'; readonly terms: number; readonly magnitude?: Run };

export type Run = (inputs: tf.Tensor[]) => tf.Tensor | tf.Tensor[];

/** One call: what it takes besides the operand from the pool, how to make it, how exact it is. */
interface Call {
  readonly more?: readonly Plain[];
  /** Gives the pool's tensor as the second operand too. */
  readonly twice?: boolean;
  readonly run: Run;
  readonly bound: Bound;
}

interface Op {
  readonly name: string;
  readonly dtypes: readonly NumericType[];
  /** `x` as the pool has it; `p` four integers. Nothing where the op has no meaning for `x`. */
  readonly call: (x: Plain, p: readonly [number, number, number, number]) => Call | undefined;
}

const exact: Bound = { kind: 'exact' };
const ulps = (k: number, absolute = 0): Bound => ({ kind: 'ulps', ulps: k + 0.5, absolute });
const sums = (terms: number, magnitude?: Run): Bound => ({
  kind: 'sums',
  terms,
  ...(magnitude && { magnitude }),
});

const FLOAT = ['float32'] as const;
const NUMBERS = ['float32', 'int32'] as const;
const ALL = ['float32', 'int32', 'bool'] as const;
const count = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);
const U = 2 ** -24;

type Unary = (x: tf.Tensor) => tf.Tensor;
type Binary = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

function unary(name: string, f: Unary, bound: Bound, dtypes: readonly NumericType[] = FLOAT): Op {
  return { name, dtypes, call: () => ({ run: ([x]) => f(x!), bound }) };
}

/** The other operand: the same tensor, or one that broadcasts, on either side. */
function binary(name: string, f: Binary, bound: Bound, dtypes: readonly NumericType[] = NUMBERS): Op {
  return {
    name,
    dtypes,
    call: (x, [choice, seed, side]) => {
      if (choice % 5 === 0) return { twice: true, run: ([a, b]) => f(a!, b!), bound };
      const other = plain(broadcastable(x.shape, choice), seed, seed % 3 === 0, x.dtype);
      return { more: [other], run: ([a, b]) => (side % 2 ? f(a!, b!) : f(b!, a!)), bound };
    },
  };
}

/** Some axes, in order. */
function axesOf(x: Plain, choice: number): number[] {
  return x.shape.map((_, axis) => axis).filter((axis) => (choice >> axis) & 1);
}

function reduction(
  name: string,
  f: (x: tf.Tensor, axes: number[], keepDims: boolean) => tf.Tensor,
  bound: (terms: number) => Bound,
  dtypes: readonly NumericType[],
  needsTerms = false,
): Op {
  return {
    name,
    dtypes,
    call: (x, [choice, keep]) => {
      const axes = axesOf(x, choice);
      const terms = count(axes.map((axis) => x.shape[axis]!));
      if (needsTerms && terms === 0) return undefined;
      return { run: ([t]) => f(t!, axes, keep % 2 === 1), bound: bound(terms) };
    },
  };
}
const always = (): Bound => exact;

/** An op along one axis. */
function alongAxis(
  name: string,
  f: (x: tf.Tensor, axis: number, p: readonly [number, number, number, number]) => tf.Tensor | tf.Tensor[],
  bound: (length: number) => Bound,
  dtypes: readonly NumericType[],
): Op {
  return {
    name,
    dtypes,
    call: (x, p) => {
      if (x.shape.length === 0 || count(x.shape) === 0) return undefined;
      const axis = p[0] % x.shape.length;
      return { run: ([t]) => f(t!, axis, p), bound: bound(x.shape[axis]!) };
    },
  };
}

/** The gradient of f by its inputs, for an incoming gradient of its own. */
function gradient(
  name: string,
  f: (...x: tf.Tensor[]) => tf.Tensor,
  bound: (x: Plain, magnitude: Run) => Bound,
  operands: 1 | 2 = 1,
): Op {
  return {
    name: `gradient of ${name}`,
    dtypes: FLOAT,
    call: (x, [choice, seed]) => {
      // tfjs-core's own gradients of broadcasting fail for tensors without elements.
      if (count(x.shape) === 0) return undefined;
      const more = operands === 1 ? [] : [plain(broadcastable(x.shape, choice), seed, false)];
      const shape =
        operands === 1 ? x.shape : tf.broadcast_util.assertAndGetBroadcastShape(x.shape, more[0]!.shape);
      const dy = plain([...shape], seed + 1, false);
      const run: Run = (inputs) => tf.grads(f)(inputs.slice(0, -1), inputs.at(-1)!);
      return { more: [...more, dy], run, bound: bound(x, run) };
    },
  };
}

/** Only dy matters for how large an error may be: the derivative is a function bounded by 1. */
const ofIncoming = (terms: number) => (): Bound => sums(terms, (inputs) => tf.abs(inputs.at(-1)!));

/** x [b, m, k] · y [b, k, n], either transposed, x being any tensor of two axes or more. */
const matMul: Op = {
  name: 'matMul',
  dtypes: FLOAT,
  call: (x, [choice, seed, columns]) => {
    if (x.shape.length < 2) return undefined;
    const [rows, inner] = x.shape.slice(-2) as [number, number];
    const [transA, transB] = [choice % 2 === 1, choice % 4 > 1];
    const n = [1, 2, 3, 4, 5, 8, 17, 33][columns % 8]!;
    const k = transA ? rows : inner;
    const other = plain([...x.shape.slice(0, -2), ...(transB ? [n, k] : [k, n])], seed, seed % 4 === 0);
    const run: Run = ([a, b]) => tf.matMul(a!, b!, transA, transB);
    if (choice % 3 === 0) {
      const dy = plain([...x.shape.slice(0, -2), transA ? inner : rows, n], seed + 1, false);
      const grads: Run = ([a, b, d]) =>
        tf.grads((p: tf.Tensor, q: tf.Tensor) => tf.matMul(p, q, transA, transB))([a!, b!], d!);
      return { more: [other, dy], run: grads, bound: sums(Math.max(rows, inner, n)) };
    }
    return { more: [other], run, bound: sums(k) };
  },
};

/** x as an image batch [n, height, width, channels]. */
function onImages(
  name: string,
  call: (
    shape: [number, number, number, number],
    p: readonly [number, number, number, number],
  ) => Call | undefined,
): Op {
  return {
    name,
    dtypes: FLOAT,
    call: (x, p) => {
      if (count(x.shape) === 0) return undefined;
      const shape = [1, 1, 1, 1, ...x.shape].slice(-4) as [number, number, number, number];
      const made = call(shape, p);
      if (!made) return undefined;
      const run: Run = ([image, ...rest]) => made.run([tf.reshape(image!, shape), ...rest]);
      return { ...made, run };
    },
  };
}

const resize: Op = onImages('resize', (image, [h, w, kind]) => {
  const to: [number, number] = [1 + (h % 7), 1 + (w % 7)];
  const aligned = kind % 2 === 1;
  return kind % 4 < 2
    ? { run: ([x]) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, to, aligned), bound: exact }
    : {
        run: ([x]) => tf.image.resizeBilinear(x as tf.Tensor4D, to, aligned),
        // a + (b − a) t, twice: each of six roundings is at most u max|x|.
        bound: sums(4, ([x]) => tf.fill([image[0], ...to, image[3]], tf.max(x!).dataSync<'float32'>()[0]!)),
      };
});

const pool: Op = onImages('pool', ([, height, width], [size, stride, kind]) => {
  const window: [number, number] = [1 + (size % 3), 1 + ((size >> 2) % 3)];
  if (window[0] > height || window[1] > width) return undefined;
  const step = 1 + (stride % 2);
  const pad = stride % 3 ? 'same' : 'valid';
  return kind % 2
    ? { run: ([x]) => tf.maxPool(x as tf.Tensor4D, window, step, pad), bound: exact }
    : {
        run: ([x]) => tf.avgPool(x as tf.Tensor4D, window, step, pad),
        bound: sums(window[0] * window[1] + 1),
      };
});

const convolution: Op = onImages('conv2d', ([, height, width, channels], [size, seed, kind]) => {
  const window: [number, number] = [1 + (size % 3), 1 + ((size >> 2) % 3)];
  if (window[0] > height || window[1] > width || channels > 20) return undefined;
  const depthwise = kind % 2 === 1;
  const filter = plain([...window, channels, depthwise ? 1 : 1 + (size % 9)], seed, false);
  const run: Run = ([x, w]) =>
    depthwise
      ? tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same')
      : tf.conv2d(
          x as tf.Tensor4D,
          w as tf.Tensor4D,
          1 + (kind % 4 > 1 ? 1 : 0),
          kind % 3 ? 'same' : 'valid',
        );
  return { more: [filter], run, bound: sums(window[0] * window[1] * (depthwise ? 1 : channels)) };
});

const combine: Op = {
  name: 'combine',
  dtypes: FLOAT,
  call: (x, [seed, kind, terms]) => {
    if (x.shape.length === 0) return undefined;
    const n = x.shape[0]!;
    const others = Array.from({ length: terms % 3 }, (_, i) => plain(x.shape, seed + i, false));
    const perRow = plain([n], seed + 9, false);
    const make =
      (sign: (t: tf.Tensor) => tf.Tensor) =>
      (inputs: tf.Tensor[]): tf.Tensor => {
        const [w, first, ...rest] = [inputs.at(-1)!, ...inputs.slice(0, -1)] as [
          tf.Tensor,
          tf.Tensor,
          ...tf.Tensor[],
        ];
        const terms = [first, ...rest].map(
          (t, i) => [kind % 2 && i === 0 ? (w as tf.Tensor1D) : 0.5 + i, t] as const,
        );
        const sum = core.combine(terms, { constant: 0.25 });
        if (kind % 3) return sum;
        const noise = tf.mul(0.5, sign(core.normal(core.key(seed), x.shape)));
        return tf.add(sum, noise);
      };
    // A normal is right to 5e-7·max(1, |normal|), which is 9 u.
    return {
      more: [...others, perRow],
      run: make((t) => t),
      bound: sums(others.length + 9, (inputs) => tf.add(make(tf.abs)(inputs), 0.5)),
    };
  },
};

/** A permutation from an integer. */
function permutation(rank: number, choice: number): number[] {
  const left = Array.from({ length: rank }, (_, axis) => axis);
  return Array.from({ length: rank }, (_, k) => left.splice((choice >> (2 * k)) % left.length, 1)[0]!);
}

const layout: readonly Op[] = [
  {
    name: 'transpose',
    dtypes: ALL,
    call: (x, [choice]) => {
      const order = permutation(x.shape.length, choice);
      return { run: ([t]) => tf.transpose(t!, order), bound: exact };
    },
  },
  {
    name: 'slice',
    dtypes: ALL,
    call: (x, p) => {
      if (x.shape.length === 0) return undefined;
      const begin = x.shape.map((n, axis) => (n === 0 ? 0 : p[axis]! % n));
      const size = x.shape.map((n, axis) =>
        n - begin[axis]! === 0 ? 0 : (p[(axis + 1) % 4]! % (n - begin[axis]!)) + 1,
      );
      return { run: ([t]) => tf.slice(t!, begin, size), bound: exact };
    },
  },
  {
    name: 'stridedSlice',
    dtypes: ALL,
    call: (x, [choice, stride]) => {
      if (count(x.shape) === 0 || x.shape.length === 0) return undefined;
      const back = choice % 2 === 1;
      const step = (1 + (stride % 3)) * (back ? -1 : 1);
      const ends = x.shape.map((n) => (back ? -n - 1 : n));
      const begins = x.shape.map((n) => (back ? n - 1 : 0));
      return {
        run: ([t]) =>
          tf.stridedSlice(
            t!,
            begins,
            ends,
            x.shape.map(() => step),
          ),
        bound: exact,
      };
    },
  },
  {
    name: 'reshape',
    dtypes: ALL,
    call: (x, [choice]) => {
      const n = count(x.shape);
      const shape = n === 0 ? [0, choice % 3] : choice % 3 === 0 ? [n] : [1, ...x.shape.toReversed()];
      return { run: ([t]) => (choice % 7 === 0 ? tf.clone(t!) : tf.reshape(t!, shape)), bound: exact };
    },
  },
  {
    name: 'concat',
    dtypes: ALL,
    call: (x, [choice, seed, length]) => {
      if (x.shape.length === 0) return undefined;
      const axis = choice % x.shape.length;
      if (seed % 3 === 0) return { twice: true, run: (both) => tf.concat(both, axis), bound: exact };
      const other = plain(x.shape.with(axis, length % 4), seed, true, x.dtype);
      return { more: [other], run: ([a, b]) => tf.concat([a!, b!, a!], axis), bound: exact };
    },
  },
  {
    name: 'stack',
    dtypes: ALL,
    call: (x, [axis]) => ({
      twice: true,
      run: (both) => tf.stack(both, axis % (x.shape.length + 1)),
      bound: exact,
    }),
  },
  alongAxis('unstack', (x, axis) => tf.unstack(x, axis), always, ALL),
  alongAxis('reverse', (x, axis) => tf.reverse(x, axis), always, ALL),
  {
    name: 'pad',
    dtypes: NUMBERS,
    call: (x, p) => {
      if (x.shape.length === 0) return undefined;
      const paddings = x.shape.map((_, axis): [number, number] => [p[axis]! % 3, (p[axis]! >> 2) % 3]);
      return { run: ([t]) => tf.pad(t!, paddings, 7), bound: exact };
    },
  },
  {
    name: 'tile',
    dtypes: ALL,
    call: (x, p) => {
      if (x.shape.length === 0) return undefined;
      const times = x.shape.map((_, axis) => 1 + (p[axis]! % 2));
      return { run: ([t]) => tf.tile(t!, times), bound: exact };
    },
  },
  alongAxis(
    'gather',
    (x, axis, [, a, b, c]) => {
      const n = x.shape[axis]!;
      return tf.gather(x, tf.tensor1d([a % n, b % n, c % n, a % n], 'int32'), axis);
    },
    always,
    ALL,
  ),
  {
    name: 'cast',
    dtypes: ALL,
    call: (_, [to]) => ({ run: ([t]) => tf.cast(t!, ALL[to % 3]!), bound: exact }),
  },
  {
    name: 'where',
    dtypes: NUMBERS,
    call: (x, [seed, kind]) => {
      const condition = plain(x.shape, seed, false, 'bool');
      const other = plain(x.shape, seed + 1, kind % 2 === 0, x.dtype);
      return { more: [condition, other], run: ([a, c, b]) => tf.where(c!, a!, b!), bound: exact };
    },
  },
];

/** Every op, in the order in which the commands number them. */
export const ops: readonly Op[] = [
  ...layout,
  binary('add', tf.add, exact),
  binary('sub', tf.sub, exact),
  binary('mul', tf.mul, exact),
  binary('div', tf.div, exact, FLOAT),
  binary('maximum', tf.maximum, exact),
  binary('minimum', tf.minimum, exact),
  // d = a − b is rounded before it is squared here and not there: relative 2 u, and u each.
  binary('squaredDifference', tf.squaredDifference, ulps(2.5, 2 ** -149), FLOAT),
  binary('greater', tf.greater, exact),
  binary('lessEqual', tf.lessEqual, exact),
  binary('equal', tf.equal, exact),
  binary('notEqual', tf.notEqual, exact),
  binary('prelu', tf.prelu, exact, FLOAT),
  binary('pow', tf.pow, ulps(1), FLOAT),
  binary('logicalAnd', tf.logicalAnd, exact, ['bool']),
  binary('mod', tf.mod, exact, FLOAT),
  unary('logicalNot', tf.logicalNot, exact, ['bool']),
  unary('neg', tf.neg, exact, NUMBERS),
  unary('abs', tf.abs, exact, NUMBERS),
  unary('sign', tf.sign, exact),
  unary('square', tf.square, exact, NUMBERS),
  unary('sqrt', tf.sqrt, exact),
  unary('reciprocal', tf.reciprocal, exact),
  unary('floor', tf.floor, exact),
  unary('ceil', tf.ceil, exact),
  unary('round', tf.round, exact),
  unary('relu', tf.relu, exact, NUMBERS),
  unary('relu6', tf.relu6, exact),
  unary('isNaN', tf.isNaN, exact),
  unary('isFinite', tf.isFinite, exact),
  unary('exp', tf.exp, ulps(1)),
  unary('expm1', tf.expm1, ulps(2)),
  unary('log', tf.log, ulps(1)),
  unary('log1p', tf.log1p, ulps(2)),
  unary('tanh', tf.tanh, ulps(6)),
  unary('sigmoid', tf.sigmoid, ulps(3)),
  unary('rsqrt', tf.rsqrt, ulps(2)),
  // On cpu elu is e^x − 1 in float64: off by 2⁻⁵³ where that cancels.
  unary('elu', tf.elu, ulps(2, 2 ** -52)),
  // Near a zero of sin or cos the reduction of the argument shows: 4e-15 |x|, |x| ≤ 8192.
  unary('sin', tf.sin, ulps(2, 4e-15 * 8192)),
  unary('cos', tf.cos, ulps(2, 4e-15 * 8192)),
  {
    name: 'leakyRelu, clip, step',
    dtypes: FLOAT,
    call: (_, [kind]) => ({
      run: ([x]) => [tf.leakyRelu(x!, 0.25), tf.clipByValue(x!, -0.5, 1.5), tf.step(x!, 0.5)][kind % 3]!,
      bound: exact,
    }),
  },
  reduction('sum', tf.sum, sums, NUMBERS),
  reduction('mean', tf.mean, (terms) => sums(terms + 2), NUMBERS, true),
  reduction('max', tf.max, always, NUMBERS, true),
  reduction('min', tf.min, always, NUMBERS, true),
  reduction('all', tf.all, always, ['bool'], true),
  reduction('any', tf.any, always, ['bool'], true),
  alongAxis(
    'prod',
    (x, axis) => tf.prod(x, axis),
    () => ulps(1, 2 ** -149),
    FLOAT,
  ),
  alongAxis('argMax', (x, axis) => tf.argMax(x, axis), always, NUMBERS),
  alongAxis('argMin', (x, axis) => tf.argMin(x, axis), always, NUMBERS),
  alongAxis('cumsum', (x, axis, [, e, r]) => tf.cumsum(x, axis, e % 2 === 1, r % 2 === 1), sums, FLOAT),
  {
    name: 'cumprod',
    dtypes: FLOAT,
    call: (x, [choice]) => {
      // In float64 here and rounded once; on cpu rounded at each step, so that ∞ and 0 stay where they come up.
      const ordinary = Array.from(x.values).every((value) => Math.abs(value) > 1e-3 && Math.abs(value) < 1e3);
      if (!ordinary || x.shape.length === 0 || count(x.shape) === 0) return undefined;
      const axis = choice % x.shape.length;
      const length = x.shape[axis]!;
      return length > 10 ? undefined : { run: ([t]) => tf.cumprod(t!, axis), bound: ulps(length) };
    },
  },
  {
    name: 'softmax',
    dtypes: FLOAT,
    call: (x) => {
      if (x.shape.length === 0 || count(x.shape) === 0) return undefined;
      // n additions, exp of 1 ulp and the rounding of its argument (here |x − max| ≤ 104), a division; terms below
      // 2⁻¹²⁶ are 0 here.
      const relative = 2 * (x.shape.at(-1)! + 6) + 2 * 104;
      return { run: ([t]) => tf.softmax(t!), bound: { kind: 'ulps', ulps: relative, absolute: 2 ** -125 } };
    },
  },
  {
    name: 'addN',
    dtypes: FLOAT,
    call: (x, [seed]) => {
      const other = plain(x.shape, seed, false);
      return { more: [other], run: ([a, b]) => tf.addN([a!, b!, a!]), bound: sums(2) };
    },
  },
  matMul,
  resize,
  pool,
  convolution,
  combine,
  gradient('add', tf.add, (x, magnitude) => sums(count(x.shape), magnitude), 2),
  gradient('sub', tf.sub, (x, magnitude) => sums(count(x.shape), magnitude), 2),
  gradient('mul', tf.mul, (x, magnitude) => sums(count(x.shape) + 1, magnitude), 2),
  gradient('div', tf.div, (x, magnitude) => sums(count(x.shape) + 4, magnitude), 2),
  gradient('square', tf.square, (_, magnitude) => sums(2, magnitude)),
  gradient('relu', tf.relu, () => exact),
  gradient('abs', tf.abs, () => exact),
  gradient('tanh', tf.tanh, ofIncoming(16)),
  gradient('sigmoid', tf.sigmoid, ofIncoming(8)),
  gradient('sin', tf.sin, ofIncoming(4)),
  gradient('cos', tf.cos, ofIncoming(4)),
  // The error of e^x, 1 ulp, is up to 2 ulp of the product; |dy| ≤ 2.
  gradient('exp', tf.exp, () => ulps(3, 2 ** -147)),
  gradient(
    'x Σx',
    (x) => tf.mul(x, tf.sum(x)),
    (x, magnitude) => sums(2 * count(x.shape) + 2, magnitude),
  ),
];

/** How far `actual` may be from `expected`. */
export function allowed(bound: Bound, expected: number, magnitude: number): number {
  if (bound.kind === 'exact') return 0;
  if (bound.kind === 'sums') return 2 * (bound.terms + 2) * U * magnitude + bound.terms * 2 ** -149;
  const ulp = 2 ** (Math.max(Math.floor(Math.log2(Math.abs(expected))), -126) - 23);
  return bound.ulps * ulp + bound.absolute;
}
