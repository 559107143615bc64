/** From recorded results to tables, verdicts, curves and the report; and results of a browser put beside them. */
import { isDiffError } from '@diff/core';
import { describe, expect, it } from 'vitest';
import { byClock, shareOfCore } from '../src/report/by-clock.ts';
import { growthCurves } from '../src/report/growth.ts';
import { mergeResults, requireResults } from '../src/report/merge-results.ts';
import { remarks } from '../src/report/remarks.ts';
import { renderReport } from '../src/report/render-report.ts';
import { shownBytes, shownRatio, shownTime } from '../src/report/shown.ts';
import { shownCell } from '../src/report/shown-cell.ts';
import { targetsTable, terminalTable } from '../src/report/terminal-table.ts';
import { type Cell, type Results, SCHEMA } from '../src/suite/results.ts';
import { judgeTargets } from '../src/targets/judge-targets.ts';
import { recorded, timed } from './recorded-results.ts';

describe('numbers', () => {
  it('carry the unit that fits', () => {
    expect([0.0012345, 0.5, 12.345, 1234, 12_345].map(shownTime)).toEqual([
      ...['1.23 µs', '500 µs', '12.3 ms', '1.23 s', '12.3 s'],
    ]);
    expect([0.5, 1.234, 12.34, 123.4].map(shownRatio)).toEqual(['0.50', '1.2', '12.3', '123']);
    expect([1234, 1_234_567].map(shownBytes)).toEqual(['1.23 kB', '1.23 MB']);
  });
});

describe('the table', () => {
  it('shows times and ratios that are paired by round', () => {
    const [matmul, exp] = recorded.cases;
    expect(shownCell(matmul!, 'simd-relaxed', 'simd-relaxed')).toBe('1.00 ms');
    expect(shownCell(matmul!, 'tfjs-wasm', 'simd-relaxed')).toBe('2.00 ms ×2.0');
    expect(shownCell(exp!, 'tfjs-wasm', 'simd-relaxed')).toBe('WRONG');
    expect(shownCell(exp!, 'peak', 'simd-relaxed')).toBe('–');
  });

  it('leaves absent contestants out and says why', () => {
    const text = terminalTable(recorded.cases, recorded.contestants, recorded.baseline);
    expect(text).not.toContain('PyTorch');
    expect(text).toContain('matMul 512×256×256');
    expect(remarks(recorded.cases, recorded.contestants)).toEqual([
      'PyTorch: absent, not installed',
      'exp/1e6, tfjs wasm: wrong, element 3 is 1 instead of 2 ± 0.1',
    ]);
  });
});

describe('targets', () => {
  const target = { case: 'matmul/512x256x256', slower: 'tfjs-wasm', faster: 'simd-relaxed', atLeast: 2 };
  const judged = (change: Partial<typeof target>): ReturnType<typeof judgeTargets>[number] =>
    judgeTargets(recorded, [{ ...target, ...change }])[0]!;

  it('are kept, missed, or open with a reason', () => {
    expect(judged({})).toMatchObject({ verdict: 'pass', ratio: { value: 2, rounds: 3 } });
    expect(judged({ atLeast: 2.01 })).toMatchObject({ verdict: 'miss' });
    expect(judged({ slower: 'peak', atLeast: 0.8 })).toMatchObject({
      verdict: 'pass',
      title: 'matMul 512×256×256: simd, share of the peak',
    });
    expect(judged({ slower: 'torch-1' })).toMatchObject({
      verdict: 'open',
      reason: 'PyTorch: not installed',
    });
    expect(judged({ slower: 'onnx' })).toMatchObject({
      verdict: 'open',
      reason: 'onnx was not asked to take part',
    });
    expect(judged({ case: 'train/mlp' })).toMatchObject({ verdict: 'open', reason: 'the case was not run' });
    expect(judged({ case: 'exp/1e6' })).toMatchObject({
      verdict: 'open',
      reason: 'tfjs wasm: element 3 is 1 instead of 2 ± 0.1',
    });
  });

  it('have a table', () => {
    const text = targetsTable(recorded);
    expect(text).toMatch(/matMul 512×256×256: simd against tfjs wasm +│ +≥ 1.6 │ +2.0 \(2.0 to 2.0\) │ pass/);
    expect(text).toContain('targets are open: their cases were not run.');
    expect(text).not.toContain('train/');
    expect(text).toMatch(/share of the peak +│ +≥ 0.85 │ +0.80 \(0.80 to 0.80\) │ miss/);
  });
});

describe('the clocks', () => {
  it('go by time that passed unless told otherwise', () => {
    expect(byClock(recorded)).toEqual(recorded);
    expect(shareOfCore(recorded)).toBe(0.5);
  });

  it('go by processor time, which several threads and unknowing contestants do not have', () => {
    const [simd, wasm, ...rest] = recorded.contestants;
    const { cpu: _, ...unknown } = timed([3]) as Cell & { cpu: readonly number[] };
    const cells = { ...recorded.cases[0]!.cells, peak: unknown };
    const view = byClock({
      ...recorded,
      clock: 'cpu',
      contestants: [simd!, { ...wasm!, threads: 2 }, ...rest],
      cases: [{ ...recorded.cases[0]!, cells }],
    }).cases[0]!.cells;
    expect(view['simd-relaxed']).toMatchObject({ status: 'timed', samples: [0.5, 1, 0.5] });
    expect(view['tfjs-wasm']).toMatchObject({
      status: 'cannot',
      reason: expect.stringContaining('several threads'),
    });
    expect(view.peak).toMatchObject({ status: 'cannot', reason: 'its processor time is not known' });
  });
});

describe('growth', () => {
  it('has an exponent for each contestant', () => {
    const [simd, wasm] = growthCurves(recorded);
    expect(simd).toMatchObject({ curve: 'loop', axis: 'n', label: 'simd' });
    expect(simd!.fit!.slope).toBeCloseTo(1, 10);
    expect(wasm!.fit!.slope).toBeCloseTo(2, 10);
    expect(wasm!.upperSlope).toBeCloseTo(2, 10);
    expect(simd!.points.map(({ peakBytes }) => peakBytes)).toEqual([1e8 + 100, 1e8 + 1000, 1e8 + 10_000]);
  });
});

describe('the report', () => {
  const html = renderReport(recorded);

  it('needs nothing else and runs nothing', () => {
    expect(html).not.toMatch(/(src|href)=/);
    expect(html).not.toContain('<script');
    expect(html).not.toMatch(/url\((?!#)/);
    expect(html.match(/<svg/g)!.length).toBeGreaterThanOrEqual(3);
    expect(html).toContain('prefers-color-scheme: dark');
  });

  it('shows times with their quartiles, rates, verdicts, exponents, start-up, sizes and what has no time', () => {
    expect(html).toContain('title="quartiles 1.00 ms to 1.50 ms; 3 rounds; first run 3.00 ms">1.00 ms<');
    expect(html).toContain('<td>67.1 GFLOP/s</td>');
    expect(html).toContain('<td>1.00 ns each</td>');
    expect(html).toContain('<td class="miss">miss</td>');
    expect(html).toContain('<td>2.00 ± 0.00</td>');
    expect(html).toContain('<td>90.0 ms</td><td>85.0 ms to 95.0 ms</td>');
    expect(html).toContain('<td>20.0 kB</td><td>8.00 kB</td><td>7.00 kB</td>');
    expect(html).toContain('<li>exp/1e6, tfjs wasm: wrong, element 3 is 1 instead of 2 ± 0.1</li>');
    expect(html).toContain('<li>train/unet: not reached before the run ended</li>');
    expect(html).toContain('absent: not installed');
  });

  it('says nothing that is not escaped', () => {
    expect(html).toContain('A &#60;fast&#62; processor');
    expect(html).not.toContain('<fast>');
  });
});

const browser: Results = {
  ...recorded,
  machine: { ...recorded.machine, runtime: 'Chromium 156' },
  contestants: [
    { id: 'simd-relaxed', label: 'simd', environment: 'browser', versions: {}, threads: 1 },
    { id: 'webgpu', label: 'WebGPU', environment: 'browser', versions: {}, threads: 1 },
  ],
  cases: [
    {
      ...recorded.cases[0]!,
      cells: {
        'simd-relaxed': timed([2, 8, 3]),
        webgpu: timed([0.5, 2, 0.75]),
      },
    },
    { ...recorded.cases[0]!, id: 'only/browser', cells: {} },
  ],
};

describe('mergeResults', () => {
  const merged = mergeResults(recorded, browser);

  it('puts the environment in front of the contestants of the other', () => {
    expect(merged.contestants.map(({ id }) => id)).toEqual([
      ...recorded.contestants.map(({ id }) => id),
      'browser:simd-relaxed',
      'browser:webgpu',
    ]);
    expect(Object.keys(merged.cases[0]!.cells)).toEqual([
      ...Object.keys(recorded.cases[0]!.cells),
      'browser:simd-relaxed',
      'browser:webgpu',
    ]);
    expect(merged.cases.map(({ id }) => id)).toContain('only/browser');
    expect(merged.machine).toEqual(recorded.machine);
    expect(merged.merged!.browser!.runtime).toBe('Chromium 156');
  });

  it('pairs ratios within an environment', () => {
    expect(shownCell(merged.cases[0]!, 'browser:webgpu', merged.baseline)).toBe('750 µs ×0.25');
    const html = renderReport(merged);
    expect(html).toContain('WebGPU (browser)');
    expect(html).toContain('Chromium 156');
  });

  it('replaces an earlier merge, and leaves our own results alone', () => {
    expect(mergeResults(merged, browser)).toEqual(merged);
    const [simd] = browser.contestants;
    const cases = [{ ...browser.cases[0]!, cells: { 'simd-relaxed': timed([9]) } }];
    const later = mergeResults(merged, { ...browser, contestants: [simd!], cases });
    expect(Object.keys(later.cases[0]!.cells)).not.toContain('browser:webgpu');
    expect(later.contestants.map(({ id }) => id)).not.toContain('browser:webgpu');
    expect(later.cases[0]!.cells['browser:simd-relaxed']).toMatchObject({ samples: [9] });
    const before = JSON.stringify(recorded);
    mergeResults(recorded, browser);
    expect(JSON.stringify(recorded)).toBe(before);
  });

  it.each([
    [{ schema: 99 }, `--merge: the file must hold results of schema ${SCHEMA}, got 99.`],
    [null, 'the file must hold results of schema 1, got null'],
    [[], 'the file must hold results of schema 1, got'],
    [{ schema: SCHEMA, contestants: [] }, "--merge: 'cases' must be a list, got undefined"],
  ])('refuses %j', (value, message) => {
    try {
      requireResults('--merge', value);
      expect.unreachable();
    } catch (error) {
      expect(isDiffError(error)).toBe(true);
      expect((error as Error).message).toContain(message);
    }
  });

  it('refuses results of Node itself', () => {
    expect(() => mergeResults(recorded, recorded)).toThrow('must come from another environment than node');
  });
});
