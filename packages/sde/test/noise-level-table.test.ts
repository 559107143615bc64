import { ddpmBetas, flowMatching, fromNoiseLevels, processFromConfig, variancePreserving } from '@diff/sde';
import { describe, expect, it } from 'vitest';

describe('a process by its noise levels', () => {
  const levels = [0, 0.1, 0.1, 0.5, 3, Number.POSITIVE_INFINITY];

  it.each(['vp', 've', 'flow'] as const)('%s has the levels at the times of the table', (scaling) => {
    const finite = levels.slice(0, -1);
    const process = fromNoiseLevels({ levels: finite, scaling });
    finite.forEach((level, t) => {
      const [alpha, sigma] = [process.alpha(t), process.sigma(t)];
      expect(sigma / alpha).toBeCloseTo(level, 14);
      if (scaling === 'vp') expect(alpha ** 2 + sigma ** 2).toBeCloseTo(1, 14);
      if (scaling === 've') expect([alpha, sigma]).toEqual([1, level]);
      if (scaling === 'flow') expect(alpha + sigma).toBeCloseTo(1, 14);
    });
    expect(process.prior).toEqual({ mean: 0, std: process.sigma(4) });
  });

  it('reaches pure noise at the end, and stands still where levels repeat', () => {
    const process = fromNoiseLevels({ levels });
    expect([process.T, process.alpha(5), process.sigma(5)]).toEqual([5, 0, 1]);
    expect(process.sigma(1.5)).toBe(process.sigma(1));
    expect(process.diffusion(1.5)).toBe(0);
    // 1/ς falls to 0 linearly
    expect(process.sigma(4.5) / process.alpha(4.5)).toBeCloseTo(6, 12);
    for (const t of [0.4, 2.3, 3.9, 4.7]) expect(process.timeOfLambda(process.lambda(t))).toBeCloseTo(t, 12);
  });

  it('is the VP process of a β table at its times', () => {
    const betas = ddpmBetas({ steps: 50, betaEnd: 0.3 });
    let bar = 1;
    const table = betas.map((beta) => {
      bar *= 1 - beta;
      return Math.sqrt((1 - bar) / bar);
    });
    const process = fromNoiseLevels({ levels: [0, ...table] });
    const vp = variancePreserving({ schedule: 'table', betas, T: 50 });
    for (let t = 0; t <= 50; t++) expect(process.alpha(t)).toBeCloseTo(vp.alpha(t), 13);
    expect(process.noiseVariance(30, 12)).toBeCloseTo(vp.noiseVariance(30, 12), 12);
    expect(process.scoreGain(30, 12)).toBeCloseTo(vp.scoreGain(30, 12), 12);
  });

  it('starts from noise of another size if told', () => {
    expect(fromNoiseLevels({ levels: [0, 1, 20], scaling: 've', priorStd: 20.025 }).prior.std).toBe(20.025);
  });

  it.each([
    [[1], 'levels must be a list of at least two numbers, got [1]'],
    [
      [0, 2, 1],
      'levels must not fall, and be above 0 after the first and finite before the last, got 1 after 2 at index 2',
    ],
    [[0, 0, 1], 'got 0 after 0 at index 1'],
    [[0, Number.NaN], 'got NaN after 0 at index 1'],
    [[0, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY], 'got Infinity after 0 at index 1'],
  ])('refuses %j', (bad, message) => {
    expect(() => fromNoiseLevels({ levels: bad })).toThrow(message);
  });

  it('refuses infinite noise without a scaling that bounds it', () => {
    expect(() => fromNoiseLevels({ levels, scaling: 've' })).toThrow('got Infinity after 3 at index 5');
    expect(() => fromNoiseLevels({ levels: [0, 1], priorStd: 0 })).toThrow(
      'priorStd must be a positive finite number',
    );
  });
});

describe('the straight line', () => {
  it('comes back from its config, and is pure noise at 1', () => {
    const process = flowMatching({ T: 0.9 });
    expect(processFromConfig(JSON.parse(JSON.stringify(process.config))).config).toEqual(process.config);
    expect([flowMatching().alpha(1), flowMatching().sigma(1), flowMatching().lambda(1)]).toEqual([
      0,
      1,
      Number.NEGATIVE_INFINITY,
    ]);
    expect(flowMatching().scoreGain(0.75, 0.5)).toBeCloseTo(2 * 0.5 * (4 - 2 + Math.log(0.5)), 14);
    expect(flowMatching().noiseVariance(0.75, 0.5)).toBeCloseTo((2 * 0.75) ** 2 - 0.25, 14);
  });

  it('refuses a horizon beyond pure noise', () => {
    expect(() => flowMatching({ T: 1.5 })).toThrow('flowMatching: T must lie in (0, 1], got 1.5.');
  });
});
