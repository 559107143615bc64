// The specs that the backends of tfjs fail, as known-failures/<backend>.txt has them: one name a line, as often as that
// many specs of this name fail, grouped under comments ("# …") that say why.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const fileOf = (backend) => join(import.meta.dirname, 'known-failures', `${backend}.txt`);
const linesOf = (backend) => readFileSync(fileOf(backend), 'utf8').trimEnd().split('\n');
const isName = (line) => line !== '' && !line.startsWith('#');

/** Takes one of these from the list; was there one? */
function take(list, name) {
  const at = list.indexOf(name);
  if (at >= 0) list.splice(at, 1);
  return at >= 0;
}

/**
 * Failures that are not known, and known ones that are missing.
 *
 * @param backend undefined: none is known
 */
export function compareWithKnown(backend, failures) {
  const missing = backend ? linesOf(backend).filter(isName) : [];
  const unexpected = failures.filter(({ name }) => !take(missing, name));
  return { unexpected, missing };
}

/** Takes what passes out of the list, and writes what is new at its end. */
export function recordKnown(backend, failures) {
  const names = failures.map(({ name }) => name);
  const kept = linesOf(backend).filter((line) => !isName(line) || take(names, line));
  const added = names.length > 0 ? ['', '# Not explained yet', ...names] : [];
  writeFileSync(fileOf(backend), `${[...kept, ...added].join('\n')}\n`);
}
