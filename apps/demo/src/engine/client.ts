/** The page's end of the worker. */
import type { BackendName, BackendReport, Reply, Request } from './protocol.ts';

export interface Running<Result> {
  readonly result: Promise<Result>;
  cancel(): void;
}

interface Waiting {
  update(value: unknown): void;
  done(value: unknown): void;
  failed(error: Error): void;
}

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
const waiting = new Map<number, Waiting>();
let last = 0;

/** Updates that the page has not seen yet: they reach it together, once for each picture that the screen shows. */
let unseen: { readonly id: number; readonly value: unknown }[] = [];

function show(): void {
  const now = unseen;
  unseen = [];
  for (const { id, value } of now) waiting.get(id)?.update(value);
}

worker.onmessage = ({ data }: MessageEvent<Reply>) => {
  if (data.kind === 'update') {
    if (unseen.length === 0) requestAnimationFrame(show);
    unseen.push(data);
    return;
  }
  show();
  const one = waiting.get(data.id);
  if (!one) return;
  waiting.delete(data.id);
  if (data.kind === 'done') one.done(data.value);
  else one.failed(Object.assign(new Error(data.message), { name: data.name }));
};

worker.onerror = (event) => {
  for (const one of waiting.values()) one.failed(new Error(`the worker stopped: ${event.message}`));
  waiting.clear();
};

type Body<R = Request> = R extends { id: number } ? Omit<R, 'id'> : never;

function ask<Update, Result>(body: Body, update: (value: Update) => void): Running<Result> {
  const id = ++last;
  const result = new Promise<Result>((resolve, reject) => {
    waiting.set(id, {
      update: (value) => update(value as Update),
      done: (value) => resolve(value as Result),
      failed: reject,
    });
  });
  worker.postMessage({ ...body, id } satisfies Request);
  return { result, cancel: () => worker.postMessage({ id, kind: 'cancel' } satisfies Request) };
}

/** Starts a job of jobs.ts. A cancelled job's result rejects with an AbortError. */
export function startJob<Args, Update, Result>(
  job: string,
  args: Args,
  update: (value: Update) => void,
): Running<Result> {
  return ask({ kind: 'job', job, args }, update);
}

/** Cancels what runs, then changes the backend for all that follows. */
export function useBackendInWorker(name: BackendName | 'auto'): Promise<BackendReport> {
  return ask<never, BackendReport>({ kind: 'backend', name }, () => undefined).result;
}

/** Did somebody cancel it? */
export function isCancelled(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
