// Backend, gradients and jasmine's environment, before any test is defined.
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
import '@tensorflow/tfjs-backend-cpu';
import { setTestEnvs } from '@tensorflow/tfjs-core/dist/jasmine_util';
import { setThreads, setVariant, simdInfo, type Variant } from '../src/index.ts';
import { grain } from '../src/parallel.ts';
import { wasm } from '../src/wasm.ts';

const options = JSON.parse(process.env.CONFORMANCE ?? '{}') as {
  variant: Variant | 'auto';
  stress: boolean;
  threads: number;
  backend: string;
};
const { backend } = options;

/** What the names of the specs for this backend contain. */
export const marker: string = ` ${backend}-under-test `;

if (backend === 'simd') {
  setVariant(options.variant);
  await setThreads(options.threads);
  // Nearly all tensors of the suite are too small to be cut.
  if (options.threads > 1) Object.assign(grain, { worth: 0, piece: 1e-3 });
  if (options.stress) wasm().heap.stress({ detach: true, poison: true, guard: true });
}
setTestEnvs([{ name: marker.trim(), backendName: backend, isDataSync: true }]);

export function description(): string {
  if (backend !== 'simd') return backend;
  const { variant, threads, memory } = simdInfo();
  const counted = threads > 1 ? ` ${threads}` : '';
  return `simd (${variant}${counted}${options.stress ? ', stress' : ''}), memory ${(memory.highWater / 1e6).toFixed(1)} MB at most, ${memory.blocks} blocks left`;
}
