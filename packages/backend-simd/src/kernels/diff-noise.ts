/**
 * DiffNormal, DiffUniform, DiffRademacher: counter-based noise, Threefry4x32-20 (see `normal` in @diff/core).
 *
 * The integers are those of every backend, so uniforms and signs are exact; normals agree with the float64 formula
 * to 3·10⁻⁷·max(1, |normal|). A number does not depend on where in a call it is made.
 */
import { type KernelConfig, util } from '@tensorflow/tfjs-core';
import { kernel } from '../kernel.ts';
import { COUNT, each } from '../parallel.ts';

interface NoiseAttrs {
  readonly key: readonly number[];
  readonly shape: readonly number[];
  readonly firstRow: number;
}

const kinds = { DiffNormal: 0, DiffUniform: 1, DiffRademacher: 2 } as const;

const noiseConfig = (kernelName: keyof typeof kinds): KernelConfig =>
  kernel<object, NoiseAttrs>(kernelName, ({ attrs: { key, shape, firstRow }, backend }) => {
    const [k0, k1, k2, k3] = key as [number, number, number, number];
    const start = firstRow * util.sizeFromShape(shape.slice(1));
    const out = backend.output(shape, 'float32');
    const scratch = backend.scratchEach(backend.wasm.noiseScratch());
    const range = {
      items: util.sizeFromShape(out.shape),
      cost: kernelName === 'DiffNormal' ? 2.5 : 1.5,
      multiple: 32,
    };
    const to = each(backend.pointer(out), 4);
    backend.parallel('noiseRange', range, [
      kinds[kernelName],
      k0,
      k1,
      k2,
      k3,
      each(start, 1),
      COUNT,
      to,
      scratch,
    ]);
    return out;
  });

export const diffNormalConfig: KernelConfig = noiseConfig('DiffNormal');
export const diffUniformConfig: KernelConfig = noiseConfig('DiffUniform');
export const diffRademacherConfig: KernelConfig = noiseConfig('DiffRademacher');
