import { describeExamples } from '@diff/testkit';
import '@tensorflow/tfjs-backend-cpu';

describeExamples(new URL('..', import.meta.url), ['../../README.md', '../../docs/architecture.md']);
