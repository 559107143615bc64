export type { BetaScheduleConfig, BetaScheduleOptions } from './beta-schedule.ts';
export { edm } from './edm.ts';
export {
  canonicalOu,
  type OrnsteinUhlenbeckOptions,
  ornsteinUhlenbeck,
  unitSpeedOu,
} from './ornstein-uhlenbeck.ts';
export type { LinearProcess, ProcessConfig } from './process.ts';
export { variancePreserving } from './variance-preserving.ts';
