/**
 * The coefficients of the exponential integrators, for every held quantity and noise level, against numerical integration
 * of the reverse process's moments with that quantity held; and against the closed forms of the special cases.
 */
import {
  canonicalOu,
  edm,
  type LinearProcess,
  ornsteinUhlenbeck,
  subVariancePreserving,
  varianceExploding,
  variancePreserving,
} from '@diff/sde';
import { expectClose } from '@diff/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Held, heldUpdate } from '../src/exponential-integrator.ts';

const HELD: readonly Held[] = ['score', 'noise', 'data'];
const PROCESSES: Record<string, LinearProcess> = {
  VP: variancePreserving({ schedule: 'linear', betaMin: 0.1, betaMax: 20, T: 1 }),
  cosine: variancePreserving({ schedule: 'cosine', T: 1 }),
  subVP: subVariancePreserving({ schedule: 'linear', betaMin: 0.1, betaMax: 20, T: 1 }),
  VE: varianceExploding({ sigmaMin: 0.01, sigmaMax: 50, T: 1 }),
  EDM: edm({ T: 1 }),
  OU: ornsteinUhlenbeck({ theta: 0.8, mu: 1.5, sigma: 0.7, T: 1 }),
};

/**
 * carry, gain and noise by RK4 on the reverse process in the centred state z: with the held quantity Q,
 * score = Q, −Q/σ_u or −(z − α_u Q)/σ_u²; z is linear in (z_t, Q), its variance has a linear equation of its own.
 */
function integrated(process: LinearProcess, hold: Held, t: number, r: number, b: number): number[] {
  const derivative = (u: number, [carry, gain, variance]: readonly number[]): number[] => {
    const [f, g2, sigma] = [process.drift(u), process.diffusion(u) ** 2, process.sigma(u)];
    const strength = 0.5 * (1 + b * b) * g2;
    const ofState = hold === 'data' ? -f - strength / sigma ** 2 : -f;
    const ofHeld = {
      score: strength,
      noise: -strength / sigma,
      data: (strength * process.alpha(u)) / sigma ** 2,
    };
    return [ofState * carry!, ofState * gain! + ofHeld[hold], 2 * ofState * variance! + b * b * g2];
  };
  const steps = 400;
  const h = (t - r) / steps;
  let y = [1, 0, 0];
  for (let i = 0; i < steps; i++) {
    const u = t - i * h;
    const plus = (k: readonly number[], by: number): number[] => y.map((v, j) => v + by * k[j]!);
    const k1 = derivative(u, y);
    const k2 = derivative(u - h / 2, plus(k1, h / 2));
    const k3 = derivative(u - h / 2, plus(k2, h / 2));
    const k4 = derivative(u - h, plus(k3, h));
    y = y.map((v, j) => v + (h / 6) * (k1[j]! + 2 * k2[j]! + 2 * k3[j]! + k4[j]!));
  }
  return [y[0]!, y[1]!, Math.sqrt(y[2]!)];
}

const numbers = (process: LinearProcess, hold: Held, t: number, r: number, b: number): number[] => {
  const { carry, gain, noise } = heldUpdate(process, hold, t, r, b);
  return [carry, gain, noise];
};

describe('against numerical integration', () => {
  for (const [name, process] of Object.entries(PROCESSES)) {
    for (const hold of HELD) {
      test.each([0, 0.5, 1, 1.7])(`${name}, ${hold} held, b = %d`, (b) => {
        for (const [t, r] of [
          [0.9, 0.5],
          [0.5, 0.3],
          [0.3, 0.29],
        ] as const) {
          const want = integrated(process, hold, t, r, b);
          expectClose(numbers(process, hold, t, r, b), want, { relative: 1e-8, absolute: 1e-10 });
        }
      });
    }
  }
});

describe('special cases', () => {
  const times = fc.tuple(
    fc.double({ min: 0.05, max: 0.98, noNaN: true }),
    fc.double({ min: 0, max: 0.95, noNaN: true }),
  );
  const cases = fc.record({ name: fc.constantFrom(...Object.keys(PROCESSES)), times });

  test('b = 0: noise and data held are both DDIM, α_r x̂0 + σ_r ε̂', () => {
    fc.assert(
      fc.property(cases, ({ name, times: [t, share] }) => {
        const process = PROCESSES[name]!;
        const r = t * share;
        const [a, s] = [process.alpha(t), process.sigma(t)];
        const noise = heldUpdate(process, 'noise', t, r, 0);
        const data = heldUpdate(process, 'data', t, r, 0);
        // z = a x̂0 + s ε̂ on both
        const want = [process.alpha(r), process.sigma(r), 0];
        expectClose([noise.carry * a, noise.carry * s + noise.gain, noise.noise], want, {
          relative: 1e-10,
          absolute: 1e-10,
        });
        expectClose([data.carry * a + data.gain, data.carry * s, data.noise], want, {
          relative: 1e-10,
          absolute: 1e-10,
        });
      }),
    );
  });

  test('b = 1, data held: the posterior of X_r given X_t and X₀', () => {
    fc.assert(
      fc.property(cases, ({ name, times: [t, share] }) => {
        const process = PROCESSES[name]!;
        const r = t * share;
        // Precision-weighted: X_r | X₀ ~ N(α_r X₀, σ_r²), X_t | X_r ~ N(q X_r, σ_t² − q² σ_r²).
        const [a, s2, q] = [process.alpha(r), process.sigma(r) ** 2, process.alpha(t) / process.alpha(r)];
        const forward = process.sigma(t) ** 2 - q * q * s2;
        const total = q * q * s2 + forward;
        const want = [(q * s2) / total, (a * forward) / total, Math.sqrt((s2 * forward) / total)];
        expectClose(numbers(process, 'data', t, r, 1), want, { relative: 1e-7, absolute: 1e-9 });
      }),
    );
  });

  test('canonical OU, score held: e^h x + 2(e^h − 1) score + √(e^{2h} − 1) ξ, half the gain for the ODE', () => {
    const process = canonicalOu({ T: 5 });
    for (const [t, r] of [
      [5, 4.2],
      [1, 0.01],
      [0.3, 0],
    ] as const) {
      const e = Math.expm1(t - r);
      const sde = [e + 1, 2 * e, Math.sqrt(Math.expm1(2 * (t - r)))];
      expectClose(numbers(process, 'score', t, r, 1), sde, { relative: 1e-12 });
      expectClose(numbers(process, 'score', t, r, 0), [e + 1, e, 0], { relative: 1e-12 });
    }
  });

  test('every step to 0 is finite, and data held ends on x̂0 without noise', () => {
    for (const [name, process] of Object.entries(PROCESSES)) {
      for (const hold of HELD) {
        for (const b of [0, 0.5, 1]) {
          const got = numbers(process, hold, 0.3, 0, b);
          expect(got.every(Number.isFinite), `${name} ${hold}`).toBe(true);
          if (hold === 'data' && process.sigma(0) === 0) expect(got).toEqual([0, process.alpha(0), 0]);
        }
      }
    }
  });

  test('tiny steps agree with Euler–Maruyama to first order', () => {
    for (const process of Object.values(PROCESSES)) {
      for (const b of [0, 0.5, 1, 2]) {
        const [t, delta] = [0.4, 1e-7];
        const [f, g, a, s] = [process.drift(t), process.diffusion(t), process.alpha(t), process.sigma(t)];
        const gain = 0.5 * (1 + b * b) * g * g;
        for (const hold of HELD) {
          const { carry, gain: held, noise } = heldUpdate(process, hold, t, t - delta, b);
          const wantCarry = { score: -f, noise: -f, data: -f - gain / s ** 2 }[hold];
          const wantGain = { score: gain, noise: -gain / s, data: (gain * a) / s ** 2 }[hold];
          const got = [(carry - 1) / delta, held / delta, noise / Math.sqrt(delta)];
          expectClose(got, [wantCarry, wantGain, b * g], { relative: 1e-4, absolute: 1e-4 });
        }
      }
    }
  });
});
