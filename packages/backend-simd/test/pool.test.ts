import { describe, expect, it, vi } from 'vitest';
import { moduleBytes } from '../src/module-bytes.ts';
import { controlOf, WORDS } from '../src/pieces.ts';
import { createPool, type PoolOptions } from '../src/pool.ts';
import { withSharedMemory } from '../src/shared-memory.ts';
import type { Wasm } from '../src/wasm.ts';
import { type HostedWorker, startWorker } from '../src/worker-host.ts';

const module = new WebAssembly.Module(withSharedMemory(moduleBytes('relaxed')));

/** A pool of its own over a memory of its own, with its workers. */
function poolOf(options: Partial<PoolOptions> = {}) {
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 65536, shared: true });
  const abort = () => {
    throw new Error('abort');
  };
  const instance = new WebAssembly.Instance(module, { env: { memory, abort } });
  const exports = instance.exports as WebAssembly.Exports & Wasm['exports'];
  const workers: HostedWorker[] = [];
  const start: typeof startWorker = (name, what) => {
    const worker = startWorker(name, what);
    workers.push(worker);
    return worker;
  };
  const roomOf = (thread: number) => 1_000_000 + 256 * thread;
  return {
    memory,
    exports,
    workers,
    pool: createPool({ module, memory, exports, roomOf, start, ...options }),
  };
}

/** Fills n words at 2 MB with 7. */
function fill({ pool, memory }: ReturnType<typeof poolOf>, n: number, pieces: number, unit = 1): Int32Array {
  const at = { base: 2_000_000, perItem: 4, perCount: 0, perThread: 0 };
  pool.run('fill32', { items: n, unit, pieces }, [at, { base: 0, perItem: 0, perCount: 1, perThread: 0 }, 7]);
  return new Int32Array(memory.buffer, 2_000_000, n + 1);
}

describe('a pool', () => {
  it('does every item once, in pieces of any size, on any number of threads', async () => {
    const mine = poolOf();
    for (const threads of [1, 3, 2, 4, 1]) {
      await mine.pool.resize(threads);
      expect(mine.pool.threads()).toBe(threads);
      for (const [n, pieces, unit] of [
        [1, 1, 1],
        [7, 7, 1],
        [1000, 3, 1],
        [1001, 2, 1000],
        [64, 4, 7],
        [1000, 31, 32],
        [5000, 5000, 1],
      ] as const) {
        new Int32Array(mine.memory.buffer).fill(0, 500_000);
        const words = fill(mine, n, pieces, unit);
        expect(
          words.slice(0, n).every((word) => word === 7),
          `${n} in ${pieces}`,
        ).toBe(true);
        expect(words[n]).toBe(0);
      }
    }
  });

  it('gives the workers a part of the work', async () => {
    const mine = poolOf();
    await mine.pool.resize(2);
    // Each piece writes its thread: perThread is what tells them apart.
    const seen = new Set<number>();
    for (let round = 0; round < 2000 && seen.size < 2; round++) {
      mine.pool.run('fill32', { items: 8, unit: 1, pieces: 8 }, [
        { base: 2_000_000, perItem: 200_000, perCount: 0, perThread: 0 },
        25_000,
        { base: 10, perItem: 0, perCount: 0, perThread: 1 },
      ]);
      for (let i = 0; i < 8; i++)
        seen.add(new Int32Array(mine.memory.buffer, 2_000_000 + 200_000 * i, 1)[0]!);
    }
    expect([...seen].sort()).toEqual([10, 11]);
    await mine.pool.resize(1);
  }, 60_000);

  it('gives every thread memory of its own for what kernels keep for a moment', async () => {
    const mine = poolOf();
    await mine.pool.resize(2);
    const x = new Float32Array(mine.memory.buffer, 2_000_000, 64 * 160).fill(1);
    const [from, to] = [x.byteOffset, 3_000_000].map((base) => ({
      base,
      perItem: 4,
      perCount: 0,
      perThread: 0,
    }));
    const count = { base: 0, perItem: 0, perCount: 1, perThread: 0 };
    // The sums of 16 columns pass through it.
    const room = new Float64Array(mine.memory.buffer, 1_000_000 + 256, 16);
    for (let round = 0; round < 5000 && room[0] === 0; round++) {
      mine.pool.run('sumColumns', { items: 160, unit: 16, pieces: 10 }, [from!, to!, 1, 64, 160, count, 1]);
    }
    expect([...room]).toEqual(new Array(16).fill(64));
    const sums = new Float32Array(mine.memory.buffer, 3_000_000, 161);
    expect([...sums]).toEqual([...new Array(160).fill(64), 0]);
    await mine.pool.resize(1);
  }, 60_000);

  it('reports what a kernel threw in a worker, after all pieces have ended, and goes on', async () => {
    const mine = poolOf();
    await mine.pool.resize(3);
    // Beyond the memory.
    const far = { base: 4e9, perItem: 4, perCount: 0, perThread: 0 };
    const run = () => mine.pool.run('fill32', { items: 9, unit: 1, pieces: 9 }, [far, 1, 7]);
    expect(run).toThrow(/^simd: a kernel failed: .*memory access out of bounds.*\. Please report this\.$/);
    expect(
      fill(mine, 1000, 10)
        .slice(0, 1000)
        .every((word) => word === 7),
    ).toBe(true);
    await mine.pool.resize(1);
  });

  it('goes on without a worker that was ended by others', async () => {
    const mine = poolOf();
    await mine.pool.resize(3);
    mine.workers[0]!.terminate();
    expect(
      fill(mine, 1000, 10)
        .slice(0, 1000)
        .every((word) => word === 7),
    ).toBe(true);
    await vi.waitFor(() => expect(mine.pool.threads()).toBe(1), 5000);
    expect(
      fill(mine, 1000, 10)
        .slice(0, 1000)
        .every((word) => word === 7),
    ).toBe(true);
    await mine.pool.resize(2);
    expect(mine.pool.threads()).toBe(2);
    await mine.pool.resize(1);
  });

  it('throws when a worker that has a piece does not answer', async () => {
    // It takes a piece while this thread does its first, and is not heard of again.
    let words: Int32Array = new Int32Array();
    const start: typeof startWorker = (_name, { control }) => {
      words = controlOf(control).words;
      const host: HostedWorker = { onMessage() {}, onError() {}, unref() {}, terminate() {} };
      setTimeout(() => host.onMessage('ready'));
      return host;
    };
    const other = poolOf();
    const fill32: typeof other.exports.fill32 = (...values) => {
      other.exports.fill32(...values);
      if (Atomics.load(words, WORDS.TICKETS + 16) === 5) Atomics.store(words, WORDS.TICKETS + 16, 4);
    };
    const exports = { ...other.exports, fill32 };
    const mine = { ...other, pool: poolOf({ start, patience: 50, exports }).pool };
    await mine.pool.resize(2);
    expect(() => fill(mine, 1000, 10)).toThrow(
      'simd: a thread has died or did not answer for 0.05 s. The threads were ended; results that were being computed are lost. Go on with one thread, or call setThreads again.',
    );
    await vi.waitFor(() => expect(mine.pool.threads()).toBe(1), 5000);
    expect(
      fill(mine, 1000, 10)
        .slice(0, 1000)
        .every((word) => word === 7),
    ).toBe(true);
  });

  it('says which worker could not start, and why', async () => {
    const refusing: typeof startWorker = () => {
      throw new Error('SecurityError: blob: is not allowed');
    };
    await expect(poolOf({ start: refusing }).pool.resize(2)).rejects.toThrow(
      "setThreads: thread 1 could not start: Error: SecurityError: blob: is not allowed. A Content-Security-Policy must allow worker-src blob: and script-src 'wasm-unsafe-eval'; setThreads(1) needs no workers.",
    );
    const dying: typeof startWorker = (name, what) =>
      name === 'simd-2'
        ? startWorker(name, { ...what, memory: what.memory.buffer as never })
        : startWorker(name, what);
    const mine = poolOf({ start: dying });
    await expect(mine.pool.resize(3)).rejects.toThrow('setThreads: thread 2 could not start: ');
    expect(mine.pool.threads()).toBe(1);
    await mine.pool.resize(2);
    expect(mine.pool.threads()).toBe(2);
    await mine.pool.resize(1);
  });
});
