import base from '@diff/testkit/vitest';
import { mergeConfig, type ViteUserConfig } from 'vitest/config';

/** As everywhere; before all, what scripts/generate.mjs makes is brought up to date. */
const config: ViteUserConfig = mergeConfig(base, {
  test: { globalSetup: ['./scripts/generate.mjs'], setupFiles: ['./test/every-fault.ts'] },
});
export default config;
