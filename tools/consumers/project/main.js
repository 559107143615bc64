import { setThreads, simdInfo } from '@diff/backend-simd';
import { key, useBackend } from '@diff/core';
import { energyDistance } from '@diff/metrics';
import { ddim, sample } from '@diff/samplers';
import { gaussianMixture } from '@diff/score';
import { logSnrGrid, variancePreserving } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';

const { name } = await useBackend('simd');
const process = variancePreserving({ schedule: 'linear' });
const model = gaussianMixture({
  process,
  means: [
    [-2, 0],
    [2, 0],
  ],
  variance: 0.09,
});
const samples = await sample({
  model,
  sampler: ddim(),
  grid: logSnrGrid({ process, steps: 20, end: 1e-3 }),
  shape: [500, 2],
  key: key(1),
});
const { value } = await energyDistance(samples, await model.sample(key(2), 500));
const x = tf.ones([300, 300]);
await setThreads(2);
const [first] = await tf.matMul(x, x).data();
const { threads, whyNoThreads = 'on both' } = simdInfo();
await setThreads(1);
console.log(
  `${name}: [${samples.shape}], energy distance ${value.toFixed(3)}, ${threads} threads (${whyNoThreads}): ${first}`,
);
