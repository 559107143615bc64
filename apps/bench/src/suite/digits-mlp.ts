/** The residual network with which the quickstart learns digits: 64 numbers, width 256, 3 blocks, 10 classes. */
import { key } from '@diff/core';
import { mlp } from '@diff/score';
import type { TrainedNetwork } from './training-step.ts';

const [SIZE, WIDTH, BLOCKS, FEATURES, CLASSES] = [64, 256, 3, 64, 10];

const layer = (name: string, rows: number, columns: number): [string, number[]][] => [
  [`${name}.kernel`, [rows, columns]],
  [`${name}.bias`, [columns]],
];

export const digitsMlp: TrainedNetwork = {
  id: 'train/mlp',
  title: 'training step, residual MLP 64→256 (3 blocks), batch 256',
  op: 'trainMlp',
  settings: { blocks: BLOCKS, features: FEATURES, lowest: 1 / 16, highest: 4 },
  eventShape: [SIZE],
  batchSize: 256,
  checkRows: 64,
  steps: 18,
  classes: CLASSES,
  quick: true,
  weights: Object.fromEntries([
    ...layer('input', SIZE, WIDTH),
    ...layer('time', FEATURES, WIDTH),
    ['label.kernel', [CLASSES, WIDTH]],
    ...Array.from({ length: BLOCKS }, (_, i) =>
      ['first', 'shift', 'second'].flatMap((part) => layer(`block${i}.${part}`, WIDTH, WIDTH)),
    ).flat(),
    ...layer('output', WIDTH, SIZE),
  ]),
  make: () =>
    mlp({
      eventShape: [SIZE],
      width: WIDTH,
      blocks: BLOCKS,
      fourierFeatures: FEATURES,
      classes: CLASSES,
      key: key(1),
    }),
};
