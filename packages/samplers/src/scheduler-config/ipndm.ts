/**
 * IPNDMScheduler: `ipndm()` for velocities on σ = sin²(πu/2), α = √(1 − σ²), u from 1 to 0 (or on `trained_betas` for σ).
 *
 * compat: the first step starts without signal, where that library takes x̂0 for 0 whatever the model says.
 */
import { fromNoiseLevels } from '@diff/sde';
import { adamsBashforthForm } from '../adams-bashforth.ts';
import { ipndm } from '../ipndm.ts';
import { multistepSampler } from '../multistep.ts';
import type { ConfigReader } from './config-reader.ts';
import type { SchedulerCall } from './scheduler-options.ts';
import type { SchedulerReading } from './scheduler-run.ts';

export function readIpndm(config: ConfigReader, call: SchedulerCall): SchedulerReading {
  config.integer('num_train_timesteps', 1000, 1);
  const n = call.steps;
  const trained = config.numbers('trained_betas');
  if (trained && (trained.length !== n + 1 || trained.some((s) => !(s >= 0 && s <= 1)))) {
    config.refuse(
      `trained_betas must be steps + 1 = ${n + 1} numbers in [0, 1]`,
      `${trained.length} numbers`,
      'They are the sigmas of this run.',
    );
  }
  const sigmas =
    trained ?? Array.from({ length: n + 1 }, (_, i) => Math.sin((Math.PI * (n - i)) / n / 2) ** 2);
  const alphas = sigmas.map((s) => Math.sqrt((1 - s) * (1 + s)));
  const levels = sigmas.map((s, i) => s / alphas[i]!);
  const timesteps = sigmas.slice(0, n).map((s, i) => (Math.atan2(s, alphas[i]!) / Math.PI) * 2);
  const process = fromNoiseLevels({ levels: [...levels].reverse() });
  const sampler = multistepSampler({
    name: 'ipndm(4)',
    order: 2,
    strongOrder: undefined,
    stochastic: false,
    hold: 'noise',
    memory: 3,
    predictor(plan, index) {
      // ε̂ = x where α = 0
      if (plan.process.alpha(plan.grid[index]!) === 0)
        return { carry: sigmas[index + 1]!, gains: [0], noise: 0 };
      return adamsBashforthForm(plan, index, 4);
    },
  });
  return {
    process,
    grid: levels.map((_, i) => n - i),
    kind: 'velocity',
    sampler: call.exact ? sampler : ipndm(),
    timesteps,
    call: (t) => ({ timestep: (Math.atan2(process.sigma(t), process.alpha(t)) / Math.PI) * 2 }),
  };
}
