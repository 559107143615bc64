/** Every page, used as somebody would: cancelled, changed and moved to other backends under way, by keyboard, by touch. */
import type { Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { finish, PAGES, type PageFacts, shown, status } from './page-facts.ts';
import { browserPath, openSite, type Site } from './site.ts';

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

const runButton = (page: Page, { button }: PageFacts) =>
  page.getByRole('button', { name: button, exact: true });

/** The finger goes down at one place, moves to another and leaves; places in pixels of the screen. */
async function swipe(page: Page, from: [number, number], to: [number, number]): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', at: readonly [number, number][]) =>
    devtools.send('Input.dispatchTouchEvent', { type, touchPoints: at.map(([x, y]) => ({ x, y })) });
  await touch('touchStart', [from]);
  for (let i = 1; i <= 8; i++) {
    const share = i / 8;
    await touch('touchMove', [[from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])]]);
  }
  await page.waitForTimeout(200); // the finger rests: a fling would swallow the next tap
  await touch('touchMove', [to]);
  await touch('touchEnd', []);
  await page.waitForTimeout(350);
}

/** Swipes over an element, between two places given as shares of its sides. */
async function swipeOver(
  page: Page,
  element: string,
  from: [number, number],
  to: [number, number],
): Promise<void> {
  const target = page.locator(element).first();
  await target.evaluate((e: { scrollIntoView(options: { block: 'center' }): void }) =>
    e.scrollIntoView({ block: 'center' }),
  );
  const box = (await target.boundingBox())!;
  const at = ([x, y]: [number, number]): [number, number] => [box.x + x * box.width, box.y + y * box.height];
  await swipe(page, at(from), at(to));
}

/** From now on `began` says in the page whether a run has begun. */
async function watchForRun(page: Page): Promise<void> {
  await page.evaluate(`globalThis.began = false; new MutationObserver(() => {
    if (document.querySelector('.run .status').textContent.startsWith('Starting')) began = true;
  }).observe(document.querySelector('.run .status'), { subtree: true, characterData: true, childList: true })`);
}

describe.skipIf(browserPath === undefined)('use', () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite();
  });
  afterAll(() => site.close());

  describe.each(PAGES)('$name', (facts) => {
    const { quick, long, running, finished, byItself } = facts;

    test('a run is cancelled, and begins again', async () => {
      const { page, complaints } = await site.visit(long, { backend: 'cpu' });
      if (!byItself) await runButton(page, facts).click();
      for (let i = 0; i < 2; i++) {
        await status(page, running).waitFor();
        await page.getByRole('button', { name: 'Cancel' }).click();
        await status(page, /^Cancelled\.$/).waitFor();
        await runButton(page, facts).click();
      }
      await status(page, running).waitFor();
      expect(complaints).toEqual([]);
      await page.context().close();
    }, 60_000);

    test('another choice under way gives the result of that choice, and its address the same again', async () => {
      const { page, complaints } = await site.visit(long, { backend: 'cpu' });
      if (!byItself) await runButton(page, facts).click();
      await status(page, running).filter({ hasNotText: 'Starting' }).waitFor();
      await watchForRun(page);
      await facts.choose(page);
      await page.waitForFunction('began');
      await status(page, running).waitFor();
      await page.getByLabel('Backend').selectOption('simd');
      await page.getByText('runs on simd').waitFor();
      await status(page, finished).waitFor({ timeout: 60_000 });
      const chosen = await shown(page);
      const view = new URL(page.url()).hash.slice(2);
      expect(view).not.toBe(long);
      for (const address of [view, long]) {
        const fresh = await site.visit(address);
        await finish(fresh.page, facts);
        if (address === view) expect(await shown(fresh.page)).toEqual(chosen);
        else expect(await shown(fresh.page)).not.toEqual(chosen);
        await fresh.page.context().close();
      }
      expect(complaints).toEqual([]);
      await page.context().close();
    }, 90_000);

    test('a run moves from backend to backend, and shows what the last one computes', async () => {
      const { page, complaints } = await site.visit(long, { backend: 'webgpu' });
      await page.getByText('runs on webgpu').waitFor();
      if (!byItself) await runButton(page, facts).click();
      for (const backend of ['cpu', 'wasm', 'simd']) {
        await status(page, running).waitFor({ timeout: 60_000 });
        await page.getByLabel('Backend').selectOption(backend);
        await page.getByText(`runs on ${backend}`).waitFor({ timeout: 60_000 });
      }
      await status(page, finished).waitFor({ timeout: 60_000 });
      expect(await page.locator('.run .status').textContent()).toContain('on simd');
      const moved = await shown(page);
      const fresh = await site.visit(long);
      await finish(fresh.page, facts);
      expect(await shown(fresh.page)).toEqual(moved);
      expect(complaints).toEqual([]);
      await page.context().close();
      await fresh.page.context().close();
    }, 180_000);

    test('the keyboard reaches the run, starts it and stays', async () => {
      const { page, complaints } = await site.visit(quick);
      await page.getByText('runs on simd').waitFor();
      if (byItself) await status(page, finished).waitFor();
      const button = runButton(page, facts);
      const here = (): Promise<boolean> =>
        button.evaluate((element: { matches(selector: string): boolean }) =>
          element.matches(':focus-visible'),
        );
      let tabs = 0;
      while (!(await here()) && tabs++ < 60) await page.keyboard.press('Tab');
      expect(await here(), 'the run has the focus, and shows it').toBe(true);
      await watchForRun(page);
      await page.keyboard.press('Enter');
      await page.waitForFunction('began');
      await status(page, finished).waitFor({ timeout: 60_000 });
      expect(await here()).toBe(true);
      expect(complaints).toEqual([]);
      await page.context().close();
    }, 60_000);

    test('a finger starts it, moves its sliders and draws', async () => {
      const view = facts.drawable ? `${quick}&shape=drawn` : quick;
      const { page, complaints } = await site.visit(view, PHONE);
      await page.getByText('runs on simd').waitFor();
      if (byItself) await status(page, finished).waitFor();
      if (facts.drawable) {
        await swipeOver(page, 'canvas[role=img]', [0.2, 0.3], [0.8, 0.7]);
        await page.waitForFunction('/drawn=/.test(location.hash)');
      }
      if (byItself) await status(page, finished).waitFor();
      await watchForRun(page);
      await runButton(page, facts).tap();
      await page.waitForFunction('began');
      await status(page, finished).waitFor({ timeout: 60_000 });
      const slider = page.locator('.view input[type=range]').first();
      if ((await slider.count()) > 0) {
        const before = await slider.inputValue();
        await swipeOver(page, '.view input[type=range]', [0.95, 0.5], [0.3, 0.5]);
        expect(Number(await slider.inputValue())).toBeLessThan(Number(before));
        await page.waitForFunction('/[?&]at=/.test(location.hash)');
      }
      if ((await page.locator('canvas.turnable').count()) > 0) {
        await swipeOver(page, 'canvas.turnable', [0.3, 0.3], [0.7, 0.6]);
        await page.waitForFunction('/turn=/.test(location.hash) && /tilt=/.test(location.hash)');
        // All the way, in radians: the browser has not taken the finger for one that scrolls.
        const turned = Number(await page.getByLabel('Turn', { exact: false }).first().inputValue()) - 0.6;
        expect(Math.abs(turned)).toBeGreaterThan(0.7);
      }
      expect(complaints).toEqual([]);
      await page.context().close();
    }, 60_000);
  });

  test('a slider moved fast does not flood the address, which tells the last of it', async () => {
    const { page, complaints } = await site.visit(PAGES[3]!.quick);
    await page.getByText('runs on simd').waitFor();
    const changes = await page.evaluate<{ count: number; seconds: number }>(`(async () => {
      let changes = 0;
      const replace = history.replaceState;
      history.replaceState = (...state) => { changes++; replace.apply(history, state); };
      const began = performance.now();
      const slider = [...document.querySelectorAll('label')].find((l) => l.textContent.startsWith('Turn')).control;
      for (let i = 0; i <= 400; i++) {
        slider.value = i / 200;
        slider.dispatchEvent(new InputEvent('input', { bubbles: true }));
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      return { count: changes, seconds: (performance.now() - began) / 1000 };
    })()`);
    await page.waitForFunction('/turn=2(&|$)/.test(location.hash)');
    expect(changes.count).toBeGreaterThan(0);
    // Safari refuses more than a hundred in thirty seconds.
    expect(changes.count).toBeLessThan(2 + (100 / 30) * changes.seconds);
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});
