import { defineConfig, type UserConfig } from 'vite';

const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** A static site that works from any folder. The headers of `dev` and `preview` let WebAssembly have threads. */
const config: UserConfig = defineConfig({
  base: './',
  resolve: { conditions: ['@diff/source', 'module', 'browser', 'import', 'default'] },
  server: { host: '127.0.0.1', headers: ISOLATION },
  preview: { host: '127.0.0.1', headers: ISOLATION },
  worker: { format: 'es' },
  build: { target: 'es2023', assetsInlineLimit: 0 },
});
export default config;
