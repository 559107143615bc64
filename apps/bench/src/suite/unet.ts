/**
 * A small U-Net on 28 × 28 images: residual blocks of group norm, silu and 3 × 3 convolutions with an embedding of the
 * noise level, two levels down (stride 2) and up (transposed convolution), one head of attention at 7 × 7.
 */
import { functionNetwork, silu } from '@diff/score';
import * as tf from '@tensorflow/tfjs-core';
import type { TrainedNetwork } from './training-step.ts';

const [C, WIDE, EMBEDDING, FEATURES, GROUPS] = [16, 32, 32, 16, 8];

const norm = (name: string, channels: number): [string, number[]][] => [
  [`${name}.scale`, [channels]],
  [`${name}.shift`, [channels]],
];
const convolution = (name: string, size: number, from: number, to: number): [string, number[]][] => [
  [`${name}.kernel`, [size, size, from, to]],
  [`${name}.bias`, [to]],
];
const dense = (name: string, from: number, to: number): [string, number[]][] => [
  [`${name}.kernel`, [from, to]],
  [`${name}.bias`, [to]],
];
const residual = (name: string, from: number, to: number): [string, number[]][] => [
  ...norm(`${name}.norm1`, from),
  ...convolution(`${name}.conv1`, 3, from, to),
  ...dense(`${name}.embedding`, EMBEDDING, to),
  ...norm(`${name}.norm2`, to),
  ...convolution(`${name}.conv2`, 3, to, to),
  ...(from === to ? [] : convolution(`${name}.skip`, 1, from, to)),
];

const WEIGHTS: Readonly<Record<string, readonly number[]>> = Object.fromEntries([
  ...dense('time', FEATURES, EMBEDDING),
  ...convolution('in', 3, 1, C),
  ...residual('high', C, C),
  ...convolution('down1', 3, C, WIDE),
  ...residual('middle', WIDE, WIDE),
  ...convolution('down2', 3, WIDE, WIDE),
  ...residual('low', WIDE, WIDE),
  ...norm('attention.norm', WIDE),
  ...dense('attention.qkv', WIDE, 3 * WIDE),
  ...dense('attention.out', WIDE, WIDE),
  // Transposed convolutions: [height, width, to, from], to = from.
  ...convolution('up1', 2, WIDE, WIDE),
  ...residual('middleUp', 2 * WIDE, WIDE),
  ...convolution('up2', 2, WIDE, WIDE),
  ...residual('highUp', WIDE + C, C),
  ...norm('out.norm', C),
  ...convolution('out', 3, C, 1),
]);

type Named = Readonly<Record<string, tf.Variable>>;

/** The network's value; every intermediate is tidied by the caller. */
function forward(w: Named, x: tf.Tensor, noiseLevel: tf.Tensor1D): tf.Tensor {
  const batch = x.shape[0]!;
  const conv = (name: string, h: tf.Tensor, stride = 1): tf.Tensor => {
    const kernel = w[`${name}.kernel`] as tf.Tensor as tf.Tensor4D;
    return tf.add(
      tf.conv2d(h as tf.Tensor4D, kernel, stride, Math.floor(kernel.shape[0] / 2)),
      w[`${name}.bias`]!,
    );
  };
  const linear = (name: string, h: tf.Tensor): tf.Tensor =>
    tf.fused.matMul({ a: h, b: w[`${name}.kernel`]!, bias: w[`${name}.bias`]! });
  const groupNorm = (name: string, h: tf.Tensor): tf.Tensor => {
    const [, height, width, channels] = h.shape as [number, number, number, number];
    const grouped = tf.reshape(h, [batch, height * width, GROUPS, channels / GROUPS]);
    const centred = tf.sub(grouped, tf.mean(grouped, [1, 3], true));
    const variance = tf.mean(tf.square(centred), [1, 3], true);
    const normal = tf.reshape(tf.mul(centred, tf.rsqrt(tf.add(variance, 1e-5))), h.shape);
    return tf.add(tf.mul(normal, w[`${name}.scale`]!), w[`${name}.shift`]!);
  };
  const half = FEATURES / 2;
  const frequencies = tf.tensor2d(
    Array.from({ length: half }, (_, i) => 2 ** i / 4),
    [1, half],
  );
  const angles = tf.matMul(tf.reshape(noiseLevel, [batch, 1]), frequencies);
  const e = silu(linear('time', tf.concat([tf.cos(angles), tf.sin(angles)], 1)));

  const block = (name: string, h: tf.Tensor): tf.Tensor => {
    const shift = linear(`${name}.embedding`, e);
    const first = tf.add(
      conv(`${name}.conv1`, silu(groupNorm(`${name}.norm1`, h))),
      tf.reshape(shift, [batch, 1, 1, shift.shape[1]!]),
    );
    const second = conv(`${name}.conv2`, silu(groupNorm(`${name}.norm2`, first)));
    return tf.add(second, w[`${name}.skip.kernel`] ? conv(`${name}.skip`, h) : h);
  };
  const attention = (h: tf.Tensor): tf.Tensor => {
    const tokens = h.shape[1]! * h.shape[2]!;
    const rows = tf.reshape(groupNorm('attention.norm', h), [batch * tokens, WIDE]);
    const [q, k, v] = tf.split(tf.reshape(linear('attention.qkv', rows), [batch, tokens, 3 * WIDE]), 3, 2);
    const mixed = tf.matMul(tf.softmax(tf.div(tf.matMul(q!, k!, false, true), Math.sqrt(WIDE))), v!);
    return tf.add(h, tf.reshape(linear('attention.out', tf.reshape(mixed, [batch * tokens, WIDE])), h.shape));
  };
  const up = (name: string, h: tf.Tensor): tf.Tensor => {
    const side = 2 * h.shape[1]!;
    const kernel = w[`${name}.kernel`] as tf.Tensor as tf.Tensor4D;
    return tf.add(
      tf.conv2dTranspose(h as tf.Tensor4D, kernel, [batch, side, side, WIDE], 2, 'valid'),
      w[`${name}.bias`]!,
    );
  };

  const high = block('high', conv('in', x));
  const middle = block('middle', conv('down1', high, 2));
  const low = attention(block('low', conv('down2', middle, 2)));
  const middleUp = block('middleUp', tf.concat([up('up1', low), middle], 3));
  const highUp = block('highUp', tf.concat([up('up2', middleUp), high], 3));
  return conv('out', silu(groupNorm('out.norm', highUp)));
}

export const unet: TrainedNetwork = {
  id: 'train/unet',
  title: 'training step, U-Net 28×28, batch 8',
  op: 'trainUnet',
  settings: { groups: GROUPS, features: FEATURES },
  eventShape: [28, 28, 1],
  batchSize: 8,
  checkRows: 2,
  steps: 1,
  classes: 0,
  quick: false,
  weights: WEIGHTS,
  make() {
    const variables = Object.fromEntries(
      Object.entries(WEIGHTS).map(([name, shape]) => [
        name,
        tf.tidy(() => tf.variable(tf.zeros([...shape]))),
      ]),
    );
    return functionNetwork({
      variables,
      eventShape: [28, 28, 1],
      apply: (x, noiseLevel) => tf.tidy(() => forward(variables, x, noiseLevel)),
    });
  },
};
