/** The jobs that the worker can do, each loaded when it is first asked for. */
import type { Job } from './protocol.ts';

// biome-ignore lint/suspicious/noExplicitAny: every job has arguments of its own; `startJob` keeps the types together
type AnyJob = Job<any, any, unknown>;

export const jobs: Readonly<Record<string, () => Promise<AnyJob>>> = {
  'noise-and-back': async () => (await import('../pages/noise-and-back/job.ts')).noiseAndBack,
  learn: async () => (await import('../pages/learn/job.ts')).learn,
  digits: async () => (await import('../pages/digits/job.ts')).digits,
  'two-spheres': async () => (await import('../pages/two-spheres/job.ts')).twoSpheres,
  localization: async () => (await import('../pages/localization/job.ts')).localization,
  race: async () => (await import('../pages/race/job.ts')).race,
};
