/** The libraries that a contestant's worker can run, each downloaded when it is first wanted. */
import { useBackend } from '@diff/core';
import { version as versionOfWasm } from '@tensorflow/tfjs-backend-wasm/package.json';
import { version_core } from '@tensorflow/tfjs-core';
import type { Introduction } from '../../suite/run-here.ts';
import { CannotRun } from '../../suite/session.ts';
import type { ContestantId } from './contestants.ts';

const TFJS = { '@tensorflow/tfjs-core': version_core };

async function simd(variant: 'base' | 'relaxed' | 'threads'): Promise<Introduction> {
  const { setThreads, setVariant, simdInfo } = await import('@diff/backend-simd');
  setVariant(variant);
  await useBackend('simd');
  if (variant === 'threads') await setThreads('auto');
  return { versions: TFJS, threads: simdInfo().threads };
}

/** Vendor and kind of the GPU; 'swiftshader' is none but the processor. */
async function adapter(): Promise<string> {
  const found = await (navigator as { gpu?: GPU }).gpu?.requestAdapter();
  if (!found) throw new CannotRun('WebGPU finds no GPU here');
  const { vendor, architecture, device, description } = found.info;
  return [vendor, architecture, device, description].filter((part) => part !== '').join(' ');
}

/** Starts the library, once per worker. @throws where this browser cannot run it; the message says why. */
export const start: Readonly<Record<ContestantId, () => Promise<Introduction>>> = {
  'simd-relaxed': () => simd('relaxed'),
  'simd-base': () => simd('base'),
  'simd-threads': () => simd('threads'),
  'tfjs-wasm': async () => {
    await import('./wasm-backend.ts');
    await useBackend('wasm');
    return { versions: { ...TFJS, '@tensorflow/tfjs-backend-wasm': versionOfWasm }, threads: 1 };
  },
  'tfjs-cpu': async () => {
    const { version_cpu } = await import('@tensorflow/tfjs-backend-cpu');
    await useBackend('cpu');
    return { versions: { ...TFJS, '@tensorflow/tfjs-backend-cpu': version_cpu }, threads: 1 };
  },
  webgpu: async () => {
    if (!('gpu' in navigator)) throw new CannotRun('this browser has no WebGPU');
    const GPU = await adapter();
    await import('@diff/backend-webgpu');
    await useBackend('webgpu');
    return { versions: { ...TFJS, GPU }, threads: 1 };
  },
};
