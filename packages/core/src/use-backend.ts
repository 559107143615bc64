/**
 * Choosing the tfjs backend, with a reason. Nothing falls back silently: naming a backend that is not there throws.
 */
import * as tf from '@tensorflow/tfjs-core';
import { BackendUnavailableError } from './errors.ts';
import { type DiffKernelName, fusedOps } from './kernel.ts';

/** The backends that 'auto' tries, best first. */
export const BACKEND_ORDER = ['webgpu', 'simd', 'wasm', 'cpu'] as const;

const PACKAGES: Readonly<Record<string, string>> = {
  webgpu: '@diff/backend-webgpu',
  simd: '@diff/backend-simd',
  wasm: '@tensorflow/tfjs-backend-wasm',
  cpu: '@tensorflow/tfjs-backend-cpu',
  webgl: '@tensorflow/tfjs-backend-webgl',
};

export interface BackendChoice {
  /** The backend that is now active. */
  readonly name: string;
  /** Why this one, in a sentence. */
  readonly reason: string;
  /** The better ones that could not be used, each with what is missing. */
  readonly passedOver: readonly { readonly name: string; readonly why: string }[];
  /** Which diffusion ops run as fused kernels there; the rest are composed of tfjs ops. */
  readonly fused: readonly DiffKernelName[];
}

/** What keeps `name` from being used, or undefined. Activates it where nothing does. */
async function activate(name: string): Promise<string | undefined> {
  if (tf.findBackendFactory(name) === null) {
    const from = PACKAGES[name];
    return `no backend of that name is registered${from ? `; import '${from}'` : ''}`;
  }
  if (name === 'webgpu' && (globalThis.navigator as { gpu?: unknown } | undefined)?.gpu === undefined) {
    return 'it needs navigator.gpu, which this environment does not have';
  }
  const before = tf.findBackendFactory(tf.getBackend() ?? '') ? tf.getBackend() : undefined;
  try {
    if (await tf.setBackend(name)) {
      await tf.ready();
      return undefined;
    }
  } catch (error) {
    if (before) await tf.setBackend(before);
    return `it failed to start: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (before) await tf.setBackend(before);
  return `it failed to start: ${await reasonOfFailure(name)}`;
}

/** tfjs only prints why a factory failed, so it is asked once more. */
async function reasonOfFailure(name: string): Promise<string> {
  try {
    await tf.findBackendFactory(name)();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return 'tfjs did not say why';
}

/**
 * Makes a backend active for all tfjs tensors.
 *
 * @param name 'auto' for the best of webgpu, simd, wasm, cpu among those that the program has imported; or the
 *   name of any registered backend.
 * @returns which backend is active now and why.
 * @throws BackendUnavailableError when the named one (or, for 'auto', every one) cannot be used.
 * @example
 * ```ts
 * import { useBackend } from '@diff/core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const { name, reason } = await useBackend('auto');
 * ```
 */
export async function useBackend(name: 'auto' | (string & {}) = 'auto'): Promise<BackendChoice> {
  if (name !== 'auto') {
    const why = await activate(name);
    if (why !== undefined) {
      const known = tf.engine().registryFactory;
      const have = Object.keys(known).map((n) => `'${n}'`);
      throw new BackendUnavailableError(
        `useBackend: '${name}' must be a backend that this program can use, but ${why}. ` +
          `Registered: ${have.join(', ') || 'none'}. Try useBackend('auto').`,
      );
    }
    return { name, reason: 'it was asked for by name', passedOver: [], fused: fusedOps() };
  }
  const passedOver: { name: string; why: string }[] = [];
  for (const candidate of BACKEND_ORDER) {
    const why = await activate(candidate);
    if (why === undefined) {
      const reason = passedOver.length
        ? `the first of ${BACKEND_ORDER.join(', ')} that works here`
        : 'the fastest there is';
      return { name: candidate, reason, passedOver, fused: fusedOps() };
    }
    passedOver.push({ name: candidate, why });
  }
  throw new BackendUnavailableError(
    `useBackend: 'auto' needs at least one backend, but none works: ${passedOver.map((p) => `${p.name}: ${p.why}`).join('; ')}. ` +
      "Install and import '@diff/backend-simd'.",
  );
}
