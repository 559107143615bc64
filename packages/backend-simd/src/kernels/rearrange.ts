/** MirrorPad, DepthToSpace: the same elements elsewhere, as strided copies. */
import {
  DepthToSpace,
  type DepthToSpaceAttrs,
  type DepthToSpaceInputs,
  type KernelConfig,
  MirrorPad,
  type MirrorPadAttrs,
  type MirrorPadInputs,
} from '@tensorflow/tfjs-core';
import { kernel } from '../kernel.ts';
import { isNumeric, strides } from '../numeric.ts';
import { type Loop, stridedCopy } from '../strided-copy.ts';
import { bytesPerElement } from '../tensor-data.ts';

/** A stretch of one axis: where it begins in the input and in the output, and its loop. */
interface Stretch extends Loop {
  readonly from: number;
  readonly to: number;
}

export const mirrorPadConfig: KernelConfig = kernel<MirrorPadInputs, MirrorPadAttrs>(
  MirrorPad,
  ({ inputs: { x }, attrs: { paddings, mode }, backend, args }) => {
    if (!isNumeric(x.dtype)) return backend.fallback(MirrorPad, args);
    const shape = x.shape.map((n, d) => paddings[d]![0] + n + paddings[d]![1]);
    const out = backend.output(shape, x.dtype);
    const [input, output] = [strides(x.shape), strides(shape)];
    // The edge itself is mirrored too where the mode is symmetric.
    const edge = mode === 'reflect' ? 1 : 0;
    const stretches = x.shape.map((n, d): Stretch[] => {
      const [before, after] = paddings[d]!;
      const [step, to] = [input[d]!, output[d]!];
      return [
        { size: before, from: before - 1 + edge, to: 0, input: -step, output: to },
        { size: n, from: 0, to: before, input: step, output: to },
        { size: after, from: n - 1 - edge, to: before + n, input: -step, output: to },
      ].filter(({ size }) => size > 0);
    });
    const bytes = bytesPerElement(x.dtype);
    const copy = (chosen: readonly Stretch[], from: number, to: number): void => {
      const d = chosen.length;
      if (d === shape.length) stridedCopy(backend, from, to, bytes, chosen);
      else {
        for (const stretch of stretches[d]!) {
          const [a, b] = [stretch.from * input[d]!, stretch.to * output[d]!];
          copy([...chosen, stretch], from + a * bytes, to + b * bytes);
        }
      }
    };
    copy([], backend.pointer(x), backend.pointer(out));
    return out;
  },
);

export const depthToSpaceConfig: KernelConfig = kernel<DepthToSpaceInputs, DepthToSpaceAttrs>(
  DepthToSpace,
  ({ inputs: { x }, attrs: { blockSize, dataFormat }, backend, args }) => {
    if (!isNumeric(x.dtype) || dataFormat !== 'NHWC') return backend.fallback(DepthToSpace, args);
    const [batch, height, width, depth] = x.shape as [number, number, number, number];
    const channels = depth / (blockSize * blockSize);
    const out = backend.output([batch, height * blockSize, width * blockSize, channels], x.dtype);
    const [sizes, bytes] = [
      [batch * height, width, blockSize, blockSize, channels],
      bytesPerElement(x.dtype),
    ];
    const input = strides(sizes);
    // In the output the two halves of a block lie apart: its lines around the width, its columns inside.
    const line = width * blockSize * channels;
    const output = [blockSize * line, blockSize * channels, line, channels, 1];
    const loops = sizes.map((size, d) => ({ size, input: input[d]!, output: output[d]! }));
    stridedCopy(backend, backend.pointer(x), backend.pointer(out), bytes, loops);
    return out;
  },
);
