/** Starting a worker from its source text, the same in Node, Deno, Bun and browsers, with nothing for bundlers to do. */
import { source } from './generated/worker-source.ts';
import type { WorkerStart } from './pieces.ts';

/** A worker that has been started. */
export interface HostedWorker {
  /** 'ready' or 'end', as the worker says it; an error if it broke or ended unasked. */
  onMessage: (message: string) => void;
  onError: (reason: string) => void;
  /** Lets the process end while the worker runs. */
  readonly unref: () => void;
  readonly terminate: () => void;
}

interface NodeWorker {
  on(event: string, listener: (value: unknown) => void): void;
  postMessage(message: WorkerStart): void;
  unref(): void;
  terminate(): unknown;
}

interface WebWorker {
  onmessage: (event: { readonly data: string }) => void;
  onerror: (event: { readonly message?: string; preventDefault?(): void }) => void;
  postMessage(message: WorkerStart): void;
  unref?(): void;
  terminate(): void;
}

type NodeWorkerClass = new (
  source: string,
  options: { eval: true; name: string; execArgv: string[]; env: object },
) => NodeWorker;
type WebWorkerClass = new (url: string, options: { name: string }) => WebWorker;

interface Scope {
  readonly process?: {
    getBuiltinModule?(name: string): { readonly Worker?: NodeWorkerClass } | undefined;
  };
  readonly Worker?: WebWorkerClass;
}

const ignore = (): void => {};

function nodeWorker(Worker: NodeWorkerClass, name: string, start: WorkerStart): HostedWorker {
  // No flags of the process (loaders, inspectors, coverage) and none of its environment: it only computes.
  const worker = new Worker(source, { eval: true, name, execArgv: [], env: {} });
  const host: HostedWorker = {
    onMessage: ignore,
    onError: ignore,
    unref: () => worker.unref(),
    terminate: () => void worker.terminate(),
  };
  worker.on('message', (message) => host.onMessage(String(message)));
  worker.on('error', (error) => host.onError(String(error)));
  worker.on('exit', (code) => host.onError(`it ended with code ${code}`));
  worker.postMessage(start);
  return host;
}

function webWorker(Worker: WebWorkerClass, name: string, start: WorkerStart): HostedWorker {
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const worker = new Worker(url, { name });
  const host: HostedWorker = {
    onMessage: ignore,
    onError: ignore,
    unref: () => worker.unref?.(),
    terminate: () => worker.terminate(),
  };
  worker.onmessage = ({ data }) => {
    URL.revokeObjectURL(url);
    host.onMessage(data);
  };
  worker.onerror = (event) => {
    event.preventDefault?.();
    URL.revokeObjectURL(url);
    host.onError(event.message || 'the browser gave no reason');
  };
  worker.postMessage(start);
  return host;
}

/** @throws whatever the engine throws where workers are forbidden or unknown */
export function startWorker(name: string, start: WorkerStart): HostedWorker {
  const { process, Worker } = globalThis as object as Scope;
  const node = process?.getBuiltinModule?.('node:worker_threads')?.Worker;
  if (node) return nodeWorker(node, name, start);
  if (Worker) return webWorker(Worker, name, start);
  throw new Error('there are no workers here');
}
