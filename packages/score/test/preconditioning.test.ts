import {
  convertPrediction,
  functionNetwork,
  type NetworkModel,
  PRECONDITIONINGS,
  type PreconditioningName,
  precondition,
  preconditioning,
} from '@diff/score';
import { edm, fromAlphaSigma, ornsteinUhlenbeck, variancePreserving } from '@diff/sde';
import { expectClose } from '@diff/testkit';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import '@tensorflow/tfjs-backend-cpu';
import golden from './fixtures/golden/edm-precond.json' with { type: 'json' };

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const dummy = functionNetwork({
  apply: (x, c) =>
    tf.mul(
      tf.sin(tf.add(tf.mul(x, 1.3), 0.2)),
      tf.reshape(tf.cos(c), [c.shape[0], ...x.shape.slice(1).map(() => 1)]),
    ),
});
const dummyNumber = (x: number, c: number): number => Math.sin(1.3 * x + 0.2) * Math.cos(c);

const NAMES: Readonly<Record<string, PreconditioningName>> = {
  VPPrecond: 'vp',
  VEPrecond: 've',
  iDDPMPrecond: 'iddpm',
  EDMPrecond: 'edm',
};

describe('preconditioning', () => {
  for (const row of golden.cases.filter((c) => c.kind === 'precond')) {
    const name = NAMES[row.cls ?? '']!;
    const sigma = row.sigma;
    const x = row.x!;

    it(`${name}: scalings and denoiser are those of the published code`, async () => {
      const rule = preconditioning(name, 0.5);
      const scalings = sigma.map((s) => rule.scalings({ t: s, alpha: 1, sigma: s }));
      expectClose(
        scalings.map((s) => s.noiseLevel),
        row.c_noise!,
        { absolute: 1e-9, relative: 1e-12 },
        'c_noise',
      );
      const scaled = x.flatMap((r, i) => r.map((v) => v * scalings[i]!.input));
      expectClose(scaled, row.c_in_times_x!.flat(), { relative: 1e-12 }, 'c_in x');
      const denoised = x.flatMap((r, i) => {
        const { skip, out, input, noiseLevel } = scalings[i]!;
        return r.map((v) => skip * v + out * dummyNumber(input * v, noiseLevel));
      });
      expectClose(denoised, row.D!.flat(), { absolute: 1e-10, relative: 1e-12 }, 'D in float64');

      // The model itself, in float32; c_noise near 1000 loses 2⁻²⁴ × 1000 = 6e-5 before the cosine, times c_out.
      const model = precondition({
        network: dummy,
        process: edm({ T: 100 }),
        preconditioning: name,
        sigmaData: 0.5,
      });
      for (const [i, s] of sigma.entries()) {
        const state = tf.tensor2d([x[i]!]);
        const d = await model.denoise(state, s);
        const perRow = await model.denoise(state, tf.tensor1d([s]));
        const tolerance = { absolute: 7e-5 * Math.abs(scalings[i]!.out) + 1e-7, relative: 1e-6 };
        expectClose(await d.data(), row.D![i]!, tolerance, `D at ${s}`);
        // a time of its own for each row is float32: relative error 6e-8 in σ, so 6e-8·1000 in c_noise of 'vp'
        expectClose(
          await perRow.data(),
          row.D![i]!,
          { ...tolerance, absolute: 2 * tolerance.absolute },
          `D at [${s}]`,
        );
        tf.dispose([state, d, perRow]);
      }
    });
  }

  it('is the same denoiser for every linear process, seen through y = (x − m)/α and ς = σ/α', async () => {
    const processes = [
      variancePreserving({ schedule: 'linear' }),
      ornsteinUhlenbeck({ theta: 0.7, mu: 1.5, sigma: 0.9, T: 3 }),
    ];
    for (const process of processes) {
      for (const name of ['edm', 've', 'iddpm', 'vp'] as const) {
        for (const u of [0.02, 0.3, 0.9]) {
          const t = u * process.T;
          const [alpha, sigma, m] = [process.alpha(t), process.sigma(t), process.mean(t)];
          const rule = preconditioning(name, 0.8);
          const here = rule.scalings({ t, alpha, sigma });
          const there = rule.scalings({ t: sigma / alpha, alpha: 1, sigma: sigma / alpha });
          const got = [here.skip * alpha, here.out, here.input * alpha, here.noiseLevel];
          expectClose(got, [there.skip, there.out, there.input, there.noiseLevel], {
            relative: 1e-9,
            absolute: 1e-12,
          });
          const model = precondition({ network: dummy, process, preconditioning: name, sigmaData: 0.8 });
          const y = [0.3, -1.1];
          const x = tf.tensor2d([y.map((v) => alpha * v + m)]);
          const d = await model.denoise(x, t);
          const expected = y.map(
            (v) => there.skip * v + there.out * dummyNumber(there.input * v, there.noiseLevel),
          );
          expectClose(await d.data(), expected, { absolute: 2e-4 * Math.max(1, Math.abs(there.out)) });
        }
      }
    }
  });

  it("'score', 'noise', 'data', 'velocity': the network's output is that prediction", async () => {
    const process = variancePreserving({ schedule: 'linear' });
    const x = tf.tensor2d([
      [0.5, -1.2],
      [2, 0.1],
    ]);
    for (const kind of ['score', 'noise', 'data', 'velocity'] as const) {
      const model: NetworkModel = precondition({
        network: dummy,
        process,
        preconditioning: kind,
        sigmaData: 0.6,
      });
      const t = 0.4;
      const d = await model.predict(x, t);
      const back = await convertPrediction(process, x, d, t, 'data', kind);
      const input = 1 / Math.hypot(process.sigma(t), 0.6 * process.alpha(t));
      const f = Array.from(await x.data(), (v) => dummyNumber(input * v, t));
      expectClose(await back.data(), f, { absolute: 1e-5 }, kind);
    }
  });

  it('edm and velocity stay finite where α or σ is 0', () => {
    const ends = [
      { t: 0, alpha: 1, sigma: 0 },
      { t: 1, alpha: 0, sigma: 1 },
    ];
    for (const name of ['edm', 'velocity'] as const) {
      for (const end of ends) {
        for (const value of Object.values(preconditioning(name, 0.5).scalings(end))) {
          expect(Number.isFinite(value), `${name} at alpha ${end.alpha}`).toBe(true);
        }
      }
    }
  });

  it('edm: unit variance goes into the network, and unit variance is asked of it', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        fc.double({ min: 1e-3, max: 50, noNaN: true }),
        fc.double({ min: 0.1, max: 10, noNaN: true }),
        (alpha, sigma, d) => {
          const { skip, out, input } = preconditioning('edm', d).scalings({ t: 1, alpha, sigma });
          const variance = input ** 2 * ((alpha * d) ** 2 + sigma ** 2);
          const target = (((1 - skip * alpha) * d) ** 2 + (skip * sigma) ** 2) / out ** 2;
          expect(variance).toBeCloseTo(1, 9);
          expect(target).toBeCloseTo(1, 6);
        },
      ),
    );
  });

  it('a rule of your own, and mean reversion', async () => {
    const process = fromAlphaSigma({ alpha: (t) => 1 - t / 2, sigma: (t) => t, T: 1 });
    const identity = {
      name: 'mine',
      sigmaData: 1,
      scalings: () => ({ skip: 2, out: 3, input: 4, noiseLevel: 0 }),
    };
    const model = precondition({
      network: functionNetwork({ apply: (x) => tf.clone(x) }),
      process,
      preconditioning: identity,
    });
    const x = tf.tensor2d([[1, 2]]);
    expectClose(await (await model.denoise(x, 0.5)).data(), [14, 28], { relative: 1e-6 });
  });

  it('refuses what it cannot use', () => {
    // @ts-expect-error an unknown name
    expect(() => preconditioning('karras')).toThrow(
      `preconditioning: the choice must be one of ${PRECONDITIONINGS.map((n) => `'${n}'`).join(', ')}, got 'karras'.`,
    );
    expect(() => preconditioning('edm', 0)).toThrow(
      'preconditioning: sigmaData must be a positive finite number, got 0.',
    );
    const model = precondition({
      network: functionNetwork({ eventShape: [2], apply: (x) => tf.sum(x) }),
      process: edm(),
    });
    expect(() => model.predict(tf.zeros([3, 5]), 1)).toThrow(
      'network: x must have shape [any, 2], got a tensor of shape [3, 5].',
    );
    expect(() => model.predict(tf.zeros([3, 2]), 1)).toThrow(
      "network: the network's output must have shape [3, 2], got a tensor of shape [].",
    );
  });
});
