import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** The one Vitest configuration of every package: tests run against sources, and leave their counts behind. */
const config: ViteUserConfig = defineConfig({
  resolve: { conditions: ['@diff/source', 'module', 'node', 'import', 'default'] },
  ssr: { resolve: { conditions: ['@diff/source', 'node', 'import', 'default'] } },
  test: {
    include: ['test/**/*.test.ts'],
    reporters: ['default', 'json'],
    outputFile: { json: '.vitest/results.json' },
    testTimeout: 30_000,
  },
});
export default config;
