/**
 * Runs every ```ts block of a package's documentation: of its README, and of the docstrings in its sources.
 *
 * Each block becomes a module of its own inside the package, so that its imports resolve as they do there.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';

interface Example {
  readonly source: string;
  readonly line: number;
  readonly code: string;
}

const FENCE = /^([ \t]*(?:\*[ \t]?)?)```ts[ \t]*\n([\s\S]*?)^\1```/gm;

function examplesOf(file: string): Example[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(FENCE)].map((match) => {
    const margin = match[1]!;
    const bare = margin.trimEnd();
    const code = match[2]!
      .split('\n')
      .map((line) => (line.startsWith(margin) ? line.slice(margin.length) : line === bare ? '' : line))
      .join('\n');
    return { source: file, line: text.slice(0, match.index).split('\n').length, code };
  });
}

/**
 * @param folder the package's root, as `new URL('..', import.meta.url)` from its test folder.
 * @param documents further Markdown files, relative to it; its README.md and src are always read.
 */
export function describeExamples(folder: URL, documents: readonly string[] = []): void {
  const root = fileURLToPath(folder);
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join('src', name));
  const examples = ['README.md', ...documents, ...sources].flatMap((name) => examplesOf(join(root, name)));
  const scratch = join(root, '.vitest', 'examples');
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true });
  describe('documentation', () => {
    it('has examples', () => expect(examples.length).toBeGreaterThan(0));
    for (const { source, line, code } of examples) {
      const name = `${source.slice(root.length)}:${line}`;
      it(`runs ${name}`, async () => {
        const file = join(scratch, `${basename(source).replace(/\W/g, '-')}-${line}.ts`);
        writeFileSync(file, `${code}\nexport {};\n`);
        await import(/* @vite-ignore */ pathToFileURL(file).href);
      });
    }
  });
}
