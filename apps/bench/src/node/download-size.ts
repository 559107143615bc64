/** What a web page downloads: bundles of each package and backend, minified, and compressed as servers do. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import type { DownloadSize, Results } from '../suite/results.ts';

interface Entry {
  readonly name: string;
  /** Source of a module that uses it. */
  readonly source: string;
  /** Is tfjs-core part of it? */
  readonly withCore?: boolean;
  /** Files that are fetched beside the bundle. */
  readonly files?: readonly string[];
}

const OURS = ['core', 'sde', 'score', 'samplers', 'metrics', 'backend-simd'];

const ENTRIES: readonly Entry[] = [
  ...OURS.map((name) => ({ name: `@diff/${name}`, source: `export * from '@diff/${name}';` })),
  {
    name: 'a page that samples a mixture: everything it needs',
    withCore: true,
    source: `import '@diff/backend-simd';
      export { key, useBackend } from '@diff/core';
      export { ddim, sample } from '@diff/samplers';
      export { gaussianMixture } from '@diff/score';
      export { logSnrGrid, variancePreserving } from '@diff/sde';`,
  },
  { name: '@tensorflow/tfjs-core', withCore: true, source: `export * from '@tensorflow/tfjs-core';` },
  { name: '@tensorflow/tfjs-backend-cpu', source: `import '@tensorflow/tfjs-backend-cpu';` },
  {
    name: '@tensorflow/tfjs-backend-wasm, with its SIMD module',
    source: `import '@tensorflow/tfjs-backend-wasm';`,
    files: ['@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm'],
  },
  { name: '@jax-js/jax', source: `export * from '@jax-js/jax';` },
];

const folder = fileURLToPath(new URL('../..', import.meta.url));

async function sizeOf({ name, source, withCore, files = [] }: Entry): Promise<DownloadSize> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: folder },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'silent',
    // In a bundle of its own, what it shares with others is left out.
    external: withCore
      ? []
      : ['@tensorflow/tfjs-core', ...OURS.map((o) => `@diff/${o}`).filter((o) => o !== name)],
  });
  const resolve = createRequire(import.meta.url);
  const extra = await Promise.all(files.map((file) => readFile(resolve.resolve(file))));
  const parts = [...outputFiles.map(({ contents }) => contents), ...extra];
  const total = (of: (part: Uint8Array) => number): number => parts.reduce((sum, part) => sum + of(part), 0);
  return {
    name,
    minified: total((part) => part.length),
    gzip: total((part) => gzipSync(part, { level: 9 }).length),
    brotli: total((part) => brotliCompressSync(part).length),
  };
}

export async function downloadSizes(): Promise<Results['sizes']> {
  const sizes: DownloadSize[] = [];
  for (const entry of ENTRIES) sizes.push(await sizeOf(entry));
  return sizes;
}
