/** A run as the page sees it: what has been measured so far, and how to start and cancel it. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { CaseResult, ContestantResult, Results } from '../suite/results.ts';
import type { Assignment, News, Order } from './engine/protocol.ts';

export interface Run {
  readonly busy: boolean;
  readonly status: string;
  readonly failed: boolean;
  /** Cases finished, and in all. */
  readonly finished: number;
  readonly total: number;
  readonly contestants: readonly ContestantResult[];
  readonly cases: readonly CaseResult[];
  /** There when the run has ended. */
  readonly results?: Results;
}

const IDLE: Run = {
  busy: false,
  status: '',
  failed: false,
  finished: 0,
  total: 0,
  contestants: [],
  cases: [],
};

function after(run: Run, news: News): Run {
  switch (news.kind) {
    case 'contestants':
      return { ...run, contestants: news.contestants };
    case 'progress':
      return { ...run, status: `${news.title}: ${news.contestant}, ${news.what} …` };
    case 'case':
      return { ...run, cases: [...run.cases, news.result], finished: run.finished + 1 };
    case 'failed':
      return { ...run, busy: false, failed: true, status: news.message };
    case 'done': {
      const { results } = news;
      const { notReached, cases, seconds } = results;
      const measured = `${cases.length} ${cases.length === 1 ? 'case' : 'cases'} in ${seconds.toFixed(1)} s`;
      const status = notReached.length > 0 ? `Cancelled after ${measured}.` : `Done: ${measured}.`;
      return { ...run, busy: false, status, results };
    }
  }
}

export function useRun(): { readonly run: Run; start(assignment: Assignment): void; cancel(): void } {
  const [run, setRun] = useState<Run>(IDLE);
  const conductor = useRef<Worker | undefined>(undefined);
  useEffect(() => () => conductor.current?.terminate(), []);

  const start = useCallback((assignment: Assignment): void => {
    setRun({ ...IDLE, busy: true, status: 'Starting …', total: assignment.cases.length });
    const worker = new Worker(new URL('./engine/conductor.ts', import.meta.url), { type: 'module' });
    conductor.current = worker;
    const take = (news: News): void => {
      setRun((before) => after(before, news));
      if (news.kind === 'done' || news.kind === 'failed') worker.terminate();
    };
    worker.onmessage = ({ data }: MessageEvent<News>) => take(data);
    worker.onerror = ({ message }) => take({ kind: 'failed', message: `the run stopped: ${message}` });
    worker.postMessage({ kind: 'start', assignment } satisfies Order);
  }, []);
  const cancel = useCallback((): void => {
    conductor.current?.postMessage({ kind: 'cancel' } satisfies Order);
  }, []);
  return { run, start, cancel };
}
