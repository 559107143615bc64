import base from '@diff/testkit/vitest';
import { mergeConfig, type ViteUserConfig } from 'vitest/config';

/** As everywhere, and what scripts/generate.mjs makes is brought up to date first. */
const config: ViteUserConfig = mergeConfig(base, { test: { globalSetup: ['./scripts/generate.mjs'] } });
export default config;
