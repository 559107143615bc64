/** A small set of results, as a run writes them: two cases and a growth curve, with something of every kind. */
import type { Cell, Results } from '../src/suite/results.ts';

export const timed = (samples: readonly number[], peakBytes = 1e8): Cell => ({
  status: 'timed',
  samples,
  cpu: samples.map((s) => s / 2),
  repetitions: 4,
  bursts: 5,
  firstRun: samples[0]! * 3,
  peakBytes,
});

export const recorded: Results = {
  schema: 1,
  started: '2026-11-22T03:00:00.000Z',
  seconds: 12.3,
  commit: '0123456789ab',
  machine: {
    cpu: 'A <fast> processor',
    cores: 2,
    memoryBytes: 8e9,
    system: 'Linux 6',
    runtime: 'Node 24',
    load: [0.5, 1],
  },
  options: { quick: false, rounds: 3, cases: 6 },
  clock: 'wall',
  baseline: 'simd-relaxed',
  contestants: [
    {
      id: 'simd-relaxed',
      label: 'simd',
      environment: 'node',
      versions: { '@diff/backend-simd': '1.0.0' },
      threads: 1,
    },
    { id: 'tfjs-wasm', label: 'tfjs wasm', environment: 'node', versions: {}, threads: 1 },
    {
      id: 'torch-1',
      label: 'PyTorch',
      environment: 'node',
      versions: {},
      threads: 0,
      absent: 'not installed',
    },
    { id: 'peak', label: 'peak', environment: 'node', versions: {}, threads: 1, yardstick: true },
  ],
  cases: [
    {
      id: 'matmul/512x256x256',
      group: 'ops',
      title: 'matMul 512×256×256',
      work: { flops: 2 * 512 * 256 * 256 },
      cells: {
        'simd-relaxed': timed([1, 2, 1]),
        'tfjs-wasm': timed([2, 4, 2]),
        peak: timed([0.8, 1.6, 0.8]),
      },
    },
    {
      id: 'exp/1e6',
      group: 'ops',
      title: 'exp, 10⁶',
      work: { elements: 1e6 },
      cells: {
        'simd-relaxed': timed([1, 1]),
        'tfjs-wasm': { status: 'wrong', reason: 'element 3 is 1 instead of 2 ± 0.1' },
        peak: { status: 'cannot', reason: 'a yardstick for matrix products only' },
      },
    },
    ...[100, 1000, 10_000].map((n): Results['cases'][number] => ({
      id: `growth/loop/n=${n}`,
      group: 'growth',
      title: `loop, n = ${n}`,
      curve: { curve: 'loop', axis: 'n', value: n },
      cells: {
        'simd-relaxed': timed([n / 100, n / 100], 1e8 + n),
        'tfjs-wasm': timed([(n / 100) ** 2]),
        peak: { status: 'cannot', reason: 'a yardstick for matrix products only' },
      },
    })),
  ],
  notReached: ['train/unet'],
  startUp: [{ name: 'simd-relaxed', samples: [80, 90, 100] }],
  sizes: [{ name: '@diff/core', minified: 20_000, gzip: 8000, brotli: 7000 }],
};
