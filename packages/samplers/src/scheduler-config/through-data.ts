/**
 * A sampler that sees the model's data prediction after a change, `clip_sample` or `thresholding`: what it asks of the
 * model is turned into x̂0, changed, and given to it as a prediction of data.
 */
import { clipData, defineModel, dynamicThreshold, type ScoreModel } from '@diff/score';
import * as tf from '@tensorflow/tfjs-core';
import type { Sampler } from '../sampler.ts';
import type { ConfigReader } from './config-reader.ts';

export type DataChange = (model: ScoreModel) => ScoreModel;

/** Reads `thresholding` and, where the class has it, `clip_sample` with that default. */
export function dataChange(config: ConfigReader, clips?: boolean): DataChange | undefined {
  const thresholds = config.flag('thresholding', false);
  const quantile = config.number('dynamic_thresholding_ratio', 0.995, { min: 0, max: 1 });
  const max = config.number('sample_max_value', 1, { min: 0 });
  const clip = clips !== undefined && config.flag('clip_sample', clips);
  const range = clips === undefined ? 1 : config.number('clip_sample_range', 1, { min: 0 });
  // The library clamps the threshold to [1, max], that is to max where max < 1.
  if (thresholds) return (model) => dynamicThreshold(model, { quantile, max: Math.max(1, max) });
  return clip ? (model) => clipData(model, { min: -range, max: range }) : undefined;
}

/** The sampler behind a change of the data prediction; itself without one. */
export function throughData(sampler: Sampler, change: DataChange | undefined): Sampler {
  if (!change) return sampler;
  return {
    ...sampler,
    check: (plan) => sampler.check?.({ ...plan, kind: 'data' }),
    async step(context): Promise<tf.Tensor> {
      const { process, kind } = context;
      const model = change(
        defineModel({
          process,
          kind,
          predict: async (x, t) => tf.clone(await context.predict(x, Number(t))),
        }),
      );
      const made: tf.Tensor[] = [];
      try {
        return await sampler.step({
          ...context,
          kind: 'data',
          async predict(x, t) {
            const data = await model.predict(x, t);
            made.push(data);
            return data;
          },
        });
      } finally {
        tf.dispose(made);
      }
    },
  };
}
