/** How long a fresh process takes to its first result, in turns over all that can be started. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { StartUp } from '../suite/results.ts';
import type { Command } from './contestant-process.ts';

const here = import.meta.url;
const script = fileURLToPath(new URL(here.endsWith('.ts') ? './start-up.ts' : './start-up.js', here));

/** Each prints something once it has its result. */
const STARTERS: readonly {
  readonly name: string;
  readonly contestant?: string;
  readonly command: Command;
}[] = [
  { name: 'node alone', command: { program: process.execPath, args: ['-e', 'console.log(8)'] } },
  ...['simd-relaxed', 'simd-threads', 'tfjs-wasm', 'tfjs-cpu', 'onnx', 'jax-js'].map((contestant) => ({
    name: contestant,
    contestant,
    command: { program: process.execPath, args: [script, contestant] },
  })),
  {
    name: 'PyTorch',
    contestant: 'torch-1',
    command: {
      program: 'python3',
      args: ['-c', 'import torch; x = torch.arange(8.0); y = x + x; print(y.numel(), flush=True)'],
    },
  },
];

/** Milliseconds from the start of a process to its first output, or undefined where it ends without. */
function timeToOutput({ program, args, env }: Command): Promise<number | undefined> {
  return new Promise((resolve) => {
    const started = performance.now();
    const child = spawn(program, [...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let first: number | undefined;
    child.stdout.on('data', () => {
      first ??= performance.now() - started;
    });
    child.on('error', () => resolve(undefined));
    child.on('close', () => resolve(first));
  });
}

/** Start-up times of the contestants that are present, and of Node alone. */
export async function measureStartUp(
  present: ReadonlySet<string>,
  rounds: number,
): Promise<readonly StartUp[]> {
  const chosen = STARTERS.filter(({ contestant }) => contestant === undefined || present.has(contestant));
  const samples = chosen.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, { command }] of chosen.entries()) {
      const time = await timeToOutput(command);
      if (time !== undefined) samples[i]!.push(time);
    }
  }
  return chosen.flatMap(({ name }, i) => (samples[i]!.length > 0 ? [{ name, samples: samples[i]! }] : []));
}
