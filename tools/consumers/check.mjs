/**
 * What somebody gets who installs the packages from npm: every public package is packed, checked as a tarball,
 * installed into an empty project, imported in Node, type-checked, bundled by esbuild, Vite and webpack, and run in Deno and
 * Bun, which are installed beside it.
 *
 * Needs the packages built. Usage: node tools/consumers/check.mjs
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '..', '..');
const env = {
  ...process.env,
  PATH: [join(root, 'node_modules', '.bin'), join(here, 'node_modules', '.bin'), process.env.PATH].join(
    delimiter,
  ),
};
const run = (cwd, command, ...args) =>
  execFileSync(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' });
const say = (line) => process.stdout.write(`${line}\n`);

/** What esbuild asks of a bundle for Node whose dependencies, here tfjs, call `require`. */
const REQUIRE =
  "--banner:js=import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

const project = mkdtempSync(join(tmpdir(), 'diff-consumer-'));
try {
  const tarballs = {};
  for (const folder of readdirSync(join(root, 'packages'))) {
    const directory = join(root, 'packages', folder);
    const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    if (manifest.private) continue;
    const file = JSON.parse(run(directory, 'pnpm', 'pack', '--pack-destination', project, '--json')).filename;
    tarballs[manifest.name] = `file:${file}`;
    run(root, 'publint', 'run', file, '--strict');
    const assets = Object.keys(manifest.exports).filter((name) => name.endsWith('.wasm')); // files, not modules: no types
    const without = assets.length > 0 ? ['--exclude-entrypoints', ...assets] : [];
    run(root, 'attw', file, '--profile', 'esm-only', '--format', 'ascii', ...without);
    say(`${manifest.name}: packed; publint and attw found nothing`);
  }

  cpSync(join(here, 'project'), project, { recursive: true });
  const { catalog } = readCatalog();
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({
      name: 'consumer',
      private: true,
      type: 'module',
      dependencies: { ...tarballs, ...catalog },
      overrides: tarballs,
    }),
  );
  run(project, 'npm', 'install', '--no-audit', '--no-fund', '--ignore-scripts');
  say(`installed ${Object.keys(tarballs).length} tarballs into an empty project`);

  for (const name of Object.keys(tarballs))
    run(project, 'node', '--input-type=module', '-e', `await import('${name}')`);
  const expected = run(project, 'node', 'main.js').trim();
  say(`Node: ${expected}`);
  for (const resolution of ['bundler', 'nodenext']) {
    const module = resolution === 'bundler' ? 'esnext' : 'nodenext';
    run(
      project,
      'tsc',
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--target',
      'es2022',
      '--module',
      module,
      '--moduleResolution',
      resolution,
      '--types',
      '',
      'type-checked.ts',
    );
    say(`TypeScript: checked with moduleResolution ${resolution}`);
  }
  run(
    project,
    'esbuild',
    'main.js',
    '--bundle',
    '--format=esm',
    '--platform=node',
    REQUIRE,
    '--outfile=esbuild.mjs',
    '--log-level=error',
  );
  same('esbuild', run(project, 'node', 'esbuild.mjs').trim());
  run(
    project,
    'vite',
    'build',
    '--ssr',
    'main.js',
    '--outDir',
    'vite-node',
    '--logLevel',
    'error',
    '--config',
    'vite.config.js',
  );
  same('Vite', run(project, 'node', 'vite-node/main.js').trim());
  run(project, 'vite', 'build', '--logLevel', 'error', '--config', 'vite.config.js');
  say('Vite: built the browser bundle');
  run(
    project,
    'webpack',
    '--entry',
    './main.js',
    '--mode',
    'production',
    '--target',
    'node',
    '--output-path',
    'webpack',
    '--output-filename',
    'main.cjs',
  );
  same('webpack', run(project, 'node', 'webpack/main.cjs').trim());

  run(project, 'npm', 'install', '--no-audit', '--no-fund', '--no-save', 'deno@2', 'bun@1');
  const runtimes = join(project, 'node_modules', '.bin');
  same('Deno', run(project, join(runtimes, 'deno'), 'run', '--allow-all', 'main.js').trim());
  same('Bun', run(project, join(runtimes, 'bun'), 'main.js').trim());

  function same(where, actual) {
    if (actual !== expected)
      throw new Error(`${where}: the program must print '${expected}', got '${actual}'.`);
    say(`${where}: prints the same`);
  }
} finally {
  rmSync(project, { recursive: true, force: true });
}

/** The tfjs packages of the workspace's catalog, which a consumer installs beside ours. */
function readCatalog() {
  const text = readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8');
  const catalog = {};
  for (const name of ['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-cpu']) {
    const range = new RegExp(`^ {2}["']${name}["']: (\\S+)$`, 'm').exec(text)?.[1];
    if (!range) throw new Error(`check: the catalog must name ${name}, got none. Mend pnpm-workspace.yaml.`);
    catalog[name] = range;
  }
  return { catalog };
}
