/** The benchmark as a user runs it: the built program in a process of its own. */
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { chosenCases, chosenContestants } from '../src/options.ts';
import type { Results } from '../src/suite/results.ts';
import { recorded, timed } from './recorded-results.ts';

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bench-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(...args: string[]): Promise<Ended> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [main, ...args], {
      cwd: folder,
      env: { ...process.env, INIT_CWD: folder },
    });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as Ended;
    return { code, stdout, stderr };
  }
}

const file = (...path: string[]): string => readFileSync(join(folder, ...path), 'utf8');
const results = (out: string): Results => JSON.parse(file(out, 'results.json')) as Results;

describe('npm run bench', () => {
  it('measures, writes and merges', { timeout: 120_000 }, async () => {
    const wanted = [
      '--only',
      'add/8,*/512x256x256',
      '--backends',
      'simd-relaxed,tfjs-cpu,peak',
      '--rounds',
      '2',
    ];
    const { code, stdout, stderr } = await run('--quick', ...wanted, '--out', 'a');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/add\/8: simd [\d.]+ µs \| tfjs cpu [\d.]+ µs ×[\d.]+ \| peak –/);
    expect(stdout).toMatch(
      /matMul 512×256×256: simd, share of the peak +│ +≥ 0.85 │ +[\d.]+ \([\d.]+ to [\d.]+\)/,
    );

    const written = results('a');
    expect(written).toMatchObject({ schema: 1, baseline: 'simd-relaxed', notReached: [] });
    expect(written.contestants.map(({ id }) => id)).toEqual(['simd-relaxed', 'tfjs-cpu', 'peak']);
    expect(written.cases.map(({ id }) => id)).toEqual([
      'matmul/512x256x256',
      'dense-silu/512x256x256',
      'add/8',
    ]);
    for (const { cells } of written.cases) {
      for (const id of ['simd-relaxed', 'tfjs-cpu']) {
        const cell = cells[id]!;
        if (cell.status !== 'timed') throw new Error(`${id}: ${cell.reason}`);
        const { samples, cpu, peakBytes } = cell;
        expect(cpu).toHaveLength(samples.length);
        expect(samples.length).toBeGreaterThanOrEqual(1);
        expect(samples.length).toBeLessThanOrEqual(2);
        expect(Math.min(...samples)).toBeGreaterThan(0);
        expect(peakBytes).toBeGreaterThan(1e7);
      }
    }
    expect(file('a', 'report.html')).toContain('<svg');

    const contestants = [{ id: 'webgpu', label: 'WebGPU', environment: 'browser', versions: {}, threads: 1 }];
    const cases = [{ ...written.cases[2]!, cells: { webgpu: timed([1, 2]) } }];
    writeFileSync(join(folder, 'browser.json'), JSON.stringify({ ...recorded, contestants, cases }));
    expect(await run('--merge', 'browser.json', '--out', 'a')).toMatchObject({ code: 0, stderr: '' });
    const merged = results('a');
    expect(Object.keys(merged.cases[2]!.cells)).toEqual([
      'simd-relaxed',
      'tfjs-cpu',
      'peak',
      'browser:webgpu',
    ]);
    expect(merged.cases[0]).toEqual(written.cases[0]);
    expect(file('a', 'report.html')).toContain('WebGPU (browser)');
  });

  it('keeps what was measured when it is interrupted', { timeout: 60_000 }, async () => {
    const only = [
      '--only',
      'add/8,sum,softmax/',
      '--backends',
      'simd-relaxed',
      '--rounds',
      '2',
      '--out',
      'cut',
    ];
    const child = spawn(process.execPath, [main, ...only], {
      cwd: folder,
      env: { ...process.env, INIT_CWD: folder },
    });
    child.stdout.once('data', () => child.kill('SIGINT'));
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(code).toBe(0);
    const { cases, notReached } = results('cut');
    expect(cases.length).toBeGreaterThan(0);
    expect(notReached.length).toBeGreaterThan(0);
    expect(cases.length + notReached.length).toBe(4);
    expect(file('cut', 'report.html')).toContain('not reached before the run ended');
  });

  it('lists what there is', async () => {
    const { code, stdout } = await run('--list');
    expect(code).toBe(0);
    expect(stdout).toContain('  train/unet ');
    expect(stdout).toContain('  torch-2 ');
  });

  it.each([
    [
      ['--only', 'matmul,nothing'],
      "--only: each pattern must match a case, got 'nothing'. Choose from: matmul/512x256x256, ",
    ],
    [['--only', 'exp,'], "got ''. Choose from"],
    [
      ['--backends', 'simd'],
      "--backends: each must be a contestant, got 'simd'. Choose from: simd-relaxed, simd-256",
    ],
    [['--rounds', '0'], "argument '0' is invalid. It must be a whole number of at least 1."],
    [['--rounds', '1.5'], "argument '1.5' is invalid"],
    [['--onyl', 'exp'], "error: unknown option '--onyl'\n(Did you mean --only?)"],
    [['extra'], 'too many arguments'],
    [['--merge', 'gone.json', '--out', 'b'], '--out: the file must be readable, got ENOENT'],
  ])('answers %j in one sentence', async (args, message) => {
    const { code, stderr } = await run(...args);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it('answers files that cannot be merged', async () => {
    writeFileSync(join(folder, 'results.json'), JSON.stringify(recorded));
    writeFileSync(join(folder, 'broken.json'), '{');
    writeFileSync(join(folder, 'other.json'), '{"schema": 7}');
    for (const [name, message] of [
      ['gone.json', '--merge: the file must be readable, got ENOENT'],
      ['broken.json', '--merge: the file must be JSON, got'],
      ['other.json', '--merge: the file must hold results of schema 1, got 7.'],
    ]) {
      const { code, stderr } = await run('--merge', name!, '--out', '.');
      expect(code).toBe(1);
      expect(stderr).toContain(message);
      expect(stderr).not.toMatch(/\n\s+at /);
    }
  });
});

describe('--only and --backends', () => {
  it('choose by part of the name, with wildcards, in the order of the suite', () => {
    expect(chosenCases('loop/mlp,add').map(({ id }) => id)).toEqual(['add/8', 'loop/mlp']);
    expect(chosenCases('matmul*/at').map(({ id }) => id)).toEqual(['matmul/256x256x256/at']);
  });

  it('take names as text, not as patterns', () => {
    expect(() => chosenCases('a.d')).toThrow("got 'a.d'");
    expect(chosenContestants('torch-1, simd-base').map(({ id }) => id)).toEqual(['simd-base', 'torch-1']);
  });
});
