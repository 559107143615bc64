import type { KernelConfig } from '@tensorflow/tfjs-core';
import { diffCombineConfig } from './diff-combine.ts';
import { diffNormalConfig, diffRademacherConfig, diffUniformConfig } from './diff-noise.ts';
import { fillConfig, onesLikeConfig, zerosLikeConfig } from './fill.ts';
import { fusedMatMulConfig } from './fused-mat-mul.ts';
import { batchMatMulConfig } from './mat-mul.ts';

/** Every kernel of this package. Ops that are not here run on the cpu backend's. */
export const ownKernels: readonly KernelConfig[] = [
  fillConfig,
  onesLikeConfig,
  zerosLikeConfig,
  batchMatMulConfig,
  fusedMatMulConfig,
  diffNormalConfig,
  diffUniformConfig,
  diffRademacherConfig,
  diffCombineConfig,
];
