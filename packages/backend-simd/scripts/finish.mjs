// After tsc: puts beside the compiled modules what tsc does not copy, and checks that the build for threads, which is made
// from another one when it starts, is the one that the compiler makes.
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { moduleBytes } from '../dist/module-bytes.js';
import { withSharedMemory } from '../dist/shared-memory.js';
import { compileTo } from './generate.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
mkdirSync(join(root, 'dist/generated'), { recursive: true });
for (const name of ['cpu-kernels.js', 'cpu-kernels.d.ts'])
  copyFileSync(join(root, 'src/generated', name), join(root, 'dist/generated', name));
for (const name of ['base.wasm', 'relaxed.wasm'])
  copyFileSync(join(root, 'build', name), join(root, 'dist', name));

const features = ['--enable', 'relaxed-simd', '--enable', 'threads', '--sharedMemory'];
compileTo(join(root, 'build/threads.wasm'), features);
const compiled = readFileSync(join(root, 'build/threads.wasm'));
if (!compiled.equals(withSharedMemory(moduleBytes('relaxed')))) {
  throw new Error(
    'finish: src/shared-memory.ts does not make what the compiler makes. Compare build/*.wasm.',
  );
}
copyFileSync(join(root, 'build/threads.wasm'), join(root, 'dist/threads.wasm'));
