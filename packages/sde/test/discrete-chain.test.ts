import { fold, key, normal } from '@diff/core';
import {
  ddpmBetas,
  ddpmChain,
  ddpmLimit,
  rescaleToZeroTerminalSnr,
  simulateChain,
  smldChain,
  smldSigmas,
} from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import { golden } from './golden.ts';

beforeAll(() => tf.setBackend('cpu'));

interface Schedule {
  readonly beta_schedule: 'linear' | 'scaled_linear' | 'squaredcos_cap_v2';
  readonly beta_start: number;
  readonly beta_end: number;
  readonly rescale_betas_zero_snr: boolean;
  readonly index: number[];
  readonly betas: number[];
  readonly alphas_cumprod: number[];
}

function tableOf({ beta_schedule, beta_start, beta_end }: Schedule): readonly number[] {
  if (beta_schedule === 'squaredcos_cap_v2') return ddpmBetas({ schedule: 'cosine', steps: 1000 });
  const schedule = beta_schedule === 'linear' ? 'linear' : 'scaledLinear';
  return ddpmBetas({ schedule, steps: 1000, betaStart: beta_start, betaEnd: beta_end });
}

describe.each(golden<Schedule>('diffusers-schedules').cases)(
  'diffusers $beta_schedule, zero SNR at the end: $rescale_betas_zero_snr',
  (row) => {
    const table = tableOf(row);

    it('has its betas and alphas_cumprod', () => {
      const rescaled = row.rescale_betas_zero_snr;
      const betas = rescaled ? rescaleToZeroTerminalSnr(table) : table;
      let product = 1;
      const bars = betas.map((b) => {
        product *= 1 - b;
        return product;
      });
      const chain = rescaled ? undefined : ddpmChain({ betas });
      row.index.forEach((i, k) => {
        expect(Math.abs(betas[i]! - row.betas[k]!), `β at ${i}`).toBeLessThan(1e-13);
        expect(Math.abs(bars[i]! - row.alphas_cumprod[k]!), `ᾱ at ${i}`).toBeLessThan(1e-14);
        if (!chain) return;
        const bar = row.alphas_cumprod[k]!;
        expect(Math.abs(chain.alphasCumprod[i]! / bar - 1), `ᾱ of the chain at ${i}`).toBeLessThan(1e-11);
        expect(chain.alpha(i + 1) ** 2).toBeCloseTo(bar, 14);
        expect(chain.sigma(i + 1) ** 2).toBeCloseTo(1 - bar, 14);
        // the process of the table passes through every state
        const time = chain.time(i + 1);
        expect(Math.abs(chain.limit.alpha(time) ** 2 / bar - 1)).toBeLessThan(1e-11);
      });
      if (rescaled) expect(bars.at(-1)).toBe(0);
    });
  },
);

/** Slope of log error against log N. */
function order(sizes: readonly number[], errorAt: (N: number) => number): number {
  const [first, last] = [sizes[0]!, sizes.at(-1)!];
  return Math.log(errorAt(first) / errorAt(last)) / Math.log(last / first);
}

describe('continuum limits', () => {
  const largest = (chain: ReturnType<typeof ddpmChain> | ReturnType<typeof smldChain>): number => {
    let error = 0;
    for (let i = Math.ceil(chain.steps / 8); i <= chain.steps; i++) {
      const t = chain.time(i);
      error = Math.max(
        error,
        Math.abs(chain.alpha(i) - chain.limit.alpha(t)),
        Math.abs(chain.sigma(i) / chain.limit.sigma(t) - 1),
      );
    }
    return error;
  };

  it.each(['linear', 'scaledLinear'] as const)('DDPM %s tends to VP at rate 1/N', (schedule) => {
    const chainOf = (N: number) =>
      ddpmChain({ schedule, steps: N, betaStart: 0.4 / N, betaEnd: 8 / N, T: 2 });
    expect(chainOf(50).limit.config).toMatchObject({ type: 'vp', schedule, T: 2 });
    expect(chainOf(50).limit.diffusion(2) ** 2).toBeCloseTo(4, 12);
    expect(Math.abs(order([100, 200, 400, 800], (N) => largest(chainOf(N))) - 1)).toBeLessThan(0.1);
    expect(largest(chainOf(3200))).toBeLessThan(2e-3);
  });

  it('DDPM cosine has the marginals of the cosine process until the clip, for every N', () => {
    const chain = ddpmChain({ schedule: 'cosine', steps: 40 });
    const cap = 40 * 0.999;
    const early = Array.from({ length: 40 }, (_, i) => i + 1).filter(
      (i) => chain.limit.diffusion(chain.time(i)) ** 2 < cap * (1 - 1e-12),
    );
    expect(early.length).toBeGreaterThan(35);
    for (const i of early) {
      expect(chain.alpha(i)).toBeCloseTo(chain.limit.alpha(chain.time(i)), 13);
    }
    expect(ddpmLimit({ schedule: 'cosine', steps: 1000 }).config).toMatchObject({ betaMax: 999 });
  });

  it('SMLD has the marginals of VE for every N; with sigmaMin in the data at rate 1/N', () => {
    expect(largest(smldChain({ sigmaMin: 0.1, sigmaMax: 5, steps: 17, T: 3 }))).toBeLessThan(1e-13);
    const songs = (N: number) => smldChain({ sigmaMin: 0.1, sigmaMax: 5, steps: N, dataHasSigmaMin: true });
    expect(Math.abs(order([100, 200, 400, 800], (N) => largest(songs(N))) - 1)).toBeLessThan(0.1);
  });

  it('has marginals that follow from its transitions', () => {
    for (const chain of [ddpmChain({ steps: 30, betaEnd: 0.3 }), smldChain({ steps: 30 })]) {
      let [alpha, variance] = [1, 0];
      for (let i = 1; i <= 30; i++) {
        const { scale, noise } = chain.transition(i);
        [alpha, variance] = [scale * alpha, scale * scale * variance + noise * noise];
        expect(chain.alpha(i)).toBeCloseTo(alpha, 13);
        expect(Math.abs(chain.sigma(i) / Math.sqrt(variance) - 1)).toBeLessThan(1e-12);
      }
    }
  });
});

describe('simulateChain', () => {
  it('draws the marginals, the same however the batch is cut', async () => {
    const chain = ddpmChain({ steps: 20, betaStart: 0.01, betaEnd: 0.2 });
    const n = 20_000;
    const x = Array.from(await (await simulateChain({ chain, x0: tf.fill([n, 1], 3), key: key(4) })).data());
    const mean = x.reduce((s, v) => s + v, 0) / n;
    const variance = x.reduce((s, v) => s + (v - mean) ** 2, 0) / n;
    const sigma = chain.sigma(20);
    expect(Math.abs(mean - 3 * chain.alpha(20))).toBeLessThan((4.5 * sigma) / Math.sqrt(n));
    expect(Math.abs(variance / sigma ** 2 - 1)).toBeLessThan(4.5 * Math.sqrt(2 / n));
    const piece = await simulateChain({ chain, x0: tf.fill([7, 1], 3), key: key(4), firstRow: 11 });
    expect(Array.from(await piece.data())).toEqual(x.slice(11, 18));
  });

  it('makes one transition with the noise of its index', async () => {
    const chain = smldChain({ sigmaMin: 0.5, sigmaMax: 2, steps: 3 });
    const one = await simulateChain({ chain, x0: tf.zeros([5, 2]), key: key(9), until: 1 });
    const expected = tf.mul(normal(fold(key(9), 1), [5, 2]), chain.transition(1).noise);
    expect(Array.from(await one.data())).toEqual(Array.from(await expected.data()));
  });

  it('stops when aborted and leaves no tensor behind', async () => {
    const chain = ddpmChain({ steps: 20 });
    const x0 = tf.zeros([4, 1]);
    const before = tf.memory().numTensors;
    const stopped = simulateChain({ chain, x0, key: key(1), signal: AbortSignal.abort(new Error('enough')) });
    await expect(stopped).rejects.toThrow('enough');
    expect(tf.memory().numTensors).toBe(before);
    (await simulateChain({ chain, x0, key: key(1) })).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('bad input', () => {
  it('is refused with what to do', () => {
    expect(() => ddpmBetas({ steps: 0 })).toThrow('ddpmBetas: steps must be a positive integer, got 0.');
    expect(() => ddpmBetas({ betaStart: 0.5, betaEnd: 0.1 })).toThrow(
      'ddpmBetas: betaStart must lie in (0, betaEnd] = (0, 0.1], got 0.5.',
    );
    expect(() => ddpmChain({ betas: [0.1, 1] })).toThrow(
      'ddpmChain: betas must lie in (0, 1), got 1 at index 1.',
    );
    expect(() => ddpmChain({ betas: [] })).toThrow('betas must be a list of at least one number');
    expect(() => ddpmChain({ steps: 10 }).alpha(11)).toThrow(
      'ddpm.alpha: i must be an integer in 0 … 10, got 11.',
    );
    expect(() => ddpmChain({ steps: 10 }).transition(0)).toThrow('i must be an integer in 1 … 10, got 0.');
    expect(() => smldChain({ sigmaMin: 2, sigmaMax: 1 })).toThrow(
      'sigmaMin must be less than sigmaMax = 1, got 2.',
    );
    expect(() => smldSigmas(1, 2, 1)).toThrow('smldSigmas: count must be an integer of at least 2, got 1.');
  });
});
