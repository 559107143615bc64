/** The worker in which everything is computed, so that the page stays free. */
import { chooseBackend } from './backends.ts';
import { jobs } from './jobs.ts';
import type { Reply, Request } from './protocol.ts';

const running = new Map<number, AbortController>();

function reply(message: Reply, transfer: Transferable[] = []): void {
  self.postMessage(message, { transfer });
}

/** One after the other: a backend is never changed under a running job. */
let turn: Promise<unknown> = Promise.resolve();

async function answer(request: Exclude<Request, { kind: 'cancel' }>, signal: AbortSignal): Promise<unknown> {
  if (request.kind === 'backend') return chooseBackend(request.name);
  const load = jobs[request.job];
  if (!load)
    throw new Error(`worker: job must be one of ${Object.keys(jobs).join(', ')}, got '${request.job}'.`);
  const job = await load();
  signal.throwIfAborted();
  return job(request.args, {
    signal,
    update: (value, transfer) => reply({ id: request.id, kind: 'update', value }, transfer),
  });
}

self.onmessage = ({ data }: MessageEvent<Request>) => {
  if (data.kind === 'cancel') {
    running.get(data.id)?.abort();
    return;
  }
  if (data.kind === 'backend') for (const job of running.values()) job.abort();
  const controller = new AbortController();
  running.set(data.id, controller);
  turn = turn.then(async () => {
    try {
      controller.signal.throwIfAborted();
      reply({ id: data.id, kind: 'done', value: await answer(data, controller.signal) });
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      reply({ id: data.id, kind: 'failed', name, message });
    } finally {
      running.delete(data.id);
    }
  });
};
