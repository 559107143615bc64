/** DiffNormal, DiffUniform, DiffRademacher: one dispatch, one Threefry block an invocation. */
import type { KernelConfig } from '@tensorflow/tfjs-core';
import { dispatch } from '../dispatch.ts';
import { kernel } from '../kernel.ts';
import { streamAt } from '../stream.ts';
import { draw } from '../wgsl/draw.ts';

interface NoiseAttrs {
  readonly key: readonly number[];
  readonly shape: number[];
  readonly firstRow: number;
}

function noise(kernelName: string, law: keyof typeof draw): KernelConfig {
  return kernel<Record<string, never>, NoiseAttrs>(kernelName, ({ attrs, backend }) => {
    const { key, shape, firstRow } = attrs;
    const size = shape.reduce((a, b) => a * b, 1);
    const rowLength = shape.slice(1).reduce((a, b) => a * b, 1);
    const { words, skip } = streamAt(key, firstRow * rowLength);
    return dispatch(backend, {
      name: kernelName,
      code: () => `${draw[law]}
fn run(at: u32) {
  let size = u.ints[2].x;
  let first = 4u * at - u.ints[2].y; // wraps for numbers before the tensor, and is then no less than size
  let drawn = draw(at);
  for (var i = 0u; i < 4u; i++) {
    if (first + i < size) { result[first + i] = drawn[i]; }
  }
}
`,
      outputs: [{ name: 'result', shape, dtype: 'float32' }],
      inputs: [],
      ints: [...words, size, skip],
      floats: [],
      invocations: size === 0 ? 0 : Math.ceil((skip + size) / 4),
    })[0]!;
  });
}

export const noiseConfigs: readonly KernelConfig[] = [
  noise('DiffNormal', 'normal'),
  noise('DiffUniform', 'uniform'),
  noise('DiffRademacher', 'rademacher'),
];
