import * as core from '@diff/core';
import { describeDiffusionOps } from '@diff/testkit';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';

describeDiffusionOps({ backend: 'cpu', ops: core });
describeDiffusionOps({ backend: 'wasm', ops: core });
