/** IsNan and IsFinite of float32 elements, as bool. Other types fall back. */
import { IsFinite, IsNan, type KernelConfig, type UnaryInputs } from '@tensorflow/tfjs-core';
import type { WasmExports } from '../generated/wasm-exports.ts';
import { kernel } from '../kernel.ts';
import { size } from '../numeric.ts';

type Predicate = (x: number, out: number, n: number) => void;

const predicates: Readonly<Record<string, (wasm: WasmExports) => Predicate>> = {
  [IsNan]: (wasm) => wasm.nan,
  [IsFinite]: (wasm) => wasm.finite,
};

export const predicateConfigs: readonly KernelConfig[] = Object.entries(predicates).map(([name, select]) =>
  kernel<UnaryInputs>(name, ({ inputs: { x }, backend, args }) => {
    if (x.dtype !== 'float32') return backend.fallback(name, args);
    const out = backend.output(x.shape, 'bool');
    select(backend.wasm)(backend.pointer(x), backend.pointer(out), size(x.shape));
    return out;
  }),
);
