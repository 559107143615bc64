/** The worker that conducts a run: it has the contestants take turns, checks what they computed, and reports. */
import { runHere } from '../../suite/run-here.ts';
import { caseOf } from '../../suite/suite.ts';
import { BASELINE, CONTESTANTS } from './contestants.ts';
import type { Assignment, News, Order } from './protocol.ts';
import { thisMachine } from './this-machine.ts';
import { type WorkerContender, workerContender } from './worker-contender.ts';

const PACE = { sample: 20, warmUp: 200, budget: 6000, limit: 60_000 };
const REFERENCE_LIMIT = 300_000;

const controller = new AbortController();
const { signal } = controller;

const tell = (news: News): void => self.postMessage(news);

async function conduct({ contestants, cases, rounds }: Assignment): Promise<void> {
  const workers: WorkerContender[] = [];
  const invited = CONTESTANTS.filter(({ id }) => contestants.includes(id)).map(({ id, label }) => {
    const worker = workerContender(id, signal);
    workers.push(worker);
    return { label, contender: worker.contender, introduce: worker.introduce };
  });
  const results = await runHere({
    environment: 'browser',
    invited,
    baseline: BASELINE,
    machine: thisMachine(),
    cases: cases.map(caseOf),
    pace: { ...PACE, rounds },
    async reference(benchCase) {
      const { contender, end } = workerContender('tfjs-cpu', signal);
      try {
        return await contender.prepare(benchCase, REFERENCE_LIMIT);
      } finally {
        end();
      }
    },
    signal,
    onContestants: (present) => tell({ kind: 'contestants', contestants: present }),
    onProgress: ({ title }, contestant, what) => tell({ kind: 'progress', title, contestant, what }),
    onCase: (result) => tell({ kind: 'case', result }),
  });
  for (const { end } of workers) end();
  tell({ kind: 'done', results });
}

self.onmessage = ({ data }: MessageEvent<Order>) => {
  if (data.kind === 'cancel') {
    controller.abort();
    return;
  }
  conduct(data.assignment).catch((error: unknown) =>
    tell({ kind: 'failed', message: error instanceof Error ? error.message : String(error) }),
  );
};
