// The high-water mark of the tensor memory after 10², 10³ … steps: it must not grow.
//
//   npm run memory -- [--sampling 1000000] [--training 100000] [--variant base|relaxed|threads]
//
// Sampling is one run of `sample()` with as many steps (Euler–Maruyama, exact score of a mixture of two Gaussians); training
// is gradient descent on a small network. Ends with code 1 if the mark of any later step differs from that of 10³, or a block is left.
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { generate } from '../scripts/generate.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const folder = join(here, '../.conformance');
const { values: options } = parseArgs({
  options: {
    sampling: { type: 'string', default: '1000000' },
    training: { type: 'string', default: '100000' },
    variant: { type: 'string', default: 'auto' },
  },
});

await generate();
mkdirSync(folder, { recursive: true });
const outfile = join(folder, 'memory.mjs');
await build({
  entryPoints: [join(here, 'memory-loops.ts')],
  bundle: true,
  outfile,
  format: 'esm',
  platform: 'node',
  mainFields: ['module', 'main'],
  conditions: ['@diff/source'],
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
  logLevel: 'error',
});
const { sampling, setVariant, simdInfo, training } = await import(`file://${outfile}`);

console.warn = () => {};
setVariant(options.variant);
let isFlat = true;
for (const [name, loop, most] of [
  ['sampling', sampling, Number(options.sampling)],
  ['training', training, Number(options.training)],
]) {
  let early;
  const start = performance.now();
  await loop(most, (step, tensors) => {
    if (!/^10{2,}$/.test(String(step)) && step !== most) return;
    const { variant, memory } = simdInfo();
    const mark = `${memory.highWater} bytes at most, ${memory.reserved} reserved`;
    if (step === 1000) early = mark;
    if (step > 1000 && mark !== early) isFlat = false;
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(
      `${name} (${variant}), ${step} steps: ${mark}; ${memory.inUse} in ${memory.blocks} blocks now, ${tensors} tensors; ${seconds} s`,
    );
  });
  const { blocks } = simdInfo().memory;
  if (blocks > 0) isFlat = false;
  console.log(`${name}, after it: ${blocks} blocks`);
}
console.log(isFlat ? 'memory: flat' : 'memory: GROWS');
process.exit(isFlat ? 0 : 1);
