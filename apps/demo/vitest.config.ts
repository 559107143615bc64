export { default } from '@diff/testkit/vitest';
