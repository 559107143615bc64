// Backend, gradients and jasmine's environment, before any test is defined.
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
import '@tensorflow/tfjs-backend-cpu';
import { setTestEnvs } from '@tensorflow/tfjs-core/dist/jasmine_util';
import { setVariant, simdInfo, type Variant } from '../src/index.ts';
import { wasm } from '../src/wasm.ts';

const options = JSON.parse(process.env.CONFORMANCE ?? '{}') as {
  variant: Variant | 'auto';
  stress: boolean;
  backend: string;
};
const { backend } = options;

/** What the names of the specs for this backend contain. */
export const marker: string = ` ${backend}-under-test `;

if (backend === 'simd') {
  setVariant(options.variant);
  if (options.stress) wasm().heap.stress({ detach: true, poison: true, guard: true });
}
setTestEnvs([{ name: marker.trim(), backendName: backend, isDataSync: true }]);

export function description(): string {
  if (backend !== 'simd') return backend;
  const { variant, memory } = simdInfo();
  return `simd (${variant}${options.stress ? ', stress' : ''}), memory ${(memory.highWater / 1e6).toFixed(1)} MB at most, ${memory.blocks} blocks left`;
}
