// The bundle's entry: environment first, then tfjs-core's tests, in this order.
import './environment.ts';
import '@tensorflow/tfjs-core/dist/tests';
import { kernelCounts } from '../src/kernel-counts.ts';

export { description, marker } from './environment.ts';
export const counts: typeof kernelCounts = kernelCounts;
