/** Which tfjs backend the worker computes on. Each one is downloaded when it is first wanted. */
import { useBackend } from '@diff/core';
import { BACKENDS, type BackendName, type BackendReport, type BackendState } from './protocol.ts';

const load: Readonly<Record<BackendName, () => Promise<unknown>>> = {
  webgpu: () => import('@diff/backend-webgpu'),
  simd: () => import('@diff/backend-simd'),
  wasm: () => import('./wasm-backend.ts'),
  cpu: () => import('@tensorflow/tfjs-backend-cpu'),
};

/** What is missing for a backend, found out without downloading it. */
async function missingFor(name: BackendName): Promise<string | undefined> {
  if (name === 'webgpu') {
    const { gpu } = navigator as { gpu?: GPU };
    if (!gpu) return 'this browser has no WebGPU';
    if (!(await gpu.requestAdapter())) return 'WebGPU finds no GPU here';
  }
  if (name === 'wasm' && typeof WebAssembly !== 'object') return 'this browser has no WebAssembly';
  return undefined;
}

/** Is the GPU only imitated by the processor? Then the processor's own backend is much faster. */
async function imitated(): Promise<boolean> {
  const adapter = await (navigator as { gpu?: GPU }).gpu?.requestAdapter();
  return /swiftshader|llvmpipe/i.test(`${adapter?.info.architecture} ${adapter?.info.description}`);
}

async function use(name: BackendName): Promise<string | undefined> {
  const missing = await missingFor(name);
  if (missing) return missing;
  try {
    await load[name]();
    await useBackend(name);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Makes the backend active, or for 'auto' the first that works. @throws Error where the named one does not. */
export async function chooseBackend(wanted: BackendName | 'auto'): Promise<BackendReport> {
  const others: BackendState[] = [];
  for (const name of wanted === 'auto' ? BACKENDS : [wanted]) {
    const missing =
      wanted === 'auto' && name === 'webgpu' && (await imitated())
        ? 'the GPU here is imitated in software, which is slow; choose it by name to try'
        : await use(name);
    if (missing === undefined) {
      const reason = wanted === 'auto' ? 'the fastest that works here' : 'you chose it';
      return { name, reason, others };
    }
    others.push({ name, missing });
  }
  throw new Error(others.map(({ name, missing }) => `${name}: ${missing}`).join('; '));
}
