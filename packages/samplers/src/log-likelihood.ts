/**
 * The density that a model gives to data, by the change of variables along its probability flow (Chen et al. 2018; Song et
 * al. 2021, eq. 39). In y = (x − m)/α, ς = σ/α the flow is dy/dς = ε̂, along which d log p_y/dς = −∇_y·ε̂, so that
 *
 *   log p_δ(x) = log prior(x_T) + d ln(α_T/α_δ) + ∫_{ς_δ}^{ς_T} ∇_y·ε̂ dς.
 *
 * y and the integral go up together, as one state, by any deterministic sampler. From the integrand is taken that of
 * N(0, I), d ς/(1 + ς²), whose integral is known: what is left is small, and float32 holds it to more digits.
 *
 * It stands here, not with the metrics, because it is a run of a sampler. It is the density of the flow's end, which is
 * the model's p_δ only as far as the steps are small and the model a score; with Hutchinson's probes log p is unbiased
 * (its exponential is not). With `prior` other than the law of X_T, the two differ by log p_T(x_T) − log prior(x_T).
 */
import {
  combine,
  DomainError,
  type Key,
  rademacher,
  requireInteger,
  requireKey,
  requireOneOf,
} from '@diff/core';
import { type Condition, defineModel, type ScoreModel } from '@diff/score';
import * as tf from '@tensorflow/tfjs-core';
import { ascendingFlow, fromFlow, requireSignal, toFlow } from './ascending-flow.ts';
import { checkRun } from './check-run.ts';
import { dormandPrince } from './dormand-prince.ts';
import { noiseAndDivergence } from './noise-divergence.ts';
import { sample } from './sample.ts';
import type { Sampler } from './sampler.ts';

export interface LogLikelihoodOptions {
  /** A model that answers at once and is differentiable in x, as networks and exact models are. */
  readonly model: ScoreModel;
  /** Data, [n, …event]; stays the caller's. */
  readonly x: tf.Tensor;
  /**
   * Descending times from T to δ, the time whose density is meant: [T, δ] for an adaptive sampler. δ = 0 only for models
   * that predict noise or velocity.
   */
  readonly grid: readonly number[];
  /** A deterministic sampler; default `dormandPrince` with tolerances of 1e-5. */
  readonly sampler?: Sampler | undefined;
  /** 'exact' (default): d backward passes an evaluation; 'hutchinson': one for each probe. */
  readonly divergence?: 'exact' | 'hutchinson' | undefined;
  /** Names the probes; needed for 'hutchinson'. */
  readonly key?: Key | undefined;
  /** Probes of 'hutchinson'; default 1. */
  readonly probes?: number | undefined;
  /** Row of the probes' stream at which this batch begins; default 0. */
  readonly firstRow?: number | undefined;
  /** The Gaussian at T; default the process's prior. */
  readonly prior?: { readonly mean: number; readonly std: number } | undefined;
  readonly condition?: Condition | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Both tensors are owned by the caller. */
export interface LogLikelihood {
  /** log p_δ of each row in nats, [n]; divide by −d ln 2 for bits per dimension. */
  readonly logDensity: tf.Tensor1D;
  /** Where the flow takes the data: states at T, [n, …event]. */
  readonly latent: tf.Tensor;
}

function checkOptions(options: LogLikelihoodOptions, sampler: Sampler): void {
  const { model, x, grid, divergence = 'exact', probes = 1, firstRow, condition, signal } = options;
  requireOneOf('logLikelihood', 'divergence', divergence, ['exact', 'hutchinson']);
  requireInteger('logLikelihood', 'probes', probes, 1);
  if (divergence === 'hutchinson') requireKey('logLikelihood', options.key);
  if (sampler?.stochastic === true) {
    throw new DomainError(
      `logLikelihood: sampler must be deterministic, got ${sampler.name}. Leave it out for dormandPrince().`,
    );
  }
  // What the sampler's formulas need is asked when it runs upwards.
  const { check: _, ...unchecked } = sampler ?? {};
  checkRun('logLikelihood', {
    model,
    sampler: unchecked as Sampler,
    grid,
    shape: x?.shape,
    key: { words: [0, 0, 0, 0] },
    firstRow,
    initial: x,
    condition,
    signal,
  });
  requireSignal('logLikelihood', model.process, grid);
}

/** log N(x; mean, std² I) of each row, [n]. */
function logNormal(x: tf.Tensor, { mean, std }: { readonly mean: number; readonly std: number }): tf.Tensor {
  const rows = tf.reshape(x, [x.shape[0]!, -1]);
  const d = rows.shape[1]!;
  const squares = tf.sum(tf.square(tf.div(tf.sub(rows, mean), std)), 1);
  return tf.sub(tf.mul(squares, -0.5), d * (Math.log(std) + 0.5 * Math.log(2 * Math.PI)));
}

/**
 * Log-densities of data under a model, by its probability flow.
 *
 * @returns log p_δ in nats [n], and the states at T.
 * @throws ShapeError, DomainError as `sample`; DomainError for a stochastic sampler, for 'hutchinson' without a key, for a
 *   grid that starts without signal (α = 0), or a model that answers with a promise.
 * @example
 * ```ts
 * import { key } from '@diff/core';
 * import { logLikelihood } from '@diff/samplers';
 * import { gaussianMixture } from '@diff/score';
 * import { edm } from '@diff/sde';
 * import '@tensorflow/tfjs-backend-cpu';
 * const model = gaussianMixture({ process: edm(), means: [[1, 0], [-1, 0]], variance: 0.1 });
 * const x = await model.sample(key(1), 4);
 * const { logDensity } = await logLikelihood({ model, x, grid: [80, 0.01] });
 * const exact = model.logDensity(x, 0.01); // the same to 1e-3
 * ```
 */
export async function logLikelihood(options: LogLikelihoodOptions): Promise<LogLikelihood> {
  const {
    model,
    x,
    grid,
    divergence = 'exact',
    probes: count = 1,
    firstRow = 0,
    condition,
    signal,
  } = options;
  const sampler = options.sampler ?? dormandPrince({ relativeTolerance: 1e-5, absoluteTolerance: 1e-5 });
  checkOptions(options, sampler);
  const { process } = model;
  const n = x.shape[0]!;
  const d = x.size / n;
  const flow = ascendingFlow(model, grid);
  const { times } = flow;
  const [end, start] = [times[0]!, times.at(-1)!];
  const probes =
    divergence === 'exact'
      ? undefined
      : tf.tidy(() =>
          tf
            .split(rademacher(options.key!, [n, count, ...x.shape.slice(1)], { firstRow }), count, 1)
            .map((probe) => tf.reshape(probe, x.shape)),
        );

  /** y and the integral side by side, [n, d + 1], down in u. */
  const augmented = defineModel({
    process: flow.model.process,
    kind: 'noise',
    name: flow.model.name,
    predict(state, u) {
      const t = flow.timeOf(u as number);
      const level = process.sigma(t) / process.alpha(t);
      return tf.tidy(() => {
        const y = tf.reshape(tf.slice(state, [0, 0], [n, d]), x.shape);
        const at = fromFlow(process, y, t);
        const found = noiseAndDivergence('logLikelihood', model, at, t, condition, probes);
        // ∇_y = α ∇_x; the integrand of N(0, I) is taken away.
        const rate = combine([[-process.alpha(t), tf.reshape(found.divergence, [n, 1])]], {
          constant: (d * level) / (1 + level ** 2),
        });
        return tf.concat([tf.neg(tf.reshape(found.noise, [n, d])), rate], 1);
      });
    },
  });

  const owned: tf.Tensor[] = [...(probes ?? [])];
  try {
    const initial = tf.tidy(() => {
      const y = tf.reshape(toFlow(process, x, end), [n, d]);
      return tf.concat([y, tf.zeros([n, 1])], 1);
    });
    owned.push(initial);
    const reached = await sample({
      model: augmented,
      sampler,
      grid: flow.grid,
      shape: [n, d + 1],
      key: { words: [0, 0, 0, 0] },
      initial,
      signal,
    });
    owned.push(reached);
    const level = (t: number): number => process.sigma(t) / process.alpha(t);
    const known =
      d * Math.log(process.alpha(start) / process.alpha(end)) +
      (d / 2) * (Math.log1p(level(start) ** 2) - Math.log1p(level(end) ** 2));
    const [logDensity, latent] = tf.tidy(() => {
      const y = tf.reshape(tf.slice(reached, [0, 0], [n, d]), x.shape);
      const at = fromFlow(process, y, start);
      const integral = tf.reshape(tf.slice(reached, [0, d], [n, 1]), [n]);
      const prior = logNormal(at, options.prior ?? process.prior);
      return [tf.add(tf.add(prior, integral), known) as tf.Tensor1D, at] as [tf.Tensor1D, tf.Tensor];
    });
    return { logDensity, latent };
  } finally {
    tf.dispose(owned);
  }
}
