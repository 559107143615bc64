/** Who takes part: this project's backends, those of tfjs, and peers that are installed for the benchmark only. */
import { fileURLToPath } from 'node:url';
import type { Command } from './contestant-process.ts';
import type { Library } from './libraries.ts';

export interface ContestantSpec {
  readonly id: string;
  readonly label: string;
  readonly command: Command;
  /** Does it take part in the quick run? */
  readonly quick: boolean;
  /** Does it take part in the growth curves? */
  readonly growth: boolean;
  /** A yardstick measures the machine; its results are not compared with anything. */
  readonly yardstick?: boolean;
}

/** Whose times all others are divided by. */
export const BASELINE = 'simd-relaxed';

const here = import.meta.url;
const worker = fileURLToPath(new URL(here.endsWith('.ts') ? './worker.ts' : './worker.js', here));
const torch = fileURLToPath(new URL('../../peers/torch_peer.py', here));

/** A process that runs a library of `libraries.ts`. */
export const nodeWorker = (library: Library): Command => ({
  program: process.execPath,
  args: [worker, library],
});

/**
 * The same in an engine that joins two vector operations of 128 bits into one of 256: an experiment of V8's. It crashes
 * when it replaces code of the quick compiler (Node 24), so all is compiled for speed from the start.
 */
function joiningVectors(library: Library): Command {
  const { program, args } = nodeWorker(library);
  return { program, args: ['--experimental-wasm-revectorize', '--no-liftoff', ...args] };
}

function python(threads: number): Command {
  const count = String(threads);
  return {
    program: 'python3',
    args: [torch, count],
    // The BLAS under PyTorch has threads of its own, which `torch.set_num_threads` does not reach.
    env: { OMP_NUM_THREADS: count, OPENBLAS_NUM_THREADS: count, MKL_NUM_THREADS: count },
  };
}

export const CONTESTANTS: readonly ContestantSpec[] = [
  { id: 'simd-relaxed', quick: true, growth: true, label: 'simd', command: nodeWorker('simd-relaxed') },
  {
    id: 'simd-256',
    quick: false,
    growth: false,
    label: 'simd, 256 bits',
    command: joiningVectors('simd-relaxed'),
  },
  { id: 'simd-base', quick: false, growth: false, label: 'simd base', command: nodeWorker('simd-base') },
  { id: 'simd-threads', quick: true, growth: true, label: 'simd ×2', command: nodeWorker('simd-threads') },
  { id: 'tfjs-wasm', quick: true, growth: true, label: 'tfjs wasm', command: nodeWorker('tfjs-wasm') },
  { id: 'tfjs-cpu', quick: false, growth: false, label: 'tfjs cpu', command: nodeWorker('tfjs-cpu') },
  { id: 'onnx', quick: true, growth: false, label: 'onnx', command: nodeWorker('onnx') },
  { id: 'jax-js', quick: false, growth: false, label: 'jax-js', command: nodeWorker('jax-js') },
  { id: 'torch-1', quick: true, growth: true, label: 'PyTorch', command: python(1) },
  { id: 'torch-2', quick: false, growth: false, label: 'PyTorch ×2', command: python(2) },
  { id: 'peak', quick: true, growth: false, label: 'peak', command: nodeWorker('peak'), yardstick: true },
  {
    id: 'peak-base',
    quick: false,
    growth: false,
    label: 'peak base',
    command: nodeWorker('peak-base'),
    yardstick: true,
  },
];
