/**
 * `npm start`, `npm test`, `npm run bench`, `npm run conformance`: one command each on a machine that has only Node and npm.
 *
 * Installs what the lock file names when it is not there yet, then hands over to turbo, which builds and tests only
 * what has changed. Runs on any Node ≥ 20; everything it starts runs on the Node of the workspace.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = join(root, 'node_modules', '.bin');
const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}`, TURBO_TELEMETRY_DISABLED: '1' };
const windows = process.platform === 'win32';

function status(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, env, stdio: 'inherit', shell: windows, ...options });
  if (result.error) throw result.error;
  return result.status ?? 1;
}

function run(command, args, options) {
  const code = status(command, args, options);
  if (code !== 0) process.exit(code);
}

/** Folders of all workspace packages. */
function workspaces() {
  return ['packages', 'apps', 'tools'].flatMap((group) =>
    readdirSync(join(root, group), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && existsSync(join(root, group, entry.name, 'package.json')))
      .map((entry) => join(root, group, entry.name)),
  );
}

function install() {
  const stamp = join(root, 'node_modules', '.installed');
  const hash = createHash('sha256');
  for (const folder of [root, ...workspaces()]) hash.update(readFileSync(join(folder, 'package.json')));
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml']) hash.update(readFileSync(join(root, file)));
  const wanted = hash.digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  process.stdout.write(`Installing dependencies with ${packageManager} …\n`);
  run('npx', [
    '--yes',
    packageManager,
    'install',
    '--frozen-lockfile',
    '--reporter=append-only',
    '--loglevel=error',
  ]);
  writeFileSync(stamp, wanted);
}

/** Adds up what Vitest left behind in every package. */
function printCounts() {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  for (const folder of workspaces()) {
    const file = join(folder, '.vitest', 'results.json');
    if (!existsSync(file)) continue;
    const results = JSON.parse(readFileSync(file, 'utf8'));
    passed += results.numPassedTests;
    failed += results.numFailedTests;
    skipped += results.numPendingTests + results.numTodoTests;
  }
  process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  if (passed === 0 || failed > 0) process.exitCode = 1;
}

const [task, ...args] = process.argv.slice(2);
const quiet = ['--output-logs=errors-only', '--log-order=grouped'];
switch (task) {
  case 'start':
    install();
    run('turbo', ['run', 'build', '--filter=@diff/quickstart', ...quiet]);
    run('node', [join(root, 'apps', 'quickstart', 'dist', 'main.js'), ...args], { cwd: process.cwd() });
    break;
  case 'test':
    install();
    process.exitCode = status('turbo', [
      'run',
      'test',
      '--continue',
      '--concurrency=100%',
      '--log-order=grouped',
      '--output-logs=new-only',
      ...args,
    ]);
    printCounts();
    break;
  case 'bench':
    install();
    run('turbo', ['run', 'build', '--filter=@diff/bench', ...quiet]);
    run('node', [join(root, 'apps', 'bench', 'dist', 'main.js'), ...args], { cwd: process.cwd() });
    break;
  case 'bench:page':
    install();
    run('turbo', ['run', 'build', '--filter=@diff/bench', ...quiet]);
    run('pnpm', ['--filter', '@diff/bench', 'run', 'page', ...args]);
    break;
  case 'demo':
  case 'demo:build':
    install();
    run('turbo', ['run', 'build', '--filter=@diff/demo', ...quiet]);
    if (task === 'demo') run('pnpm', ['--filter', '@diff/demo', 'run', 'serve', ...args]);
    else process.stdout.write('The site is in apps/demo/dist; it works from any folder of any server.\n');
    break;
  case 'samplers':
    install();
    run('turbo', ['run', 'build', '--filter=@diff/sampler-table^...', ...quiet]);
    run('node', [join(root, 'tools', 'sampler-table', 'src', 'main.ts'), ...args]);
    break;
  case 'conformance': {
    const unknown = args.find((argument) => argument !== '--force');
    if (unknown) {
      process.stderr.write(
        `conformance: only --force is an option here (run also what has not changed), got '${unknown}'. Each suite has its own: ` +
          'pnpm --filter @diff/backend-simd run conformance --variant base, or pnpm --filter @diff/browser run conformance --run webgpu.\n',
      );
      process.exit(2);
    }
    install();
    run('turbo', ['run', 'conformance', '--log-order=grouped', ...args]);
    break;
  }
  case 'counts':
    printCounts();
    break;
  default:
    process.stderr.write(
      `run: task must be start, test, bench, bench:page, demo, demo:build, samplers or conformance, got '${task}'. Use npm start or npm test.\n`,
    );
    process.exit(2);
}
