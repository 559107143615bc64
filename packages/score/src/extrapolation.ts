/**
 * Away from one prediction through a better one: P = P₊ + w (P₊ − P₋) = (1 + w) P₊ − w P₋.
 *
 * All kinds are affine in the score with the same x-part, and (1 + w) − w = 1, so this may be taken in whatever kind the
 * models predict. With w = 0 for all rows only P₊ is evaluated. Every kind of guidance by two models is this; they
 * differ in what P₊ and P₋ are.
 */
import { combine, DomainError, type Weight } from '@diff/core';
import type { LinearProcess } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { timesOf } from './marginal.ts';
import { type Condition, defineModel, requireTime, type ScoreModel, type Time } from './model.ts';
import type { PredictionKind } from './prediction-kind.ts';
import { requireShare, rescaled } from './row-deviation.ts';

/** Two predictions of one kind and of x's shape. */
export interface PredictionPair {
  readonly better: tf.Tensor;
  readonly worse: tf.Tensor;
}

interface ExtrapolationOptions {
  readonly process: LinearProcess;
  readonly kind: PredictionKind;
  readonly name: string;
  readonly eventShape?: readonly number[] | undefined;
  /** w at a time. */
  readonly strength: (t: number) => number;
  /** φ. */
  readonly rescale?: number | undefined;
  /** P₊ alone, owned by the caller. */
  readonly better: (x: tf.Tensor, t: Time, condition?: Condition) => tf.Tensor | Promise<tf.Tensor>;
  /** Both, owned by the caller. */
  readonly both: (x: tf.Tensor, t: Time, condition?: Condition) => Promise<PredictionPair>;
  /** What takes the place of P₊ − P₋ at one time or one for each row; inside a tidy. */
  readonly difference?:
    | ((pair: PredictionPair, x: tf.Tensor, times: readonly number[]) => tf.Tensor)
    | undefined;
}

/** The extrapolated prediction as a model. */
export function extrapolation({
  process,
  kind,
  name,
  eventShape,
  strength,
  rescale = 0,
  better,
  both,
  difference,
}: ExtrapolationOptions): ScoreModel {
  requireShare(name, rescale);
  return defineModel({
    process,
    kind,
    name,
    eventShape,
    async predict(x, t, condition) {
      requireTime(name, x, t);
      const times = typeof t === 'number' ? [t] : await timesOf(t);
      const weights = times.map(strength);
      if (weights.every((w) => w === 0)) {
        const alone = await better(x, t, condition);
        return alone === x ? tf.clone(alone) : alone;
      }
      const pair = await both(x, t, condition);
      try {
        return tf.tidy(() => {
          const per = (of: (w: number) => number): Weight =>
            typeof t === 'number' ? of(weights[0]!) : tf.tensor1d(weights.map(of), 'float32');
          const guided = difference
            ? combine([
                [1, pair.better],
                [per((w) => w), difference(pair, x, times)],
              ])
            : combine([
                [per((w) => 1 + w), pair.better],
                [per((w) => -w), pair.worse],
              ]);
          return rescaled(guided, pair.better, rescale);
        });
      } finally {
        tf.dispose([pair.better, pair.worse].filter((p) => p !== x));
      }
    },
  });
}

/** Throws unless two models have one process. */
export function requireSameProcess(where: string, models: readonly ScoreModel[]): void {
  const first = models[0]!.process;
  for (const { process } of models.slice(1)) {
    if (process === first) continue;
    const configs = [first, process].map((p) => JSON.stringify(p.config));
    if (configs[0] !== configs[1] || process.type === 'custom') {
      throw new DomainError(
        `${where}: ${models.length === 2 ? 'both' : 'all'} models must have one process, got ${configs.join(' and ')}. Build them on the same process.`,
      );
    }
  }
}
