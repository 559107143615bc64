import * as core from '@diff/core';
import { describeDiffusionOps } from '@diff/testkit/diffusion-ops';
import './wasm-files.ts';

describeDiffusionOps({ backend: 'wasm', ops: core });
