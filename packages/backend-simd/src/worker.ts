/**
 * The program of a worker. scripts/generate.mjs bundles it into a string, since a file of its own would have to be found
 * again by every bundler: it is started from that string in Node (`eval`) and in browsers (Blob).
 *
 * It gets a WorkerStart, instantiates the module over the same memory, answers 'ready', serves until told to end, and
 * answers 'end'.
 */
import { controlOf, kernelsOf, serve, type WorkerStart } from './pieces.ts';

interface Port {
  postMessage(message: string): void;
  on?(event: 'message', listener: (data: WorkerStart) => void): void;
  close?(): void;
  onmessage?: (event: { readonly data: WorkerStart }) => void;
}

interface Scope extends Port {
  readonly process?: {
    getBuiltinModule?(name: string): { readonly parentPort: Port | null } | undefined;
  };
}

const scope = globalThis as object as Scope;
const port: Port = scope.process?.getBuiltinModule?.('node:worker_threads')?.parentPort ?? scope;

function run({ module, memory, control, thread, room }: WorkerStart): void {
  const abort = (_message: number, _file: number, line: number, column: number): never => {
    throw new Error(`a kernel stopped at line ${line}, column ${column}`);
  };
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort } });
  (exports.useThreadMemory as (address: number) => void)(room);
  port.postMessage('ready');
  serve(controlOf(control), kernelsOf(exports).kernels, thread);
  port.postMessage('end');
  port.close?.();
}

if (port.on) port.on('message', run);
else scope.onmessage = ({ data }) => run(data);
