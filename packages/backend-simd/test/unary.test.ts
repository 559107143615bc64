import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { kernelCounts, resetKernelCounts } from '../src/index.ts';
import { besideCpu, LENGTHS } from './beside-cpu.ts';
import { type Build, builds } from './builds.ts';
import { noise } from './noise.ts';

/** erf in float64: its series, and the continued fraction of erfc. */
function erf(x: number): number {
  const a = Math.abs(x);
  if (x === 0) return x;
  if (a > 6) return Math.sign(x);
  if (a < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; n < 80; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (sum * 2) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let k = 80; k > 0; k--) fraction = k / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction));
}

const even = (x: number): number => {
  const r = Math.round(x);
  return r - x === 0.5 && r % 2 !== 0 ? r - 1 : r;
};

/** What each function is, and how many units in the last place it may be off (0.5: correctly rounded). */
const functions = [
  ['exp', Math.exp, 1.1],
  ['expm1', Math.expm1, 2],
  ['log', Math.log, 1],
  ['log1p', Math.log1p, 2],
  ['softplus', (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), 3],
  ['tanh', Math.tanh, 6],
  ['erf', erf, 8],
  ['sigmoid', (x: number) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x))), 3],
  ['sqrt', Math.sqrt, 0.5],
  ['rsqrt', (x: number) => 1 / Math.sqrt(x), 2],
  ['square', (x: number) => x * x, 0.5],
  ['neg', (x: number) => -x, 0.5],
  ['abs', Math.abs, 0.5],
  ['reciprocal', (x: number) => 1 / x, 0.5],
  ['sign', (x: number) => (x > 0 ? 1 : x < 0 ? -1 : 0), 0.5],
  ['floor', Math.floor, 0.5],
  ['ceil', Math.ceil, 0.5],
  ['round', even, 0.5],
  ['relu', (x: number) => Math.max(x, 0), 0.5],
  ['relu6', (x: number) => Math.min(Math.max(x, 0), 6), 0.5],
  ['elu', (x: number) => (x < 0 ? Math.expm1(x) : x), 2],
] as const;

const names = [...functions.map(([name]) => name), 'sin', 'cos'] as const;

/** Distance between neighbouring float32 numbers at y. */
function ulp(y: number): number {
  return 2 ** (Math.max(Math.floor(Math.log2(Math.abs(y))), -126) - 23);
}

const SPECIAL = [Number.NaN, Infinity, -Infinity, 0, -0, 2 ** -149, -(2 ** -149), 2 ** -126, -(2 ** -126)];
const MAX = (2 - 2 ** -23) * 2 ** 127;
const EDGES = [
  ...SPECIAL,
  1e-40,
  -1e-40,
  1,
  -1,
  0.5,
  1.5,
  2.5,
  -0.5,
  -1.5,
  88.72,
  89,
  -87.4,
  -103.9,
  -104,
  MAX,
  -MAX,
];

/** Numbers over all exponents and signs, subnormals too, then evenly between −20 and 20, and the edges. */
function sweep(x: Float32Array<ArrayBuffer>): void {
  const bits = new Uint32Array(x.buffer, x.byteOffset, x.length);
  const half = x.length / 2;
  for (let i = 0; i < half; i++) bits[i] = Math.floor((i / half) * 2 ** 32) + ((i * 7919) & 0x1fff);
  for (let i = half; i < x.length; i++) x[i] = ((i - half) / half - 0.5) * 40;
  x.set(EDGES, half - EDGES.length);
}

function expectFunction(
  build: Build,
  name: (typeof functions)[number][0],
  f: (x: number) => number,
  bound: number,
): void {
  const n = 1 << 18;
  const x = build.floats(0, n);
  const out = build.floats(1, n);
  sweep(x);
  build.kernels[name](x.byteOffset, out.byteOffset, n);
  for (let i = 0; i < n; i++) {
    const exact = f(x[i]!);
    const actual = out[i]!;
    const rounded = Math.fround(exact);
    // −0 is kept by odd functions; relu(−0) and the like may be either zero.
    if (actual === rounded && (actual !== 0 || name.startsWith('relu') || Object.is(actual, rounded)))
      continue;
    if (Number.isNaN(actual) && Number.isNaN(rounded)) continue;
    // At the largest numbers an error within the bound may round to ∞ or back.
    const [p, q] = [actual, rounded].map((y) => (Math.abs(y) === Infinity ? Math.sign(y) * 2 ** 128 : y));
    const far = Number.isFinite(rounded) ? Math.abs(p! - exact) : Math.abs(p! - q!);
    if (!(far <= bound * ulp(Math.min(Math.abs(exact), MAX))) || (actual === 0 && rounded === 0)) {
      expect.fail(`${build.name} ${name}(${x[i]}) is ${actual}, expected ${exact}, ${far / ulp(exact)} ulp`);
    }
  }
}

describe.each(builds)('elementwise functions, $name build', (build) => {
  it.each(functions)('%s is as accurate as stated over all floats', (name, f, bound) => {
    expectFunction(build, name, f, bound);
  });

  it('the errors of log average out where its polynomial is longest: each coefficient is right', () => {
    const n = 1 << 16;
    const [x, out] = [build.floats(0, n), build.floats(1, n)];
    for (let i = 0; i < n; i++) x[i] = 1.4 + (0.0142 * i) / n;
    build.kernels.log(x.byteOffset, out.byteOffset, n);
    let sum = 0;
    for (let i = 0; i < n; i++) sum += (out[i]! - Math.log(x[i]!)) / 2 ** -25;
    // Rounding alone leaves some 0.3/√n of an ulp; the first coefficient, 2⁻¹⁰ of it wrong, a third of one.
    expect(Math.abs(sum / n)).toBeLessThan(0.15);
  });

  it.each([
    ['sin', Math.sin],
    ['cos', Math.cos],
  ] as const)('%s is as accurate as stated, next to zeros and for huge arguments too', (name, f) => {
    const n = 1 << 18;
    const x = build.floats(0, n);
    const out = build.floats(1, n);
    for (const at of [
      (i: number) => (i / n - 0.5) * 16384,
      (i: number) => (i - n / 2) * 0.02 * (Math.PI / 2),
      (i: number) => Math.round((i / n - 0.5) * 8192) * (Math.PI / 2),
      undefined,
    ]) {
      if (at) for (let i = 0; i < n; i++) x[i] = at(i);
      else sweep(x);
      build.kernels[name](x.byteOffset, out.byteOffset, n);
      for (let i = 0; i < n; i++) {
        const exact = f(x[i]!);
        if (Number.isNaN(exact) ? Number.isNaN(out[i]!) : x[i] === 0 && Object.is(exact, out[i])) continue;
        const bound = 2 * ulp(exact) + (Math.abs(x[i]!) <= 8192 ? 4e-15 * Math.abs(x[i]!) : 0);
        const error = Math.abs(out[i]! - exact);
        if (!(error <= bound)) expect.fail(`${build.name} ${name}(${x[i]}) is ${out[i]}, expected ${exact}`);
      }
    }
  });

  it('gives an element the same bits at any place and beside anything', () => {
    const n = 24;
    const x = build.floats(0, n);
    const out = build.floats(1, n);
    for (const name of names) {
      for (const value of [...EDGES, 0.3, -0.7, 3.3, 9999.5]) {
        const seen = new Set<number>();
        for (let place = 0; place < n; place++) {
          for (const other of [1, -1e-42, 1e30, Number.NaN]) {
            x.fill(other);
            x[place] = value;
            build.kernels[name](x.byteOffset, out.byteOffset, n);
            seen.add(new Uint32Array(out.buffer, out.byteOffset, n)[place]!);
          }
        }
        expect(seen.size, `${name}(${value})`).toBe(1);
      }
    }
  });

  it('may write over its input', () => {
    const n = 1003;
    for (const name of names) {
      const x = build.floats(0, n);
      const out = build.floats(1, n);
      const values = noise(n, 3).map((v) => 5 * v);
      x.set(values);
      build.kernels[name](x.byteOffset, out.byteOffset, n);
      build.kernels[name](x.byteOffset, x.byteOffset, n);
      expect(x, name).toEqual(out);
    }
  });

  it('clip, leakyRelu and step take their parameters', () => {
    const x = build.floats(0, EDGES.length);
    const out = build.floats(1, EDGES.length);
    x.set(EDGES);
    const [from, to, n] = [x.byteOffset, out.byteOffset, EDGES.length];
    build.kernels.clip(from, to, n, -0.75, 1.25);
    expect([...out]).toEqual([...x].map((v) => Math.min(Math.max(v, -0.75), 1.25)));
    build.kernels.leakyRelu(from, to, n, 0.25);
    expect([...out]).toEqual([...x].map((v) => Math.fround(v < 0 ? 0.25 * v : v)));
    build.kernels.step(from, to, n, 0.25);
    expect([...out]).toEqual([...x].map((v) => (Number.isNaN(v) ? v : v > 0 ? 1 : 0.25)));
  });
});

describe('elementwise ops of the backend', () => {
  beforeEach(() => tf.setBackend('simd'));

  it('agree with the cpu backend at every length, on kernels of their own', async () => {
    resetKernelCounts();
    for (const n of LENGTHS) {
      await besideCpu(
        () => {
          const x = tf.tensor1d(noise(n, 1).map((v) => 4 * v));
          const positive = tf.tensor1d(noise(n, 1).map((v) => Math.abs(4 * v) + 0.01));
          return [
            tf.exp(x),
            tf.expm1(x),
            tf.sin(x),
            tf.cos(x),
            tf.tanh(x),
            tf.sigmoid(x),
            tf.softplus(x),
            tf.elu(x),
            tf.log(positive),
            tf.log1p(positive),
            tf.sqrt(positive),
            tf.rsqrt(positive),
            tf.square(x),
            tf.neg(x),
            tf.abs(x),
            tf.reciprocal(positive),
            tf.sign(x),
            tf.floor(x),
            tf.ceil(x),
            tf.round(x),
            tf.relu(x),
            tf.relu6(x),
            tf.leakyRelu(x, 0.3),
            tf.clipByValue(x, -1, 0.5),
            tf.step(x, 0.1),
          ];
        },
        `length ${n}`,
        { relative: 1e-6, absolute: 1e-6 },
      );
    }
    for (const { kernel, own, fallback } of kernelCounts()) {
      expect({ kernel, own, fallback }).toEqual({ kernel, own: LENGTHS.length, fallback: 0 });
    }
    expect(kernelCounts().length).toBe(25);
  });

  it('say what is NaN and what is finite at every length', async () => {
    for (const n of LENGTHS) {
      await besideCpu(() => {
        const x = tf.tensor1d(noise(n, 2).map((v, i) => (v < -0.5 ? SPECIAL[i % SPECIAL.length]! : v)));
        return [tf.isNaN(x), tf.isFinite(x)];
      }, `length ${n}`);
    }
    resetKernelCounts();
    tf.dispose([tf.isNaN([1, 2]), tf.isFinite([1, 2])]);
    expect(kernelCounts().map(({ own, fallback }) => [own, fallback])).toEqual([
      [1, 0],
      [1, 0],
    ]);
  });

  it('keep integers integers', async () => {
    const x = (): tf.Tensor => tf.tensor1d([-3, 0, 7, 16777217], 'int32');
    await besideCpu(
      () => [
        tf.neg(x()),
        tf.abs(x()),
        tf.square(x()),
        tf.relu(x()),
        tf.sign(x()),
        tf.clipByValue(x(), -1, 5),
      ],
      'int32',
    );
  });

  it('erf is never beyond 1', async () => {
    await tf.setBackend('simd');
    const x = tf.linspace(3, 4.5, 100_001);
    const highest = tf.max(tf.erf(x));
    expect((await highest.data())[0]).toBe(1);
  });
});
