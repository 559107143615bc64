/** The suite in one process on several backends, and what becomes of its results. */
import '@diff/backend-simd';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { useBackend } from '@diff/core';
import { describe, expect, it } from 'vitest';
import { mergeResults, requireResults } from '../src/report/merge-results.ts';
import { renderReport } from '../src/report/render-report.ts';
import { shownCell } from '../src/report/shown-cell.ts';
import { type Contender, Refusal } from '../src/suite/contender.ts';
import { type HereOptions, type Invited, runHere } from '../src/suite/run-here.ts';
import { createSession, type Session } from '../src/suite/session.ts';
import { caseOf } from '../src/suite/suite.ts';
import { tfjsContestant } from '../src/suite/tfjs-contestant.ts';
import { recorded } from './recorded-results.ts';

/** A backend of this very process. */
function inProcess(backend: string): Invited {
  let session: Session;
  const on = async <T>(work: () => T | Promise<T>): Promise<T> => {
    await useBackend(backend);
    return work();
  };
  const contender: Contender = {
    id: backend === 'simd' ? 'simd-relaxed' : backend,
    prepare: (benchCase) => on(() => session.prepare(benchCase)),
    time: ({ repetitions, bursts }) => on(() => session.time(repetitions, bursts)),
    finish: () =>
      on(() => {
        session.finish();
        return {};
      }),
  };
  const introduce: Invited['introduce'] = async () => {
    try {
      session = await on(() => createSession(tfjsContestant()));
    } catch (error) {
      throw new Refusal('error', (error as Error).message);
    }
    return { versions: {}, threads: 1 };
  };
  return { label: backend, contender, introduce };
}

const { expected: _, ...addition } = caseOf('add/8');
/** Without a closed form, so that the reference is asked. */
const open = { ...addition, id: 'open', tolerance: { relative: 1e-6, absolute: 0 } };

const options = (backends: readonly string[]): HereOptions => ({
  environment: 'browser',
  invited: backends.map(inProcess),
  baseline: 'simd-relaxed',
  machine: { ...recorded.machine, runtime: 'a page' },
  cases: [caseOf('add/8'), open],
  pace: { rounds: 2, sample: 1, warmUp: 1, budget: 20, limit: 1000 },
  async reference(benchCase) {
    const { contender, introduce } = inProcess('cpu');
    await introduce();
    return contender.prepare(benchCase, 1000);
  },
});

describe('runHere', () => {
  it('measures every backend there is, and its results go beside those of Node', async () => {
    const seen: string[] = [];
    const results = await runHere({
      ...options(['simd', 'cpu', 'wasm', 'webgpu']),
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

  it('leaves out the case at which it is stopped, and all after it', async () => {
    const controller = new AbortController();
    const results = await runHere({
      ...options(['cpu']),
      signal: controller.signal,
      onProgress: ({ id }) => {
        if (id === 'open') controller.abort();
      },
    });
    expect(results.cases.map(({ id }) => id)).toEqual(['add/8']);
    expect(results.notReached).toEqual(['open']);
  }, 60_000);
});
