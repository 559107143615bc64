/**
 * DiffCombine: Σᵢ wᵢ xᵢ + constant + c ξ in one pass, the noise made on the way (see `combine` in @diff/core).
 *
 * Every element is made by the same operations in the same order, so rows have the same bits however a batch is cut.
 */
import { type KernelConfig, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel.ts';
import { BEGIN, END } from '../parallel.ts';
import { floatPointer } from './float-pointer.ts';

interface CombineAttrs {
  readonly terms: number;
  readonly weights: readonly (number | null)[];
  readonly constant: number;
  readonly noise: {
    readonly scale: number | null;
    readonly key: readonly number[];
    readonly firstRow: number;
  } | null;
}

type CombineInputs = Readonly<Record<string, TensorInfo>>;

export const diffCombineConfig: KernelConfig = kernel<CombineInputs, CombineAttrs>(
  'DiffCombine',
  ({ inputs, attrs: { terms, weights, constant, noise }, backend }) => {
    const shape = inputs.x0!.shape;
    const rowLength = util.sizeFromShape(shape.slice(1));
    const out = backend.output(shape, 'float32');

    // The table of terms: address of x, address of the weights or 0, weight.
    const pointers = Array.from({ length: terms }, (_, i) => {
      const w = inputs[`w${i}`];
      return [floatPointer(backend, inputs[`x${i}`]!), w ? floatPointer(backend, w) : 0] as const;
    });
    const scales = inputs.c ? floatPointer(backend, inputs.c) : 0;
    const table = backend.scratch(16 * terms);
    const scratch = backend.scratchEach(backend.wasm.combineScratch(terms));
    const words = backend.heap.i32(table, 4 * terms);
    const floats = backend.heap.f32(table, 4 * terms);
    pointers.forEach(([x, w], i) => {
      words[4 * i] = x;
      words[4 * i + 1] = w;
      floats[4 * i + 2] = weights[i] ?? 0;
    });

    const [k0, k1, k2, k3] = (noise?.key ?? [0, 0, 0, 0]) as [number, number, number, number];
    const start = (noise?.firstRow ?? 0) * rowLength;
    const size = util.sizeFromShape(shape);
    const drawn = [noise ? 1 : 0, noise?.scale ?? 0, scales, k0, k1, k2, k3, start] as const;
    const range = { items: size, cost: 0.3 * terms + (noise ? 2.5 : 0), multiple: 32 };
    const to = backend.pointer(out);
    backend.parallel('combine', range, [
      table,
      terms,
      size,
      BEGIN,
      END,
      rowLength,
      constant,
      ...drawn,
      to,
      scratch,
    ]);
    return out;
  },
);
