/**
 * Bundles tfjs-core's gradient definitions into dist/register-gradients.js.
 *
 * They live in tfjs-core's dist folder, whose extensionless imports Node cannot resolve, and they reach into
 * modules that tfjs-core also exports publicly. Every import of a public name is pointed at the package itself,
 * so that the bundle holds the definitions and the few private functions they use, and no second copy of the
 * engine or of the Tensor class.
 */
import { readFile } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs-core';
import { build } from 'esbuild';

const PACKAGE = '@tensorflow/tfjs-core';
const IMPORT = /^import\s+(?:\{([^}]*)\}|\*\s+as\s+(\w+))\s+from\s+'(\.[^']*)';$/gm;

/** One import statement of a private module, in terms of the package where that is possible. */
function publicImport(statement, names, namespace, from) {
  if (namespace) return namespace in tf ? `import { ${namespace} } from '${PACKAGE}';` : statement;
  const lines = [];
  for (const name of names.split(',').map((part) => part.trim())) {
    if (name in tf) lines.push(`import { ${name} } from '${PACKAGE}';`);
    else if (name === 'ENGINE')
      lines.push(`import { engine } from '${PACKAGE}';`, 'const ENGINE = engine();');
    else if (/\/util(_base)?$/.test(from) && name in tf.util) {
      lines.push(
        `import { util as util_${name} } from '${PACKAGE}';`,
        `const ${name} = util_${name}.${name};`,
      );
    } else lines.push(`import { ${name} } from '${from}';`);
  }
  return lines.join('\n');
}

const usePublicNames = {
  name: 'use-public-names',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^@tensorflow\/tfjs-core$/ }, () => ({ path: PACKAGE, external: true }));
    onLoad({ filter: /tfjs-core\/dist\/.*\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replace(IMPORT, publicImport),
      loader: 'js',
    }));
  },
};

await build({
  entryPoints: ['src/register-gradients.ts'],
  outfile: 'dist/register-gradients.js',
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  mainFields: ['module', 'main'],
  plugins: [usePublicNames],
  logLevel: 'warning',
});
