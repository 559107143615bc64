/**
 * A fresh process up to its first result: `node start-up.js <library>` adds eight numbers and says so on standard output.
 * It imports nothing but the library and what that needs.
 */
import type { BenchCase } from '../suite/bench-case.ts';
import { createSession } from '../suite/session.ts';
import { isLibrary, startLibrary } from './libraries.ts';

const library = process.argv[2] ?? '';
if (!isLibrary(library)) throw new RangeError(`start-up: no library is called '${library}'.`);

const eight = { shape: [8], values: Float32Array.from({ length: 8 }, (_, i) => i) };
const addition: BenchCase = {
  id: 'start-up',
  group: 'ops',
  title: '',
  op: 'add',
  settings: {},
  quick: false,
  inputs: () => ({ x: eight, y: eight }),
  async prepare({ x }) {
    const tf = await import('@tensorflow/tfjs-core');
    const tensor = tf.tensor1d(x!.values);
    return { run: () => tf.add(tensor, tensor) };
  },
};

const started = await startLibrary(library);
const { size } = await started.session(createSession).prepare(addition);
process.stdout.write(`${size}\n`, () => process.exit());
