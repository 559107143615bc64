/**
 * The libraries that a worker can run, each imported only when it is asked for.
 */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { CannotRun, type Contestant, type Session } from '../suite/session.ts';
import type { Hello } from './protocol.ts';

export interface StartedLibrary {
  readonly hello: Hello;
  /** Makes the session; a function, because the tensor's type is the library's own. */
  session(create: <R>(contestant: Contestant<R>) => Session): Session;
}

/** Version of an installed package. */
function packageVersion(name: string): string {
  const resolve = createRequire(import.meta.url);
  let folder = new URL('.', `file://${resolve.resolve(name)}`);
  for (;;) {
    try {
      const { name: found, version } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (found === name && version) return version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    const above = new URL('..', folder);
    if (above.href === folder.href) return 'unknown';
    folder = above;
  }
}

function started<R>(contestant: Contestant<R>, packages: readonly string[], threads = 1): StartedLibrary {
  return {
    hello: { versions: Object.fromEntries(packages.map((p) => [p, packageVersion(p)])), threads },
    session: (create) => create(contestant),
  };
}

async function tfjs(backend: string, packages: readonly string[], threads = 1): Promise<StartedLibrary> {
  const { useBackend } = await import('@diff/core');
  await useBackend(backend);
  const { tfjsContestant } = await import('../suite/tfjs-contestant.ts');
  return started(tfjsContestant(), ['@tensorflow/tfjs-core', ...packages], threads);
}

async function simd(variant: 'base' | 'relaxed'): Promise<StartedLibrary> {
  const { setVariant } = await import('@diff/backend-simd');
  setVariant(variant);
  return tfjs('simd', ['@diff/backend-simd']);
}

async function simdThreads(threads: number): Promise<StartedLibrary> {
  const backend: object = await import('@diff/backend-simd');
  const [setVariant, setThreads] = [Reflect.get(backend, 'setVariant'), Reflect.get(backend, 'setThreads')];
  if (typeof setThreads !== 'function' || typeof setVariant !== 'function') {
    throw new CannotRun('this version of @diff/backend-simd has no build with threads');
  }
  setVariant('threads');
  const result = await tfjs('simd', ['@diff/backend-simd'], threads);
  await setThreads(threads);
  return result;
}

const LIBRARIES = {
  'tfjs-cpu': async (): Promise<StartedLibrary> => {
    await import('@tensorflow/tfjs-backend-cpu');
    return tfjs('cpu', ['@tensorflow/tfjs-backend-cpu']);
  },
  'tfjs-wasm': async (): Promise<StartedLibrary> => {
    await import('@tensorflow/tfjs-backend-wasm');
    return tfjs('wasm', ['@tensorflow/tfjs-backend-wasm']);
  },
  'simd-base': (): Promise<StartedLibrary> => simd('base'),
  'simd-relaxed': (): Promise<StartedLibrary> => simd('relaxed'),
  'simd-threads': (): Promise<StartedLibrary> => simdThreads(2),
  onnx: async (): Promise<StartedLibrary> => {
    const { onnxContestant } = await import('../peers/onnx.ts');
    return started(onnxContestant(), ['onnxruntime-node']);
  },
  'jax-js': async (): Promise<StartedLibrary> => {
    const { jaxContestant } = await import('../peers/jax.ts');
    return started(await jaxContestant(), ['@jax-js/jax']);
  },
  peak: async (): Promise<StartedLibrary> => {
    const { peakContestant } = await import('../peers/peak.ts');
    return started(peakContestant('relaxed'), []);
  },
  'peak-base': async (): Promise<StartedLibrary> => {
    const { peakContestant } = await import('../peers/peak.ts');
    return started(peakContestant('base'), []);
  },
} as const;

export type Library = keyof typeof LIBRARIES;

export function isLibrary(name: string): name is Library {
  return name in LIBRARIES;
}

export function startLibrary(name: Library): Promise<StartedLibrary> {
  return LIBRARIES[name]();
}
