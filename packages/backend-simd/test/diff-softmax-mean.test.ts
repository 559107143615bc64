import { expectClose, expectSameBits } from '@diff/testkit';
import { describe, expect, it } from 'vitest';
import { type Build, builds } from './builds.ts';
import { mixtureTwin } from './diff-twins.ts';
import { noise } from './noise.ts';

const U = 2 ** -24;

interface Mixture {
  readonly n: number;
  readonly d: number;
  readonly x: Float32Array;
  readonly centres: Float32Array;
  readonly logWeights: Float32Array;
  readonly variance: number | Float32Array;
  readonly noise: number | Float32Array;
  readonly values?: Float32Array;
  readonly blend?: readonly [x: number, mean: number];
}

function softmaxMean(
  { kernels, floats }: Build,
  mixture: Mixture,
): { mean: Float32Array; logDensity: Float32Array } {
  const { n, d, x, centres, logWeights, variance, noise: rowNoise, values, blend } = mixture;
  const count = logWeights.length;
  const m = values ? values.length / count : d;
  let used = 0;
  const put = (array: Float32Array | number | undefined): number => {
    if (typeof array !== 'object') return 0;
    const at = floats(0, used + array.length);
    at.set(array, used);
    const address = at.byteOffset + 4 * used;
    used += array.length;
    return address;
  };
  const number = (value: number | Float32Array): number => (typeof value === 'number' ? value : 0);
  const mean = floats(3, n * m + 1).fill(77);
  const logDensity = floats(4, n + 1).fill(77);
  const bytes = kernels.softmaxMeanScratch(d, m, count);
  const scratch = floats(5, bytes / 4 + 1).fill(Number.NaN);
  scratch[bytes / 4] = 77;
  const points = put(x);
  kernels.softmaxMean(
    points,
    n,
    d,
    put(centres),
    count,
    put(logWeights),
    put(variance),
    number(variance),
    put(rowNoise),
    number(rowNoise),
    put(values),
    m,
    blend ? 1 : 0,
    blend?.[0] ?? 0,
    blend?.[1] ?? 1,
    mean.byteOffset,
    logDensity.byteOffset,
    scratch.byteOffset,
  );
  expect([mean[n * m], logDensity[n], scratch[bytes / 4]], 'what follows the outputs').toEqual([77, 77, 77]);
  return { mean: mean.slice(0, n * m), logDensity: logDensity.slice(0, n) };
}

const modes = ['shared', 'noise per row', 'variance per component', 'both'] as const;

function random(n: number, d: number, count: number, mode: (typeof modes)[number], m = 0): Mixture {
  const logWeights = noise(count, 3);
  if (count > 2) logWeights[1] = Number.NEGATIVE_INFINITY;
  return {
    n,
    d,
    x: noise(n * d, 1).map((v) => 2 * v),
    centres: noise(count * d, 2).map((v) => 2 * v),
    logWeights,
    variance: mode === modes[0] || mode === modes[1] ? 0.25 : noise(count, 4).map((v) => 0.3 + 0.2 * v),
    noise: mode === modes[0] || mode === modes[2] ? 0.5 : noise(n, 5).map((v) => 0.4 + 0.3 * v),
    ...(m > 0 && { values: noise(count * m, 6) }),
  };
}

const at = (value: number | Float32Array, i: number): number =>
  typeof value === 'number' ? value : value[i]!;

/**
 * Row by row against the twin. A float32 square is off by 3 u, a sum of d of them by about √d u more (the roundings
 * of the chain walk at random); the exponents, and so the log-density, inherit that times the size of their parts. A
 * mean of numbers below `scale` is off by twice that times the scale.
 */
function expectTwin(build: Build, mixture: Mixture, label: string, step = 1, scale = 2): void {
  const { mean, logDensity } = softmaxMean(build, mixture);
  const m = mean.length / mixture.n;
  const functions = {
    variance: (k: number) => at(mixture.variance, k),
    noise: (i: number) => at(mixture.noise, i),
  };
  for (let i = 0; i < mixture.n; i += step) {
    const expected = mixtureTwin({ ...mixture, ...functions }, i);
    const error = (8 + (4 + Math.sqrt(mixture.d)) * expected.size) * U;
    expectClose(
      [logDensity[i]!],
      [expected.logDensity],
      { absolute: error },
      `${label}, log-density of row ${i}`,
    );
    expectClose(
      mean.subarray(i * m, (i + 1) * m),
      expected.mean,
      { absolute: 2 * scale * error },
      `${label}, mean of row ${i}`,
    );
  }
}

describe.each(builds)('softmaxMean of the $name build', (build) => {
  it.each(modes)('is the float64 twin: %s', (mode) => {
    for (const d of [0, 1, 2, 3, 4, 5, 7, 8, 16, 31, 65, 130]) {
      for (const count of [1, 2, 5, 8, 63, 64, 65, 130, 300]) {
        for (const n of count > 64 ? [9] : [0, 1, 3, 4, 5, 7, 8, 9, 31]) {
          const m = [0, 1, 3, 6][(d + count + n) % 4]!;
          expectTwin(build, random(n, d, count, mode, m), `${n} × ${d}, ${count} components, values ${m}`);
        }
      }
    }
  });

  it.each(modes)('blends x with its means: %s', (mode) => {
    const [a, b] = [-1.5, 0.75];
    for (const d of [1, 2, 3, 4, 5, 8, 65]) {
      for (const count of [1, 8, 64, 130]) {
        for (const [n, m] of [
          [1, 0],
          [9, 0],
          [9, d],
          [31, d],
        ] as const) {
          const mixture = random(n, d, count, mode, m);
          const plain = softmaxMean(build, mixture);
          const { mean, logDensity } = softmaxMean(build, { ...mixture, blend: [a, b] });
          const label = `${n} × ${d}, ${count} components, values ${m}`;
          expectSameBits(logDensity, plain.logDensity, label);
          // Two roundings, or one where the build fuses.
          const expected = Array.from(plain.mean, (v, i) => a * mixture.x[i]! + b * v);
          expectClose(mean, expected, { absolute: 12 * U }, label);
        }
      }
    }
  });

  it('blends points whose variance is beyond the range of float32', () => {
    const [a, b] = [-1.5, 0.75];
    for (const d of [1, 2, 5]) {
      const mixture = { ...random(9, d, 70, 'shared'), variance: 0, noise: 1e-42 };
      const plain = softmaxMean(build, mixture);
      const { mean } = softmaxMean(build, { ...mixture, blend: [a, b] });
      const expected = Array.from(plain.mean, (v, i) => a * mixture.x[i]! + b * v);
      expectClose(mean, expected, { absolute: 12 * U }, `${d} dimensions`);
    }
  });

  it.each([
    [65_537, 2, 8],
    [1000, 1, 31],
    [1000, 16, 8],
    [65, 64, 900],
    [3, 2, 100_000],
  ])('%i points in %i dimensions, %i components', (n, d, count) => {
    for (const mode of modes) expectTwin(build, random(n, d, count, mode), mode, n > 100 ? 97 : 1);
  });

  it('gives a row the same bits wherever it stands and whatever stands beside it', () => {
    for (const mode of modes) {
      for (const [n, d, count, m] of [
        [37, 1, 5, 0],
        [37, 2, 8, 0],
        [37, 3, 70, 2],
        [37, 4, 9, 0],
        [37, 7, 130, 0],
        [91, 16, 8, 5],
        [80, 65, 65, 0],
      ] as const) {
        const mixture = {
          ...random(n, d, count, mode, m),
          ...(m === 0 && count > 5 ? { blend: [-2, 1.25] as const } : {}),
        };
        const whole = softmaxMean(build, mixture);
        const width = m || d;
        for (let from = 0; from < n; from += 5) {
          const to = Math.min(n, from + 1 + (from % 12));
          const piece = softmaxMean(build, {
            ...mixture,
            n: to - from,
            x: mixture.x.slice(from * d, to * d),
            noise: typeof mixture.noise === 'number' ? mixture.noise : mixture.noise.slice(from, to),
          });
          const label = `${mode}, rows ${from} … ${to} of ${d}`;
          expectSameBits(piece.mean, whole.mean.subarray(from * width, to * width), label);
          expectSameBits(piece.logDensity, whole.logDensity.subarray(from, to), label);
        }
      }
    }
  });

  it('survives variances and distances beyond the range of float32', () => {
    for (const variance of [1e-30, 1e-38, 1e-42, 1e-12, 1e12, 1e30, 1e38]) {
      for (const far of [1e-3, 1, 1e10, 1e25]) {
        for (const d of [1, 2, 5]) {
          const mixture = random(9, d, 70, 'shared');
          const scaled = { ...mixture, x: mixture.x.map((v) => v * far), variance: 0, noise: variance };
          const { mean, logDensity } = softmaxMean(build, scaled);
          for (let i = 0; i < 9; i++) {
            const expected = mixtureTwin({ ...scaled, variance: () => 0, noise: () => variance }, i);
            const label = `variance ${variance}, ${far} far, ${d} dimensions, row ${i}`;
            // −∞ where the density itself is beyond float32.
            const density = Math.fround(expected.logDensity);
            expectClose([logDensity[i]!], [density], { absolute: 1e-4, relative: 8 * U }, label);
            // Close rivals are decided by float32 distances: compare the mean where there is none.
            if (expected.size * U > 1e-2) expect(mean.every(Number.isFinite), label).toBe(true);
            else expectClose(mean.subarray(i * d, (i + 1) * d), expected.mean, { absolute: 0.1 }, label);
          }
        }
      }
    }
  });

  it('finds the nearest centre where the noise is tiny and all points are far', () => {
    const d = 2;
    const centres = Float32Array.of(0, 0, 1, 0, 0, 1);
    const x = Float32Array.of(1e6, 3, -1e6, 4e6, 1, 0, 0.25, 0.25);
    for (const mode of ['number', 'rows', 'components', 'both']) {
      for (const tiny of [1e-10, 1e-30, 1e-40]) {
        const variance = mode === 'components' || mode === 'both' ? new Float32Array(3).fill(tiny) : 0;
        const rowNoise = mode === 'rows' || mode === 'both' ? new Float32Array(4).fill(tiny) : tiny;
        const logWeights = new Float32Array(3);
        const mixture = { n: 4, d, x, centres, logWeights, variance, noise: rowNoise };
        const { mean, logDensity } = softmaxMean(build, mixture);
        expect([...mean, ...logDensity].some(Number.isNaN), `${mode}, ${tiny}`).toBe(false);
        if (variance === 0)
          expectClose(mean, [1, 0, 0, 1, 1, 0, 0, 0], { absolute: 1e-6 }, `${mode}, ${tiny}`);
      }
    }
  });

  it('leaves components of weight −∞ out, and has log-density −∞ where all are', () => {
    for (const d of [1, 2, 5]) {
      for (const count of [3, 64, 150]) {
        for (const mode of modes) {
          const full = random(9, d, count, mode);
          const logWeights = full.logWeights.map((v, k) => (k === count - 1 ? v : Number.NEGATIVE_INFINITY));
          expectTwin(build, { ...full, logWeights }, `only the last of ${count}, ${mode}`);
          const none = softmaxMean(build, { ...full, logWeights: logWeights.fill(Number.NEGATIVE_INFINITY) });
          expect(none.logDensity.every((v) => v === Number.NEGATIVE_INFINITY)).toBe(true);
          expect(none.mean.every(Number.isNaN)).toBe(true);
        }
      }
    }
  });

  it('keeps NaN and infinities in their rows', () => {
    for (const mode of modes) {
      for (const d of [1, 2, 3, 4, 6]) {
        const mixture = random(21, d, 70, mode);
        const clean = softmaxMean(build, mixture);
        for (const special of [Number.NaN, Number.POSITIVE_INFINITY]) {
          const x = mixture.x.slice();
          for (const row of [0, 5, 20]) x[row * d + (d - 1)] = special;
          const { mean, logDensity } = softmaxMean(build, { ...mixture, x });
          for (let i = 0; i < 21; i++) {
            const [own, expected] = [mean, clean.mean].map((a) => a.subarray(i * d, (i + 1) * d));
            if (i === 0 || i === 5 || i === 20) {
              expect(own!.every(Number.isNaN)).toBe(true);
              expect(logDensity[i]).toBe(Number.isNaN(special) ? Number.NaN : Number.NEGATIVE_INFINITY);
            } else {
              expectSameBits(own!, expected!);
              expect(logDensity[i]).toBe(clean.logDensity[i]);
            }
          }
        }
      }
    }
  });
});
