/**
 * DDPMScheduler: `ddpm()` from timestep to timestep and then to the data. Variances 'fixed_small' and 'fixed_small_log'
 * are the posterior's, 'fixed_large' and 'fixed_large_log' the forward step's; learned ones need a model that predicts
 * them. Mathematics: the step to the data draws no noise. compat: the forward step's is left out in the step from
 * timestep 0 alone.
 */
import { discreteTimesteps } from '@diff/sde';
import { ddpm } from '../ddpm.ts';
import { heldUpdate } from '../exponential-integrator.ts';
import { multistepSampler } from '../multistep.ts';
import type { ConfigReader } from './config-reader.ts';
import { predictionKind, type SchedulerCall } from './scheduler-options.ts';
import { recorded, type SchedulerReading } from './scheduler-run.ts';
import { dataChange, throughData } from './through-data.ts';
import { requireTimesteps, trainingTable } from './training-table.ts';

export function readDdpm(config: ConfigReader, call: SchedulerCall): SchedulerReading {
  const table = trainingTable(config, { zeroSnr: 'exact', more: ['sigmoid', 'laplace'] });
  const kind = predictionKind(config);
  const change = dataChange(config, true);
  const variance = config.choice('variance_type', 'fixed_small', [
    'fixed_small',
    'fixed_small_log',
    'fixed_large',
    'fixed_large_log',
  ]);
  const spacing = config.choice('timestep_spacing', 'leading', ['linspace', 'leading', 'trailing']);
  const offset = config.integer('steps_offset', 0, 0);
  const indices = call.timesteps
    ? requireTimesteps(config, call.timesteps, table.steps, true)
    : discreteTimesteps({ steps: call.steps, spacing, trainSteps: table.steps, offset });
  const large = variance === 'fixed_large' || variance === 'fixed_large_log';
  const sampler = throughData(ddpm({ variance: large ? 'forward' : 'posterior' }), change);
  if (!call.exact) {
    return {
      process: table.process,
      kind,
      grid: [...indices.map((i) => i + 1), 0],
      sampler,
      timesteps: indices,
      call: (t) => ({ timestep: Math.max(0, t - 1) }),
    };
  }
  const { process, grid } = recorded([...indices.map((i) => table.levels[i]!), 0], 'vp', 1);
  const stepwise = multistepSampler({
    name: 'ddpm',
    order: 1,
    strongOrder: 1,
    stochastic: true,
    hold: 'data',
    memory: 0,
    predictor(plan, index) {
      const { carry, gain, noise } = heldUpdate(plan.process, 'data', grid[index]!, grid[index + 1]!, 1);
      const [bar, next] = [table.bars[indices[index]!]!, table.bars[indices[index + 1] ?? -1] ?? 1];
      const drawn = indices[index]! > 0 ? Math.sqrt(1 - bar / next) : 0;
      return { carry, gains: [gain], noise: large ? drawn : noise };
    },
  });
  return {
    process,
    kind,
    grid,
    sampler: throughData(stepwise, change),
    timesteps: indices,
    call: (t) => ({ timestep: indices[grid.length - 1 - t] ?? 0 }),
  };
}
