import base from '@diff/testkit/vitest';
import { mergeConfig, type ViteUserConfig } from 'vitest/config';

/** As everywhere; WebGPU is there before tfjs is imported. */
const config: ViteUserConfig = mergeConfig(base, { test: { setupFiles: ['./test/webgpu-in-node.ts'] } });
export default config;
