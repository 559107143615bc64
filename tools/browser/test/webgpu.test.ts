import * as core from '@diff/core';
import '@diff/backend-webgpu';
import { describeDiffusionOps } from '@diff/testkit/diffusion-ops';

describeDiffusionOps({ backend: 'webgpu', ops: core });
