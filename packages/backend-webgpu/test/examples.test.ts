import { describeExamples } from '@diff/testkit';
import { describe } from 'vitest';
import { hasAdapter } from './webgpu-in-node.ts';

describe.skipIf(!hasAdapter)('documentation', () => describeExamples(new URL('..', import.meta.url)));
