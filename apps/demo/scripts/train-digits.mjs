// Makes src/pages/digits/digits.safetensors, the model of the digits page: the quickstart's network, narrower so that the page stays
// small, trained by the quickstart's recipe on all of its 1,797 digits and stored in 16-bit floats.
//
//   pnpm --filter @diff/demo run train-digits      about two minutes on a CPU; the same bytes on the same build of simd
import { readFile, writeFile } from 'node:fs/promises';
import { fold, key, useBackend } from '@diff/core';
import '@diff/backend-simd';
import { logNormalTimes, mlp, precondition, saveCheckpoint, train } from '@diff/score';
import { edm } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';

const SIGMA_DATA = 0.5;
const STEPS = 4200;

await useBackend('simd');
const read = (name) => readFile(new URL(`../../quickstart/data/${name}`, import.meta.url));
const [pixels, labels] = await Promise.all([read('digits-images.u8'), read('digits-labels.u8')]);
const grey = Float32Array.from(pixels, (v) => v / 16);
const mean = grey.reduce((a, b) => a + b, 0) / grey.length;
const width = Math.sqrt(grey.reduce((a, b) => a + (b - mean) ** 2, 0) / grey.length) / SIGMA_DATA;
const data = tf.tensor2d(
  grey.map((v) => (v - mean) / width),
  [labels.length, 64],
);

const root = key(0);
const process = edm({ T: 80 });
const network = mlp({ eventShape: [64], width: 160, blocks: 3, classes: 10, key: fold(root, 0) });
const model = precondition({ network, process, sigmaData: SIGMA_DATA, name: 'digits' });
await train({
  model,
  data,
  labels: tf.tensor1d(Int32Array.from(labels), 'int32'),
  key: fold(root, 1),
  steps: STEPS,
  batchSize: 256,
  learningRate: { peak: 3e-3, schedule: 'cosine' },
  times: logNormalTimes({ process, mean: -0.4, std: 1.5 }),
  average: 0.998,
  reportEvery: 300,
  onProgress: ({ step, loss, millisecondsPerStep }) =>
    console.log(`${step} of ${STEPS}: loss ${loss.toFixed(4)}, ${millisecondsPerStep.toFixed(1)} ms a step`),
});
const bytes = await saveCheckpoint({
  model,
  dtype: 'F16',
  metadata: { pixels: JSON.stringify({ side: 8, mean, width }) },
});
await writeFile(new URL('../src/pages/digits/digits.safetensors', import.meta.url), bytes);
console.log(`src/pages/digits/digits.safetensors: ${bytes.length} bytes`);
