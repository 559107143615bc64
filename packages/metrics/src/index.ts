export { type EnergyDistanceOptions, energyDistance } from './energy-distance.ts';
export type { BootstrapOptions, Estimate, MetricOptions } from './estimate.ts';
export { type FrechetDistanceOptions, frechetDistance } from './frechet-distance.ts';
export {
  type Gaussian,
  gaussianKl,
  gaussianRelativeFisher,
  gaussianW2Squared,
} from './gaussian-distances.ts';
export { type KolmogorovSmirnovEstimate, kolmogorovSmirnov } from './kolmogorov-smirnov.ts';
export { medianBandwidth } from './median-bandwidth.ts';
export { type MetricFloor, type MetricFloorOptions, metricFloor } from './metric-floor.ts';
export { type MmdEstimate, type MmdOptions, mmdSquared } from './mmd.ts';
export { nearestDistance, nearestDistanceWithin } from './nearest-distance.ts';
export {
  type AccuracyEstimate,
  type Labels,
  nearestNeighbourAccuracy,
} from './nearest-neighbour-accuracy.ts';
export { type PrecisionRecall, type PrecisionRecallOptions, precisionRecall } from './precision-recall.ts';
export type { PairStatistic } from './signed-kernel.ts';
export {
  type SlicedWassersteinEstimate,
  type SlicedWassersteinOptions,
  slicedWasserstein,
} from './sliced-wasserstein.ts';
export { type Wasserstein1dOptions, wasserstein1d } from './wasserstein-1d.ts';
