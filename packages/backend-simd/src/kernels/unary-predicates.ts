/** IsNan and IsFinite of float32 elements, as bool. Other types fall back. */
import { IsFinite, IsNan, type KernelConfig, type UnaryInputs } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel.ts';
import { size } from '../numeric.ts';
import { COUNT, each, type KernelName } from '../parallel.ts';

const predicates: Readonly<Record<string, KernelName>> = {
  [IsNan]: 'nan',
  [IsFinite]: 'finite',
};

export const predicateConfigs: readonly KernelConfig[] = Object.entries(predicates).map(([name, method]) =>
  kernel<UnaryInputs>(name, ({ inputs: { x }, backend, args }) => {
    if (x.dtype !== 'float32') return backend.fallback(name, args);
    const out = backend.output(x.shape, 'bool');
    const [from, to] = [backend.pointer(x), backend.pointer(out)];
    backend.parallel(method, { items: size(x.shape), cost: 0.3, multiple: 64 }, [
      each(from, 4),
      each(to, 1),
      COUNT,
    ]);
    return out;
  }),
);
