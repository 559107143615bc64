import { describeExamples } from '@diff/testkit';

describeExamples(new URL('..', import.meta.url));
