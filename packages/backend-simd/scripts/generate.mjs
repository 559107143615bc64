// Makes what src/ imports but nobody writes by hand:
//
//   src/generated/wasm-base.ts      assembly/ compiled with SIMD128, base64
//   src/generated/wasm-relaxed.ts   the same source compiled with relaxed SIMD, as what differs, base64
//   src/generated/wasm-exports.ts   the typings of the module's exports
//   src/generated/worker-source.ts  src/worker.ts with what it imports, as a string
//   src/generated/cpu-kernels.js    the kernels of @tensorflow/tfjs-backend-cpu as a list, in one file
//   build/*.wasm                    the modules as plain files
//
// Runs only what is out of date (--force: everything), and replaces files in one step, so that several test runs
// may call it at once. `setup` lets Vitest call it before the tests.
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { deltaOf } from './delta.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const generated = join(root, 'src/generated');
const require = createRequire(import.meta.url);

/** Newest change of a file, or of all files under a folder. */
function changed(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => changed(join(path, name))));
}

function isStale(outputs, inputs) {
  if (!outputs.every((path) => existsSync(path))) return true;
  return Math.min(...outputs.map((path) => statSync(path).mtimeMs)) < Math.max(...inputs.map(changed));
}

function replace(path, content) {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, content);
  renameSync(draft, path);
}

/** asc's typings → one interface. */
function exportsInterface(typings) {
  const body = typings.slice(typings.indexOf('{') + 1, typings.indexOf('\n}\n'));
  const members = [...body.matchAll(/export function (\w+)\(([^)]*)\): (\w+);/g)].map(
    ([, name, parameters, result]) => `  readonly ${name}: (${parameters}) => ${result};`,
  );
  return `/** Written by scripts/generate.mjs from assembly/. */\nexport interface WasmExports {\n  readonly heapBase: WebAssembly.Global;\n${members.join('\n')}\n}\n`;
}

/** Compiles assembly/ to `outFile`, with its typings beside it. */
export function compileTo(outFile, extra) {
  const asc = join(dirname(require.resolve('assemblyscript/package.json')), 'bin/asc.js');
  const options = ['--runtime', 'stub', '--importMemory', '--noExportMemory', '-O3', '--noAssert'];
  // Said in full, so that the import of the memory reads the same whether it is shared or not.
  const memory = ['--initialMemory', '16', '--maximumMemory', '65536'];
  const output = ['--bindings', 'raw', '--outFile', outFile];
  const all = ['assembly/index.ts', ...options, ...memory, '--enable', 'simd', ...extra, ...output];
  execFileSync(process.execPath, [asc, ...all], { cwd: root, stdio: 'inherit' });
}

function compile(name, extra) {
  const folder = mkdtempSync(join(root, 'build/asc-'));
  try {
    const out = join(folder, 'out.wasm');
    compileTo(out, extra);
    replace(join(root, `build/${name}.wasm`), readFileSync(out));
    const typings = readFileSync(join(folder, 'out.d.ts'), 'utf8');
    replace(join(generated, 'wasm-exports.ts'), exportsInterface(typings));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * The kernels of tfjs's cpu backend, neither registered nor with their backend: its `register_all_kernels` module
 * with the registering loop replaced by an export. A bundle, because Node cannot import the extensionless files
 * of the original.
 */
async function bundleCpuKernels(outfile) {
  const listInsteadOfRegistering = {
    name: 'list-instead-of-registering',
    setup(bundler) {
      bundler.onLoad({ filter: /tfjs-backend-cpu\/dist\/register_all_kernels\.js$/ }, ({ path }) => {
        const source = readFileSync(path, 'utf8');
        const contents = source
          .replace(/import \{ registerKernel \} from [^;]+;/, '')
          .replace(
            /for \(const kernelConfig of kernelConfigs\) \{[^}]+\}/,
            'export const cpuKernels = kernelConfigs;',
          )
          .replace(/\/\/# sourceMappingURL=.*/, '');
        if (contents.includes('registerKernel') || !contents.includes('cpuKernels')) {
          throw new Error(`generate: ${path} is not laid out as expected. Adapt the patterns above.`);
        }
        return { contents, loader: 'js' };
      });
    },
  };
  const result = await build({
    entryPoints: [
      join(
        dirname(require.resolve('@tensorflow/tfjs-backend-cpu/package.json')),
        'dist/register_all_kernels.js',
      ),
    ],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    mainFields: ['module', 'main'],
    target: 'es2022',
    external: ['@tensorflow/tfjs-core'],
    minify: true,
    legalComments: 'eof',
    logLevel: 'warning',
    plugins: [listInsteadOfRegistering],
  });
  replace(outfile, result.outputFiles[0].contents);
  replace(
    outfile.replace(/\.js$/, '.d.ts'),
    "import type { KernelConfig } from '@tensorflow/tfjs-core';\nexport declare const cpuKernels: readonly KernelConfig[];\n",
  );
}

/** The base build, and what the relaxed one differs by. */
function inline(name, constant, bytes) {
  const base64 = Buffer.from(bytes).toString('base64');
  const content = `/** Written by scripts/generate.mjs from build/*.wasm. */\nexport const ${constant}: string =\n  '${base64}';\n`;
  replace(join(generated, `wasm-${name}.ts`), content);
}

/** The workers' program as a string. */
async function bundleWorker(outfile) {
  const result = await build({
    entryPoints: [fileURLToPath(import.meta.resolve('../src/worker.ts'))],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    minify: true,
    logLevel: 'warning',
  });
  const source = JSON.stringify(result.outputFiles[0].text.trim());
  replace(
    outfile,
    `/** Written by scripts/generate.mjs from src/worker.ts. */\nexport const source: string =\n  ${source};\n`,
  );
}

export async function generate({ force = false } = {}) {
  mkdirSync(join(root, 'build'), { recursive: true });
  const script = fileURLToPath(import.meta.url);
  for (const [name, extra] of [
    ['base', []],
    ['relaxed', ['--enable', 'relaxed-simd']],
  ]) {
    const outputs = [join(root, `build/${name}.wasm`), join(generated, 'wasm-exports.ts')];
    if (force || isStale(outputs.slice(0, 1), [join(root, 'assembly'), script]) || !existsSync(outputs[1]))
      compile(name, extra);
  }
  const binaries = ['base', 'relaxed'].map((name) => join(root, `build/${name}.wasm`));
  const inlined = ['base', 'relaxed'].map((name) => join(generated, `wasm-${name}.ts`));
  if (force || isStale(inlined, [script, join(root, 'scripts/delta.mjs'), ...binaries])) {
    const [base, relaxed] = binaries.map((path) => readFileSync(path));
    inline('base', 'bytes', base);
    inline('relaxed', 'delta', deltaOf(base, relaxed));
  }
  const worker = join(generated, 'worker-source.ts');
  const parts = ['worker.ts', 'pieces.ts'].map((name) => join(root, 'src', name));
  if (force || isStale([worker], [script, ...parts])) await bundleWorker(worker);
  const cpuKernels = join(generated, 'cpu-kernels.js');
  if (
    force ||
    isStale([cpuKernels], [script, require.resolve('@tensorflow/tfjs-backend-cpu/package.json')])
  ) {
    await bundleCpuKernels(cpuKernels);
  }
}

export const setup = () => generate();

if (process.argv[1] === fileURLToPath(import.meta.url))
  await generate({ force: process.argv.includes('--force') });
