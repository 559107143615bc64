/**
 * Random sequences of ops on simd beside cpu. Each op gets, on cpu, the numbers that simd has at that point: so the bound
 * of every comparison is that of one op, however long the sequence. A pool of results stays alive, with a copy of
 * what each held when it was made; every tensor must still hold it when it is disposed, in whatever order that is.
 */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import '../src/index.ts';
import { allowed, type Bound, ops, type Run } from './random-ops.ts';
import { type NumericType, type Plain, plain, shapes } from './random-tensors.ts';

type Parameters = readonly [number, number, number, number];

type Command =
  | { readonly make: number[]; readonly seed: number; readonly wild: boolean }
  | { readonly op: number; readonly x: number; readonly p: Parameters }
  | { readonly dispose: number };

/** What a run has done. */
interface Tally {
  sequences: number;
  calls: number;
  elements: number;
  /** Elements whose sum may leave float32 on one side and not on the other: not compared. */
  beyondRange: number;
  readonly byOp: Map<string, number>;
}

export function tally(): Tally {
  return { sequences: 0, calls: 0, elements: 0, beyondRange: 0, byOp: new Map() };
}

const POOL = 10;
const LARGEST = 4000;
const MAX = (2 - 2 ** -23) * 2 ** 127;

const parameter = fc.nat(1023);

/** Sequences of up to `maxLength` steps. */
export function sequences(maxLength: number): fc.Arbitrary<Command[]> {
  return fc.array(
    fc.oneof(
      { weight: 2, arbitrary: fc.record({ make: shapes, seed: parameter, wild: fc.boolean() }) },
      {
        weight: 8,
        arbitrary: fc.record({
          op: fc.nat(ops.length - 1),
          x: parameter,
          p: fc.tuple(parameter, parameter, parameter, parameter),
        }),
      },
      { weight: 1, arbitrary: fc.record({ dispose: parameter }) },
    ),
    { minLength: 1, maxLength },
  );
}

function tensorOf({ values, shape, dtype }: Plain): tf.Tensor {
  return tf.tensor(Array.from(values), shape, dtype);
}

function plainOf(t: tf.Tensor): Plain {
  return { shape: t.shape, dtype: t.dtype as NumericType, values: t.dataSync() };
}

function outputs(run: Run, inputs: tf.Tensor[]): tf.Tensor[] {
  const made = tf.tidy(() => run(inputs));
  return Array.isArray(made) ? made : [made];
}

/** The same op on the cpu backend, from plain numbers. */
async function onCpu(run: Run, inputs: readonly Plain[]): Promise<Plain[]> {
  await tf.setBackend('cpu');
  const tensors = inputs.map(tensorOf);
  const made = outputs(run, tensors);
  const results = made.map(plainOf);
  tf.dispose([...tensors, ...made]);
  await tf.setBackend('simd');
  return results;
}

const absolute = ({ shape, dtype, values }: Plain): Plain => ({
  shape,
  dtype,
  values: Float32Array.from(values, Math.abs),
});

const same = (p: number, q: number): boolean => p === q || (Number.isNaN(p) && Number.isNaN(q));
/** ∞ as the number after the last, so that an error of one unit may cross the end of the range. */
const bounded = (y: number): number => (Math.abs(y) === Infinity ? Math.sign(y) * 2 ** 128 : y);

interface Comparison {
  readonly label: string;
  readonly bound: Bound;
  /** Is any input large enough for a sum to leave float32, or infinite, or NaN? */
  readonly extreme: boolean;
  readonly count: Tally;
}

function compare(actual: Plain, expected: Plain, magnitude: Plain | undefined, how: Comparison): void {
  const { label, bound, extreme, count } = how;
  if (`${actual.shape}` !== `${expected.shape}` || actual.dtype !== expected.dtype) {
    throw new Error(
      `${label} is ${actual.dtype} [${actual.shape}], expected ${expected.dtype} [${expected.shape}]`,
    );
  }
  for (let i = 0; i < expected.values.length; i++) {
    const [p, q] = [actual.values[i]!, expected.values[i]!];
    count.elements++;
    if (same(p, q)) continue;
    const size = magnitude ? Math.abs(magnitude.values[i]!) : 0;
    if (bound.kind === 'sums' && extreme && !(size * bound.terms < MAX)) {
      count.beyondRange++;
      continue;
    }
    const far = Math.abs(bounded(p) - bounded(q));
    const limit = allowed(bound, Math.min(Math.abs(q), MAX), size);
    if (!(far <= limit)) {
      throw new Error(
        `${label}[${i}] of [${expected.shape}] is ${p}, expected ${q}; off by ${far}, allowed ${limit}`,
      );
    }
  }
}

interface Kept {
  readonly tensor: tf.Tensor;
  readonly copy: Plain;
  readonly from: string;
}

function release({ tensor, copy, from }: Kept): void {
  const now = tensor.dataSync();
  for (let i = 0; i < copy.values.length; i++) {
    if (!Object.is(now[i], copy.values[i])) {
      throw new Error(
        `the result of ${from} changed while it lived: [${i}] is ${now[i]}, was ${copy.values[i]}`,
      );
    }
  }
  tensor.dispose();
}

async function call(
  command: { readonly op: number; readonly x: number; readonly p: Parameters },
  pool: Kept[],
  count: Tally,
): Promise<void> {
  const op = ops[command.op]!;
  let operand = pool[command.x % pool.length]!;
  const dtype = op.dtypes.includes(operand.copy.dtype) ? operand.copy.dtype : op.dtypes[0]!;
  if (dtype !== operand.copy.dtype) {
    const tensor = tf.cast(operand.tensor, dtype);
    operand = { tensor, copy: plainOf(tensor), from: 'cast' };
    pool.push(operand);
  }
  const made = op.call(operand.copy, command.p);
  if (!made) return;
  const { more = [], run, bound } = made;
  const extra = more.map(tensorOf);
  const twice = made.twice ? [operand] : [];
  const results = outputs(run, [operand.tensor, ...twice.map(({ tensor }) => tensor), ...extra]);
  tf.dispose(extra);
  const inputs = [operand.copy, ...twice.map(({ copy }) => copy), ...more];
  const expected = await onCpu(run, inputs);
  const magnitudes =
    bound.kind === 'sums' ? await onCpu(bound.magnitude ?? run, inputs.map(absolute)) : undefined;
  const extreme = inputs.some(({ values }) => Array.from(values).some((v) => !(Math.abs(v) < 1e12)));
  if (results.length !== expected.length) throw new Error(`${op.name}: ${results.length} results`);
  results.forEach((tensor, k) => {
    const label = `${op.name}(${command.p}) of ${dtype} [${operand.copy.shape}]: result ${k}`;
    const copy = plainOf(tensor);
    compare(copy, expected[k]!, magnitudes?.[k], { label, bound, extreme, count });
    if (copy.values.length <= LARGEST && copy.shape.length <= 4 && k < 2)
      pool.push({ tensor, copy, from: op.name });
    else tensor.dispose();
  });
  count.calls++;
  count.byOp.set(op.name, (count.byOp.get(op.name) ?? 0) + 1);
}

/** Runs one sequence; throws where simd and cpu differ, an old result changed, or a tensor leaked. */
export async function runSequence(commands: readonly Command[], count: Tally): Promise<void> {
  await tf.setBackend('simd');
  const before = tf.memory().numTensors;
  const pool: Kept[] = [];
  const keep = (copy: Plain): number => pool.push({ tensor: tensorOf(copy), copy, from: 'make' });
  keep(plain([3, 5], 1, false));
  try {
    for (const command of commands) {
      if ('make' in command) keep(plain(command.make, command.seed, command.wild));
      else if ('op' in command) await call(command, pool, count);
      else if (pool.length > 1) release(pool.splice(command.dispose % pool.length, 1)[0]!);
      while (pool.length > POOL) release(pool.splice((pool.length * 7) % 5, 1)[0]!);
    }
    while (pool.length > 0) release(pool.splice((commands.length * 3) % pool.length, 1)[0]!);
  } finally {
    await tf.setBackend('simd');
    for (const { tensor } of pool) tensor.dispose();
  }
  if (tf.memory().numTensors !== before) throw new Error(`${tf.memory().numTensors - before} tensors leaked`);
  count.sequences++;
}
