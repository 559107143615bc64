/**
 * The conformance suite of the diffusion ops and what only a browser can show, in Chromium: once on a page like any other,
 * and once on a cross-origin isolated page, where WebAssembly may have threads. Without a Chromium there is one skipped
 * test instead.
 */
import base from '@diff/testkit/vitest';
import { playwright } from '@vitest/browser-playwright';
import { mergeConfig, type ViteUserConfig } from 'vitest/config';
import { chromiumFlags, findChromium } from './src/index.ts';

const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

const executablePath = findChromium();

const page = (name: string, browser: string, headers: Record<string, string>): ViteUserConfig =>
  mergeConfig(base, {
    server: { headers },
    test: {
      name,
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({ launchOptions: { executablePath: browser, args: [...chromiumFlags] } }),
        instances: [{ browser: 'chromium' }],
      },
    },
  });

const config: ViteUserConfig = executablePath
  ? mergeConfig(base, {
      test: {
        fileParallelism: false, // a test ends the process of the GPU, which pages share
        projects: [page('plain page', executablePath, {}), page('isolated page', executablePath, ISOLATION)],
      },
    })
  : { ...base, test: { ...base.test, include: ['test/without-a-browser.ts'] } };
export default config;
