import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { setThreads, simdInfo } from '../src/index.ts';

/** A copy of the package of its own, with another engine around it. */
async function fresh() {
  vi.resetModules();
  return import('../src/index.ts');
}

describe('setThreads', () => {
  afterEach(async () => {
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
    await setThreads(1);
  });

  it('starts, adds and ends threads, and says how many there are', async () => {
    expect(simdInfo().threads).toBe(1);
    for (const n of [2, 3, 1, 2]) {
      expect(await setThreads(n)).toBe(n);
      expect(simdInfo().threads).toBe(n);
    }
    await Promise.all([setThreads(4), setThreads(2), setThreads(3)]);
    expect(simdInfo().threads).toBe(3);
  });

  it("takes what the machine offers for 'auto'", async () => {
    vi.stubGlobal('navigator', { hardwareConcurrency: 3 });
    expect(await setThreads('auto')).toBe(3);
    vi.stubGlobal('navigator', {});
    expect(await setThreads('auto')).toBe(1);
  });

  it.each([0, -1, 1.5, Number.NaN, 65])('does not take %s', async (n) => {
    await expect(setThreads(n)).rejects.toThrow(
      `setThreads: n must be an integer from 1 to 64 or 'auto', got ${n}. Use 'auto' if in doubt.`,
    );
  });

  it('says what is missing where there can be no threads', async () => {
    vi.stubGlobal('crossOriginIsolated', false);
    const isolated = await fresh();
    const headers =
      'this page is not cross-origin isolated: its server must send the headers ' +
      '"Cross-Origin-Opener-Policy: same-origin" and "Cross-Origin-Embedder-Policy: require-corp"';
    expect(isolated.simdInfo()).toMatchObject({ threads: 1, whyNoThreads: headers });
    await expect(isolated.setThreads(2)).rejects.toThrow(
      `setThreads: 2 threads need a shared memory, but ${headers}. Everything works with one thread too.`,
    );
    expect(() => isolated.setVariant('threads')).toThrow(
      `setVariant: the 'threads' build needs shared memory, but ${headers}. Use 'auto'.`,
    );
    expect(await isolated.setThreads(1)).toBe(1);
    expect(await isolated.setThreads('auto')).toBe(1);
  });

  it('says that a build without threads was chosen', async () => {
    const chosen = await fresh();
    chosen.setVariant('relaxed');
    await expect(chosen.setThreads(2)).rejects.toThrow(
      "setThreads: 2 threads need a shared memory, but the 'relaxed' build was chosen. Choose 'threads' or 'auto' in setVariant.",
    );
    expect(chosen.simdInfo().whyNoThreads).toBe("the 'relaxed' build was chosen");
  });
});

describe('with threads', () => {
  beforeAll(async () => {
    await tf.setBackend('simd');
    await setThreads(2);
  });
  afterAll(async () => {
    await setThreads(1);
  });

  it('what is read is no view of the shared memory', async () => {
    const x = tf.ones([1000]);
    for (const values of [await x.data(), x.dataSync(), tf.backend().readSync(x.dataId)]) {
      expect((values as Float32Array).buffer).toBeInstanceOf(ArrayBuffer);
    }
    expect(structuredClone(await x.data())).toHaveLength(1000);
    const text = tf.tensor(['a', 'ö']);
    expect(await text.data()).toEqual(['a', 'ö']);
    expect(await tf.tensor([[1, 2]]).array()).toEqual([[1, 2]]);
    tf.dispose([x, text]);
  });

  it('takes values that are themselves views of a shared memory', async () => {
    const values = new Float32Array(new SharedArrayBuffer(16)).fill(3);
    const x = tf.tensor1d(values);
    const sum = tf.sum(tf.cumprod(x));
    values.fill(0);
    expect([...(await sum.data())]).toEqual([3 + 9 + 27 + 81]);
    tf.dispose([x, sum]);
  });

  it('computes right while the memory grows', async () => {
    const kept: tf.Tensor[] = [];
    const { reserved } = simdInfo().memory;
    for (let i = 1; simdInfo().memory.reserved === reserved || i < 40; i++)
      kept.push(tf.fill([i * 10_000], i));
    const sums = kept.map((x) => tf.sum(tf.sqrt(tf.square(x))));
    for (const [i, sum] of sums.entries()) expect((await sum.data())[0]).toBe((i + 1) ** 2 * 10_000);
    tf.dispose([...kept, ...sums]);
  });
});

describe('a process', () => {
  /** A program in a process of its own: what it printed, its exit code, and how long it took. */
  async function run(program: string) {
    const folder = mkdtempSync(join(tmpdir(), 'simd-'));
    try {
      const outfile = join(folder, 'program.mjs');
      const resolveDir = fileURLToPath(new URL('.', import.meta.url));
      await build({
        stdin: { contents: program, resolveDir, loader: 'ts' },
        outfile,
        bundle: true,
        platform: 'node',
        format: 'esm',
        mainFields: ['module', 'main'],
        conditions: ['@diff/source'],
        logLevel: 'error',
        banner: {
          js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
        },
      });
      const host = join(folder, 'host.mjs');
      writeFileSync(
        host,
        "import { Worker } from 'node:worker_threads'; new Worker(new URL('./program.mjs', import.meta.url));",
      );
      const start = performance.now();
      const inWorker = program.includes('in a worker');
      const { stdout } = await promisify(execFile)(process.execPath, [inWorker ? host : outfile], {
        timeout: 25_000,
      });
      return { stdout, seconds: (performance.now() - start) / 1000 };
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  const program = `
    import * as tf from '@tensorflow/tfjs-core';
    import { setThreads } from '../src/index.ts';
    await tf.setBackend('simd');
    await setThreads(3);
    const x = tf.ones([500, 500]);
    console.log((await tf.matMul(x, x).data())[7]);
  `;

  it('ends by itself with threads running', async () => {
    expect(await run(program)).toMatchObject({ stdout: '500\n' });
  });

  it('may itself be a worker', async () => {
    expect(await run(`${program} // in a worker`)).toMatchObject({ stdout: '500\n' });
  });
});
