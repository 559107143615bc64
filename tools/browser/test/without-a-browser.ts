import { test } from 'vitest';

test.skip("needs Chromium: install it (Debian: 'chromium'), or name its path in the variable CHROMIUM", () =>
  undefined);
