import type { KernelConfig } from '@tensorflow/tfjs-core';
import { addNConfig } from './add-n.ts';
import {
  allConfig,
  anyConfig,
  argMaxConfig,
  argMinConfig,
  cumprodConfig,
  cumsumConfig,
} from './along-axis.ts';
import { batchNormConfig } from './batch-norm.ts';
import { binaryConfigs } from './binary.ts';
import { castConfig } from './cast.ts';
import { concatConfig, packConfig, splitConfig, unpackConfig } from './concat.ts';
import { conv2DBackpropFilterConfig, conv2DBackpropInputConfig, conv2DConfig } from './conv2d.ts';
import {
  depthwiseConv2dBackpropFilterConfig,
  depthwiseConv2dBackpropInputConfig,
  depthwiseConv2dConfig,
  fusedDepthwiseConv2dConfig,
} from './depthwise-conv2d.ts';
import { diffAdamAverageConfig, diffAdamConfig } from './diff-adam.ts';
import { diffCombineConfig } from './diff-combine.ts';
import { diffDenseConfig, diffDenseGradientConfig } from './diff-dense.ts';
import { diffLayersConfig, diffLayersGradientConfig } from './diff-layers.ts';
import { diffNormalConfig, diffRademacherConfig, diffUniformConfig } from './diff-noise.ts';
import { diffPairwiseConfig } from './diff-pairwise.ts';
import { diffSiluConfig, diffSiluGradientConfig } from './diff-silu.ts';
import { diffSoftmaxMeanConfig } from './diff-softmax-mean.ts';
import { fillConfig, onesLikeConfig, zerosLikeConfig } from './fill.ts';
import { fusedConv2DConfig } from './fused-conv2d.ts';
import { fusedMatMulConfig } from './fused-mat-mul.ts';
import { gatherConfig, oneHotConfig, segmentSumConfig } from './gather.ts';
import { gatherNdConfig, scatterNdConfig } from './gather-nd.ts';
import {
  padConfig,
  reverseConfig,
  sliceConfig,
  stridedSliceConfig,
  tileConfig,
  transposeConfig,
} from './layout.ts';
import { batchMatMulConfig } from './mat-mul.ts';
import { avgPoolConfig, avgPoolGradConfig, maxPoolConfig, maxPoolGradConfig } from './pool.ts';
import { linSpaceConfig, rangeConfig } from './ranges.ts';
import { depthToSpaceConfig, mirrorPadConfig } from './rearrange.ts';
import { maxConfig, meanConfig, minConfig, prodConfig, sumConfig } from './reduce.ts';
import { expandDimsConfig, identityConfig, reshapeConfig } from './reshape.ts';
import { resizeConfigs } from './resize.ts';
import { selectConfig } from './select.ts';
import { softmaxConfig } from './softmax.ts';
import { topKConfig } from './top-k.ts';
import { unaryConfigs } from './unary.ts';
import { predicateConfigs } from './unary-predicates.ts';
import { rareUnaryConfigs } from './unary-rare.ts';

/** Every kernel of this package. Ops that are not here run on the cpu backend's. */
export const ownKernels: readonly KernelConfig[] = [
  fillConfig,
  onesLikeConfig,
  zerosLikeConfig,
  addNConfig,
  allConfig,
  anyConfig,
  argMaxConfig,
  argMinConfig,
  cumsumConfig,
  cumprodConfig,
  topKConfig,
  batchNormConfig,
  rangeConfig,
  linSpaceConfig,
  gatherNdConfig,
  scatterNdConfig,
  mirrorPadConfig,
  depthToSpaceConfig,
  softmaxConfig,
  castConfig,
  concatConfig,
  packConfig,
  splitConfig,
  unpackConfig,
  gatherConfig,
  oneHotConfig,
  segmentSumConfig,
  padConfig,
  reverseConfig,
  sliceConfig,
  stridedSliceConfig,
  tileConfig,
  transposeConfig,
  maxConfig,
  meanConfig,
  minConfig,
  prodConfig,
  sumConfig,
  expandDimsConfig,
  identityConfig,
  reshapeConfig,
  selectConfig,
  batchMatMulConfig,
  fusedMatMulConfig,
  conv2DConfig,
  conv2DBackpropInputConfig,
  conv2DBackpropFilterConfig,
  fusedConv2DConfig,
  depthwiseConv2dConfig,
  depthwiseConv2dBackpropInputConfig,
  depthwiseConv2dBackpropFilterConfig,
  fusedDepthwiseConv2dConfig,
  maxPoolConfig,
  avgPoolConfig,
  maxPoolGradConfig,
  avgPoolGradConfig,
  ...resizeConfigs,
  ...unaryConfigs,
  ...predicateConfigs,
  ...rareUnaryConfigs,
  ...binaryConfigs,
  diffNormalConfig,
  diffUniformConfig,
  diffRademacherConfig,
  diffCombineConfig,
  diffSoftmaxMeanConfig,
  diffPairwiseConfig,
  diffSiluConfig,
  diffSiluGradientConfig,
  diffDenseConfig,
  diffDenseGradientConfig,
  diffLayersConfig,
  diffLayersGradientConfig,
  diffAdamConfig,
  diffAdamAverageConfig,
];
