// After tsc: puts beside the compiled modules what tsc does not copy.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
mkdirSync(join(root, 'dist/generated'), { recursive: true });
for (const name of ['cpu-kernels.js', 'cpu-kernels.d.ts'])
  copyFileSync(join(root, 'src/generated', name), join(root, 'dist/generated', name));
for (const name of ['base.wasm', 'relaxed.wasm'])
  copyFileSync(join(root, 'build', name), join(root, 'dist', name));
const { withSharedMemory } = await import('../dist/shared-memory.js');
writeFileSync(
  join(root, 'dist/threads.wasm'),
  withSharedMemory(readFileSync(join(root, 'build/relaxed.wasm'))),
);
