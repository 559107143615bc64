/** Backend, gradients and jasmine's environment on the page, before any test is defined. What is asked for is in the address. */
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
import '@tensorflow/tfjs-backend-cpu';
import { setThreads, setVariant, simdInfo, type Variant } from '@diff/backend-simd';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { setTestEnvs } from '@tensorflow/tfjs-core/dist/jasmine_util';
import { grain } from '../../../packages/backend-simd/src/parallel.ts';
import '@diff/backend-webgpu';

interface SpecResult {
  readonly fullName: string;
  readonly status: string;
  readonly failedExpectations: readonly { readonly message: string }[];
}

interface Jasmine {
  DEFAULT_TIMEOUT_INTERVAL: number;
  getEnv(): {
    configure(options: {
      random: boolean;
      forbidDuplicateNames: boolean;
      specFilter(spec: { getFullName(): string }): boolean;
    }): void;
    addReporter(reporter: { specDone(result: SpecResult): void }): void;
    execute(): Promise<unknown>;
  };
}

export const jasmine: Jasmine = (globalThis as object as { readonly jasmine: Jasmine }).jasmine;
jasmine.DEFAULT_TIMEOUT_INTERVAL = 60_000; // machines without a GPU that do something else, too

const asked = new URLSearchParams(location.search);
const backend = asked.get('backend') ?? 'simd';

/** What the names of the specs for this backend contain: its name and the flags. */
const marker = new RegExp(` ${backend} \\{[^}]*\\}`, 'g');

export function isOfBackend(fullName: string): boolean {
  return fullName.search(marker) >= 0;
}

/** A spec's name without backend and flags, on one line. */
export function nameOf(fullName: string): string {
  return fullName.replace(marker, '').replace(/\s+/g, ' ');
}

/** Specs that tell nothing about a backend, by the beginning of their names. */
const leftOut = [
  // They expect a spy on `fetch` to be called with `this` as it is in sloppy mode; this jasmine is strict.
  /^http-load .*JSON model (1 group, 2 weights, 1 path|Provide WeightFileTranslateFunc)/,
  // They ask the canvas for a context of the backend's name, which there is for webgl and webgpu alone.
  ...(backend === 'webgpu' ? [] : [/^draw on canvas context /]),
];
jasmine.getEnv().configure({
  random: false,
  forbidDuplicateNames: false,
  specFilter: (spec) => !leftOut.some((name) => name.test(spec.getFullName())),
});

if (backend === 'simd') {
  setVariant(asked.get('variant') as Variant);
  await setThreads(Number(asked.get('threads')));
  // Nearly all tensors of the suite are too small to be cut.
  if (simdInfo().threads > 1) Object.assign(grain, { worth: 0, piece: 1e-3 });
}
setWasmPaths('./wasm/');
// tfjs tests its webgpu backend with this flag, without which small tensors are computed by the cpu backend.
const flags = backend === 'webgpu' ? { WEBGPU_CPU_FORWARD: false } : {};
setTestEnvs([{ name: backend, backendName: backend, isDataSync: true, flags }]);
