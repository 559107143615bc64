/**
 * The app as a user runs it: the built program in a process of its own.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { decode } from 'fast-png';
import { afterAll, describe, expect, it } from 'vitest';

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'quickstart-'));
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

const text = (...path: string[]): string => readFileSync(join(folder, ...path), 'utf8');
const withoutTimes = (json: string): string => json.replace(/^.*(Seconds|Milliseconds)".*$/gm, '');

describe('npm start', () => {
  const short = ['--epochs', '2', '--steps', '3'];

  it('learns, draws, measures and writes; the same seed gives the same figures', {
    timeout: 120_000,
  }, async () => {
    for (const [out, seed] of [
      ['a', '5'],
      ['b', '5'],
      ['c', '6'],
    ] as const) {
      const { code, stderr } = await run(...short, '--seed', seed, '--out', join(folder, out));
      expect(stderr).toBe('');
      expect(code).toBe(0);
    }
    const metrics = text('a', 'metrics.json');
    expect(Object.keys(JSON.parse(metrics))).toEqual(
      expect.arrayContaining([
        ...[
          'backend',
          'seed',
          'sampler',
          'nfe',
          'trainSeconds',
          'sampleSeconds',
          'energyDistance',
          'energyFloor',
        ],
        ...['classAccuracy', 'nearestTrain', 'nearestTrainFloor'],
      ]),
    );
    expect(JSON.parse(metrics)).toMatchObject({ backend: 'simd', seed: 5, sampler: 'heun', nfe: 5 });
    expect(withoutTimes(text('b', 'metrics.json'))).toBe(withoutTimes(metrics));
    expect(withoutTimes(text('c', 'metrics.json'))).not.toBe(withoutTimes(metrics));
    const { width, height } = decode(readFileSync(join(folder, 'a', 'digits.png')));
    expect([width, height]).toEqual([2 * 10 * 50 + 24 + 2, 10 * 50 + 2]);
    const report = text('a', 'report.html');
    expect(report.match(/data:image\/png/g)).toHaveLength(3);
    expect(report).toContain('<svg');
    expect(report).not.toMatch(/(src|href)="(?!data:)/);
  });

  it("learns the user's own table", { timeout: 120_000 }, async () => {
    const rows = Array.from(
      { length: 60 },
      (_, i) => `${Math.sin(i)},${Math.cos(2 * i)},${i % 2 ? 'odd' : 'even'}`,
    );
    writeFileSync(join(folder, 'own.csv'), ['x,y,label', ...rows].join('\n'));
    const { code, stderr } = await run(...short, '--data', 'own.csv', '--out', 'own');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const samples = text('own', 'samples.csv').trim().split('\n');
    expect(samples).toHaveLength(200);
    expect(samples[0]).toMatch(/^-?[\d.e-]+,-?[\d.e-]+,(odd|even)$/);
    expect(text('own', 'report.html').match(/<svg/g)).toHaveLength(3);
  });

  it('explains itself', async () => {
    const { stdout } = await run('--help');
    for (const option of [
      'seed',
      'steps',
      'sampler',
      'backend',
      'epochs',
      'data',
      'quick',
      'guidance',
      'out',
    ]) {
      expect(stdout).toContain(`--${option}`);
    }
  });

  it.each([
    [
      ['--steps', '0'],
      "error: option '--steps <n>' argument '0' is invalid. It must be a whole number of at least 2.",
    ],
    [['--steps', '-1'], "argument '-1' is invalid"],
    [['--steps', '2.5'], "argument '2.5' is invalid"],
    [['--seed', '-1'], "argument '-1' is invalid"],
    [['--guidance', 'x'], "argument 'x' is invalid. It must be a number of at least 0."],
    [['--sampler', 'huen'], "argument 'huen' is invalid. Allowed choices are heun, dpm-solver++"],
    [['--stepz', '5'], "error: unknown option '--stepz'\n(Did you mean --steps?)"],
    [
      ['--backend', 'webgpu'],
      "useBackend: 'webgpu' must be a backend that this program can use, but no backend of that name is registered",
    ],
    [['--data', 'gone.csv'], '--data: the file must be readable'],
    [[...short, '--out', '/dev/null/out'], '--out: the folder must be writable, got ENOTDIR'],
  ])('answers %j in one sentence', async (args, message) => {
    const { code, stderr } = await run(...args);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});
