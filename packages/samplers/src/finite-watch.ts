/**
 * Watches that numbers stay finite without stopping for them.
 *
 * Each watched tensor leaves one scalar behind, its sum, which is NaN or infinite where an element is. A few of
 * these travel to the host together and asynchronously while the run goes on; a bad one stops the run some steps
 * later, at the latest at its end, with the label of the *first* bad tensor. A sum (rather than `isFinite`) because it
 * is one reduction, and because shading languages may assume that NaN does not occur while arithmetic keeps it.
 */
import { NumericalError } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';

/** Sums that travel together, and the longest time in milliseconds that one waits for company. */
const BATCH = 8;
const PATIENCE = 100;

export interface FiniteWatch {
  /** Watches a tensor; `describe(sum)` is the message if it is bad. The tensor stays the caller's. */
  add(tensor: tf.Tensor, describe: (sum: number) => string): void;
  /** Sends off what has come together, so that it does not grow; waits only for old news, and throws nothing. */
  pass(): Promise<void>;
  /** Once per step: the same, and throws NumericalError for what is known to be bad by now. */
  check(): Promise<void>;
  /** Waits for everything watched so far; throws NumericalError if any of it was bad. */
  settle(): Promise<void>;
  /** Frees the scalars; never throws. */
  close(): Promise<void>;
}

export function createFiniteWatch(): FiniteWatch {
  let waiting: { sum: tf.Tensor; describe: (sum: number) => string }[] = [];
  const travelling: Promise<void>[] = [];
  let failure: NumericalError | undefined;
  let last = Number.NEGATIVE_INFINITY;

  async function read(sums: tf.Tensor, describe: readonly ((sum: number) => string)[]): Promise<void> {
    try {
      const values = await sums.data();
      const bad = values.findIndex((v) => !Number.isFinite(v));
      if (bad >= 0) failure ??= new NumericalError(describe[bad]!(values[bad]!));
    } finally {
      sums.dispose();
    }
  }

  function send(): void {
    last = performance.now();
    if (waiting.length === 0) return;
    const sums = tf.stack(waiting.map((w) => w.sum));
    tf.dispose(waiting.map((w) => w.sum));
    const journey = read(
      sums,
      waiting.map((w) => w.describe),
    );
    journey.catch(() => undefined); // reported where it is awaited
    travelling.push(journey);
    waiting = [];
  }

  async function pass(): Promise<void> {
    if (failure || waiting.length === 0) return;
    if (waiting.length < BATCH && performance.now() - last < PATIENCE) return;
    send();
    // All but the newest were sent at least a batch ago.
    await Promise.all(travelling.splice(0, travelling.length - 1));
  }

  return {
    add(tensor, describe) {
      waiting.push({ sum: tf.sum(tensor), describe });
    },
    pass,
    async check() {
      await pass();
      if (failure) throw failure;
    },
    async settle() {
      send();
      await Promise.all(travelling.splice(0));
      if (failure) throw failure;
    },
    async close() {
      tf.dispose(waiting.map((w) => w.sum));
      waiting = [];
      await Promise.allSettled(travelling.splice(0));
    },
  };
}
