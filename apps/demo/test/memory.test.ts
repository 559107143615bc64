/** Nothing piles up: every page runs 200 times, and the page and its worker together need no more memory. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PAGES } from './page-facts.ts';
import { browserPath, openSite, type Site } from './site.ts';

/** Bytes by which memory may differ between two moments, whatever happens in between. */
const UNSTEADY = 3e6;

describe.skipIf(browserPath === undefined)('memory does not grow over 200 runs', () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite();
  });
  afterAll(() => site.close());

  test.each(PAGES)(
    '$name',
    async ({ small, button, byItself, finished }) => {
      const { page, complaints } = await site.visit(small);
      await page.getByText('runs on simd').waitFor();
      if (byItself) await page.locator('.run .status').filter({ hasText: finished }).waitFor();
      // From within the page, so that a run costs no more than itself.
      const runs = (count: number): Promise<number> =>
        page.evaluate(`(async () => {
          const button = [...document.querySelectorAll('.run button')].find((b) => b.textContent === '${button}');
          const status = document.querySelector('.run .status');
          const told = () => new Promise((resolve) => {
            const observer = new MutationObserver(() => { observer.disconnect(); resolve(); });
            observer.observe(status, { subtree: true, characterData: true, childList: true });
          });
          for (let i = 0; i < ${count}; i++) {
            button.click();
            do await told(); while (!${finished}.test(status.textContent));
          }
          // Of the page and its worker together, after a collection of garbage.
          return (await performance.measureUserAgentSpecificMemory()).bytes;
        })()`);
      const before = await runs(20);
      const after = await runs(180);
      expect(after - before).toBeLessThan(UNSTEADY);
      expect(complaints).toEqual([]);
      await page.context().close();
    },
    240_000,
  );
});
