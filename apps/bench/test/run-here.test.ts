/** The suite in one process on several backends, as a page runs it, and what becomes of its results. */
import '@diff/backend-simd';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { describe, expect, it } from 'vitest';
import { mergeResults, requireResults } from '../src/report/merge-results.ts';
import { renderReport } from '../src/report/render-report.ts';
import { shownCell } from '../src/report/terminal-table.ts';
import { runHere } from '../src/suite/run-here.ts';
import { caseOf } from '../src/suite/suite.ts';
import { recorded } from './recorded-results.ts';

const backend = (name: string): { backend: string; id: string; label: string } => ({
  backend: name,
  id: name === 'simd' ? 'simd-relaxed' : name,
  label: name,
});

const { expected: _, ...addition } = caseOf('add/8');
/** Without a closed form, so that the cpu backend is asked. */
const open = { ...addition, id: 'open', tolerance: { relative: 1e-6, absolute: 0 } };

describe('runHere', () => {
  it('measures every backend there is, and its results go beside those of Node', async () => {
    const seen: string[] = [];
    const results = await runHere({
      environment: 'browser',
      backends: ['simd', 'cpu', 'wasm', 'webgpu'].map(backend),
      baseline: 'simd-relaxed',
      machine: { ...recorded.machine, runtime: 'a page' },
      cases: [caseOf('add/8'), open],
      pace: { rounds: 2, sample: 1, warmUp: 1, budget: 20, limit: 1000 },
      onCase: ({ id }) => seen.push(id),
    });
    expect(seen).toEqual(['add/8', 'open']);
    expect(results.contestants.map(({ absent }) => absent !== undefined)).toEqual([
      false,
      false,
      false,
      true,
    ]);
    expect(results.contestants[3]!.absent).toContain("'webgpu' must be a backend that this program can use");
    for (const { cells } of results.cases) {
      expect(Object.keys(cells)).toEqual(['simd-relaxed', 'cpu', 'wasm']);
      for (const cell of Object.values(cells)) expect(cell).toMatchObject({ status: 'timed' });
    }
    const sent = requireResults('--merge', JSON.parse(JSON.stringify(results)));
    const merged = mergeResults(recorded, sent);
    const added = merged.cases.find(({ id }) => id === 'add/8')!;
    expect(shownCell(added, 'browser:cpu', merged.baseline)).toMatch(/ ×[\d.]+$/);
    expect(renderReport(merged)).toContain('cpu (browser)');
  }, 60_000);
});
