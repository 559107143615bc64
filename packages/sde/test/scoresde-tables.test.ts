import {
  ddpmChain,
  probabilityFlowDrift,
  reverseCoefficients,
  reverseDrift,
  smldChain,
  subVariancePreserving,
  varianceExploding,
  variancePreserving,
} from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import { golden, worst } from './golden.ts';

interface Row {
  readonly sde: 'VP' | 'subVP' | 'VE';
  readonly params: { readonly p0: number; readonly p1: number; readonly N: number };
  readonly problem: 'P1' | 'P2';
  readonly t: number;
  readonly marginal_std: number;
  readonly sde_diffusion: number;
  readonly timestep_index: number;
  readonly x_t: number[][];
  readonly marginal_mean: number[][];
  readonly score: number[][];
  readonly sde_drift: number[][];
  readonly reverse_drift: number[][];
  readonly pf_drift: number[][];
  readonly discretize_f: number[][];
  readonly discretize_G: number;
}

const { meta, cases } = golden<Row, { x0: Record<'P1' | 'P2', number[][]> }>('scoresde-tables');

beforeAll(() => tf.setBackend('cpu'));

function processOf({ sde, params: { p0, p1 } }: Row) {
  if (sde === 'VE') return varianceExploding({ sigmaMin: p0, sigmaMax: p1, T: 1, dataHasSigmaMin: true });
  const options = { betaMin: p0, betaMax: p1, T: 1 };
  return sde === 'VP' ? variancePreserving(options) : subVariancePreserving(options);
}

describe.each(cases)('score_sde $sde, N = $params.N, $problem, t = $t', (row) => {
  const process = processOf(row);
  const { t, x_t: x, score } = row;

  it('has its mean, standard deviation, drift and diffusion', () => {
    const mean = meta.x0[row.problem].flat().map((v) => process.alpha(t) * v);
    expect(worst(mean, row.marginal_mean.flat()).error).toBeLessThan(1e-14);
    expect(
      process.drift(t) === 0
        ? 0
        : worst(
            x.flat().map((v) => process.drift(t) * v),
            row.sde_drift.flat(),
          ).error,
    ).toBeLessThan(1e-14);
    // score_sde computes 1 − e^{−B} by subtraction, which loses digits where B is small
    const lost = row.sde === 'VE' ? 0 : Number.EPSILON / (1 - process.alpha(t) ** 2);
    expect(Math.abs(process.sigma(t) / row.marginal_std - 1)).toBeLessThan(4e-15 + 2 * lost);
    expect(Math.abs(process.diffusion(t) / row.sde_diffusion - 1)).toBeLessThan(4e-15 + 2 * lost);
  });

  it('has its reverse drifts, in float64 coefficients and as tensors', async () => {
    const lost = row.sde === 'VE' ? 0 : Number.EPSILON / (1 - process.alpha(t) ** 2);
    for (const [noiseLevel, expected] of [
      [1, row.reverse_drift],
      [0, row.pf_drift],
    ] as const) {
      const c = reverseCoefficients(process, t, noiseLevel); // in reverse time: the sign is the opposite
      const drift = x.flat().map((v, i) => -(c.x * v + c.score * score.flat()[i]! + c.constant));
      expect(worst(drift, expected.flat()).error).toBeLessThan(1e-14 + 4 * lost);
      const tensor = reverseDrift(process, t, tf.tensor(x), tf.tensor(score), { noiseLevel });
      closeInFloat32(Array.from(await tensor.data()), expected.flat(), c, -1);
    }
    const flow = probabilityFlowDrift(process, t, tf.tensor(x), tf.tensor(score));
    closeInFloat32(Array.from(await flow.data()), row.pf_drift.flat(), reverseCoefficients(process, t, 0), 1);
  });

  /** The two terms may nearly cancel: each rounds to float32 in the input, the weight, the product and the sum. */
  const closeInFloat32 = (
    actual: number[],
    expected: number[],
    c: { readonly x: number; readonly score: number },
    sign: 1 | -1,
  ): void => {
    actual.forEach((v, i) => {
      const size = Math.abs(c.x * x.flat()[i]!) + Math.abs(c.score * score.flat()[i]!);
      expect(Math.abs(sign * v - expected[i]!)).toBeLessThan(4 * 2 ** -24 * size);
    });
  };

  it('has its discretization', () => {
    const { p0, p1, N } = row.params;
    const i = row.timestep_index + 1;
    const { scale, noise } =
      row.sde === 'VP'
        ? ddpmChain({ steps: N, betaStart: p0 / N, betaEnd: p1 / N }).transition(i)
        : row.sde === 'VE'
          ? smldChain({ sigmaMin: p0, sigmaMax: p1, steps: N, dataHasSigmaMin: true }).transition(i)
          : { scale: 1 + process.drift(t) / N, noise: process.diffusion(t) / Math.sqrt(N) };
    expect(
      worst(
        x.flat().map((v) => (scale - 1) * v),
        row.discretize_f.flat(),
      ).error,
    ).toBeLessThan(1e-11);
    // small B again for sub-VP; a difference of squares for SMLD
    expect(Math.abs(noise / row.discretize_G - 1)).toBeLessThan(
      row.sde === 'subVP' && t < 1e-3 ? 1e-8 : 1e-11,
    );
  });
});
