/**
 * A tfjs backend in float64, to measure orders of convergence far below the rounding of float32 on the production
 * samplers, to the last line: sampler updates are `combine`, which is a kernel here, and what the driver and the error
 * estimates of adaptive samplers use besides is a dozen of elementary ops. Plain loops, for small tensors.
 *
 * Noise is whatever `noiseSource` says, so that a run can draw from a given Brownian path or be probed draw by draw.
 * What tfjs reads back (`data()`) is float32; `float64Values` reads all digits.
 */
import { threefry4x32 } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';

/** Standard normal draws of the stream with these key words, for that shape. */
export type NoiseSource = (words: readonly number[], shape: readonly number[]) => Float64Array;

/** Box–Muller on Threefry words: a Gaussian stream for each key, in float64 (not the one of `normal`). */
export const keyedNoise: NoiseSource = (words, shape) => {
  const block = new Uint32Array(4);
  return Float64Array.from({ length: tf.util.sizeFromShape([...shape]) }, (_, i) => {
    threefry4x32(words as [number, number, number, number], i, 0, 0, 7, block, 0);
    const radius = Math.sqrt(-2 * Math.log((block[0]! + 0.5) * 2 ** -32));
    return radius * Math.cos(2 * Math.PI * block[1]! * 2 ** -32);
  });
};

interface Stored {
  readonly values: Float64Array;
  references: number;
}

/** Instances of tfjs's storage classes are keyed by opaque objects. */
class Float64Backend extends tf.KernelBackend {
  readonly stored = new Map<tf.DataId, Stored>();
  noise: NoiseSource = keyedNoise;

  put(values: Float64Array): tf.DataId {
    const dataId = {};
    this.stored.set(dataId, { values, references: 1 });
    return dataId;
  }
  at(dataId: tf.DataId): Stored {
    const found = this.stored.get(dataId);
    if (!found) throw new Error('this tensor is not of the float64 backend, or is disposed of');
    return found;
  }
  output(values: Float64Array, shape: readonly number[]): tf.TensorInfo {
    return { dataId: this.put(values), shape: [...shape], dtype: 'float32' };
  }
  override write(values: tf.backend_util.BackendValues): tf.DataId {
    return this.put(Float64Array.from(values, Number));
  }
  override readSync(dataId: tf.DataId): tf.backend_util.BackendValues {
    return Float32Array.from(this.at(dataId).values);
  }
  override async read(dataId: tf.DataId): Promise<tf.backend_util.BackendValues> {
    return this.readSync(dataId);
  }
  override disposeData(dataId: tf.DataId, force = false): boolean {
    const data = this.stored.get(dataId);
    if (!data) return true;
    data.references--;
    if (!force && data.references > 0) return false;
    this.stored.delete(dataId);
    return true;
  }
  override incRef(dataId: tf.DataId): void {
    this.at(dataId).references++;
  }
  override refCount(dataId: tf.DataId): number {
    return this.stored.get(dataId)?.references ?? 0;
  }
  override numDataIds(): number {
    return this.stored.size;
  }
  override memory(): { unreliable: boolean } {
    return { unreliable: false };
  }
  override floatPrecision(): 16 | 32 {
    return 32;
  }
  override epsilon(): number {
    return 1e-7;
  }
  override dispose(): void {
    this.stored.clear();
  }
}

const backend = new Float64Backend();

/** From now on runs draw their noise from here. */
export function noiseSource(source: NoiseSource = keyedNoise): void {
  backend.noise = source;
}

/** All digits of a tensor. */
export function float64Values(x: tf.TensorInfo): Float64Array {
  return backend.at(x.dataId).values;
}

/** A tensor of these values, owned by the caller. */
export function float64Tensor(values: Float64Array, shape: readonly number[]): tf.Tensor {
  return tf.engine().makeTensorFromDataId(backend.put(values), [...shape], 'float32', backend);
}

type Run = (inputs: tf.NamedTensorInfoMap, attrs: tf.NamedAttrMap) => tf.TensorInfo;

function kernel(kernelName: string, run: Run): void {
  tf.registerKernel({
    kernelName,
    backendName: 'float64',
    kernelFunc: ({ inputs, attrs }) => run(inputs, attrs ?? {}),
  });
}

function alias({ dataId, dtype }: tf.TensorInfo, shape: readonly number[]): tf.TensorInfo {
  backend.incRef(dataId);
  return { dataId, dtype, shape: [...shape] };
}

function unary(name: string, f: (v: number) => number): void {
  kernel(name, ({ x }) => backend.output(float64Values(x!).map(f), x!.shape));
}

function binary(name: string, f: (p: number, q: number) => number): void {
  kernel(name, ({ a, b }) => {
    const shape = tf.backend_util.assertAndGetBroadcastShape(a!.shape, b!.shape);
    const strides = [a!, b!].map((x) => {
      const own = tf.util.computeStrides([...x.shape, 1]);
      const missing = shape.length - x.shape.length;
      return shape.map((_, axis) => (x.shape[axis - missing] === 1 ? 0 : (own[axis - missing] ?? 0)));
    });
    const outer = tf.util.computeStrides([...shape, 1]);
    const [p, q] = [float64Values(a!), float64Values(b!)];
    const out = new Float64Array(tf.util.sizeFromShape(shape));
    for (let i = 0; i < out.length; i++) {
      let [ia, ib] = [0, 0];
      shape.forEach((size, axis) => {
        const place = Math.floor(i / outer[axis]!) % size;
        ia += place * strides[0]![axis]!;
        ib += place * strides[1]![axis]!;
      });
      out[i] = f(p[ia]!, q[ib]!);
    }
    return backend.output(out, shape);
  });
}

/** Reductions over the last axes, to which all reductions of samplers come down. */
function reduction(name: string, attribute: string, f: (values: Float64Array) => number): void {
  kernel(name, ({ x }, attrs) => {
    const axes = tf.util.parseAxisParam(attrs[attribute] as number[], x!.shape);
    const [kept, reduced] = tf.backend_util.computeOutAndReduceShapes(x!.shape, axes);
    if (!tf.backend_util.axesAreInnerMostDims(axes, x!.shape.length)) {
      throw new Error(`float64: ${name} reduces last axes only`);
    }
    const size = tf.util.sizeFromShape(reduced);
    const out = new Float64Array(tf.util.sizeFromShape(kept));
    for (let i = 0; i < out.length; i++) out[i] = f(float64Values(x!).subarray(i * size, (i + 1) * size));
    return backend.output(out, kept);
  });
}

const sum = (values: Float64Array): number => values.reduce((p, q) => p + q, 0);

interface CombineAttrs {
  readonly terms: number;
  readonly weights: readonly (number | null)[];
  readonly constant: number;
  readonly noise: { readonly scale: number | null; readonly key: readonly number[] } | null;
}

function combine(inputs: tf.NamedTensorInfoMap, attrs: CombineAttrs): tf.TensorInfo {
  const { shape } = inputs.x0!;
  const out = new Float64Array(tf.util.sizeFromShape(shape)).fill(attrs.constant);
  const rowLength = out.length / (shape[0] ?? 1);
  const add = (values: Float64Array, weight: number | null, vector: tf.TensorInfo | undefined): void => {
    const own = vector && float64Values(vector);
    for (let i = 0; i < out.length; i++) {
      out[i]! += (own ? own[Math.floor(i / rowLength)]! : weight!) * values[i]!;
    }
  };
  for (let i = 0; i < attrs.terms; i++) {
    add(float64Values(inputs[`x${i}`]!), attrs.weights[i]!, inputs[`w${i}`]);
  }
  if (attrs.noise) add(backend.noise(attrs.noise.key, shape), attrs.noise.scale, inputs.c);
  return backend.output(out, shape);
}

tf.registerBackend('float64', () => backend, 0);
kernel('DiffCombine', (inputs, attrs) => combine(inputs, attrs as object as CombineAttrs));
kernel('DiffNormal', (_, attrs) => {
  const shape = attrs.shape as number[];
  return backend.output(backend.noise(attrs.key as number[], shape), shape);
});
kernel(tf.Identity, ({ x }) => alias(x!, x!.shape));
kernel(tf.Cast, ({ x }) => alias(x!, x!.shape));
kernel(tf.Reshape, ({ x }, attrs) =>
  alias(x!, tf.util.inferFromImplicitShape(attrs.shape as number[], tf.util.sizeFromShape(x!.shape))),
);
kernel(tf.Fill, (_, attrs) => {
  const shape = attrs.shape as number[];
  return backend.output(new Float64Array(tf.util.sizeFromShape(shape)).fill(attrs.value as number), shape);
});
kernel(tf.Pack, (inputs) => {
  const parts = Object.values(inputs) as tf.TensorInfo[];
  const values = parts.flatMap((part) => [...float64Values(part)]);
  return backend.output(Float64Array.from(values), [parts.length, ...parts[0]!.shape]);
});
unary(tf.Abs, Math.abs);
unary(tf.Neg, (v) => -v);
unary(tf.Sqrt, Math.sqrt);
unary(tf.Square, (v) => v * v);
binary(tf.Add, (p, q) => p + q);
binary(tf.Sub, (p, q) => p - q);
binary(tf.Multiply, (p, q) => p * q);
binary(tf.RealDiv, (p, q) => p / q);
binary(tf.Maximum, Math.max);
binary(tf.Minimum, Math.min);
reduction(tf.Sum, 'axis', sum);
reduction(tf.Mean, 'axis', (values) => sum(values) / values.length);
reduction(tf.Max, 'reductionIndices', (values) => Math.max(...values));
