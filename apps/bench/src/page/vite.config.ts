import { defineConfig, type UserConfig } from 'vite';

const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** A static page in `dist/page`. The headers of `dev` and `preview` let WebAssembly have threads. */
const config: UserConfig = defineConfig({
  base: './',
  resolve: { conditions: ['@diff/source', 'module', 'browser', 'import', 'default'] },
  server: { host: '127.0.0.1', headers: ISOLATION },
  preview: { host: '127.0.0.1', headers: ISOLATION },
  worker: { format: 'es', rolldownOptions: { checks: { pluginTimings: false } } },
  build: {
    target: 'es2023',
    assetsInlineLimit: 0,
    outDir: '../../dist/page',
    emptyOutDir: true,
    // Plugins do take most of the time here: they build the workers.
    rolldownOptions: { checks: { pluginTimings: false } },
  },
});
export default config;
