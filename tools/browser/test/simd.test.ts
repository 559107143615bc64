import * as core from '@diff/core';
import '@diff/backend-simd';
import { describeDiffusionOps } from '@diff/testkit/diffusion-ops';

describeDiffusionOps({ backend: 'simd', ops: core });
