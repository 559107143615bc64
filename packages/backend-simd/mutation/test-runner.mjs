// Runs test files again and again in one Vitest, for run.mjs: a message with names of tests in, 'passed' or 'failed' out.
//
//   fork(test-runner.mjs, [folder of the package])
import { createVitest } from 'vitest/node';

const root = process.argv[2];
const silent = { onInit() {} };
const vitest = await createVitest('test', { root, watch: false, reporters: [silent], bail: 1 });

process.on('message', async (tests) => {
  const files = tests.map((test) => `test/${test}.test.ts`);
  const run = await vitest.runTestSpecifications(await vitest.globTestSpecifications(files));
  // Vitest remembers what ran before.
  const testModules = run.testModules.filter(({ moduleId }) => files.some((file) => moduleId.endsWith(file)));
  const { unhandledErrors } = run;
  vitest.state.errorsSet.clear();
  const isPassed =
    testModules.length === tests.length &&
    testModules.every((file) => file.state() === 'passed') &&
    unhandledErrors.length === 0;
  const errors = testModules.flatMap((file) => [
    ...file.errors(),
    ...[...file.children.allTests('failed')].flatMap((test) => test.result().errors),
  ]);
  process.send({
    result: isPassed ? 'passed' : 'failed',
    output: [...errors, ...unhandledErrors].map(({ message }) => message).join('\n'),
  });
});
process.send('ready');
