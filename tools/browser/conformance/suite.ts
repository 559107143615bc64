/** The bundle's entry: environment first, then tfjs-core's tests, in this order; then they run. */
import './environment.ts';
import '@tensorflow/tfjs-core/dist/tests';
import { isOfBackend, jasmine, nameOf } from './environment.ts';

/** What a run leaves in `results`, for whoever drives the page. */
interface Outcome {
  readonly passed: number;
  readonly pending: number;
  /** Specs that were left out, because they tell nothing about the backend. */
  readonly leftOut: number;
  /** Names of the specs that failed, the backend left out, and the first thing that was wrong. */
  readonly failures: readonly { readonly name: string; readonly message: string }[];
}

const page = globalThis as object as { results?: Promise<Outcome> };

async function run(): Promise<Outcome> {
  const env = jasmine.getEnv();
  let passed = 0;
  let pending = 0;
  let leftOut = 0;
  const failures: { name: string; message: string }[] = [];
  env.addReporter({
    specDone({ fullName, status, failedExpectations }) {
      if (!isOfBackend(fullName)) return;
      if (status === 'passed') passed++;
      else if (status === 'failed') {
        failures.push({ name: nameOf(fullName), message: failedExpectations[0]?.message ?? '' });
      } else if (status === 'excluded') leftOut++;
      else pending++;
    },
  });
  await env.execute();
  return { passed, pending, leftOut, failures };
}

page.results = run();
