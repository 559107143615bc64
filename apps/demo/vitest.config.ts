import base from '@diff/testkit/vitest';
import { mergeConfig, type ViteUserConfig } from 'vitest/config';

// Tests mostly wait for pages; each file has a browser of its own.
const config: ViteUserConfig = mergeConfig(base, { test: { fileParallelism: true, maxWorkers: 2 } });
export default config;
