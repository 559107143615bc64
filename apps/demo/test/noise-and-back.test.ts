/** The first page, in a browser, as somebody would use it. */
import { createRequire } from 'node:module';
import type { Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { browserPath, openSite, type Site } from './site.ts';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** What stands beside the picture: the distance at the moment shown, the floor, and how far off a learned score is. */
async function measured(page: Page): Promise<{ distance: number; floor: number; off: number }> {
  const texts = await page.locator('.measure dd').allTextContents();
  const [distance = Number.NaN, floor = Number.NaN, off = Number.NaN] = texts.map(Number.parseFloat);
  return { distance, floor, off };
}

/** The plot's numbers: t, then the distance on the way forward, on the way back, and the floor; NaN where there is none. */
async function plotted(page: Page): Promise<{ t: number; forward: number; back: number; floor: number }[]> {
  const cells = await page.evaluate<number[][]>(
    '[...document.querySelectorAll(".plot details tbody tr")].map((row) => [...row.cells].map((cell) => parseFloat(cell.textContent)))',
  );
  return cells.map(([t, forward, back, floor]) => ({ t: t!, forward: forward!, back: back!, floor: floor! }));
}

/** Moves the slider of time, whose ends are 0 and 1. */
async function scrub(page: Page, share: number): Promise<void> {
  const slider = page.locator('.stage input[type=range]');
  const last = Number(await slider.getAttribute('max'));
  await slider.fill(String(Math.round(share * last)));
}

/** Presses the mouse at one place of the picture, as shares of its sides, and draws to another. */
async function stroke(page: Page, from: [number, number], to: [number, number]): Promise<void> {
  const box = (await page.locator('canvas[role=img]').first().boundingBox())!;
  const at = ([x, y]: [number, number]): [number, number] => [box.x + x * box.width, box.y + y * box.height];
  await page.mouse.move(...at(from));
  await page.mouse.down();
  await page.mouse.move(...at(to), { steps: 20 });
  await page.mouse.up();
}

const violations =
  'axe.run().then(({ violations }) => violations.map((v) => v.id + ": " + v.nodes.map((n) => n.target).join(" ")))';

describe.skipIf(browserPath === undefined)('noise and back', () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite();
  });
  afterAll(() => site.close());

  test('shows samples at once, close to the data, and again the same ones', async () => {
    const texts: string[] = [];
    for (let i = 0; i < 2; i++) {
      const { page, complaints } = await site.visit('noise?steps=12&count=1000');
      await page.getByText(/12 evaluations/).waitFor();
      const { distance, floor } = await measured(page);
      expect(distance).toBeLessThan(8 * floor); // 12 steps: near, not at, the floor
      texts.push((await page.locator('.measure').textContent())!);
      expect(complaints).toEqual([]);
      await page.context().close();
    }
    expect(texts[1]).toBe(texts[0]);
  });

  test('a sampler chosen and a value changed are in the address, and a reload shows them', async () => {
    const { page } = await site.visit('noise?steps=5&count=200');
    await page.getByLabel('Sampler').selectOption('Heun');
    await page.getByLabel('Seed').fill('12');
    await page.getByLabel('Seed').press('Enter');
    await page.getByRole('button', { name: 'Run' }).click();
    await page.getByText(/10 evaluations|9 evaluations/).waitFor();
    await page.waitForURL(/sampler=Heun.*seed=12|seed=12.*sampler=Heun/);
    await page.reload();
    expect(await page.getByLabel('Sampler').inputValue()).toBe('Heun');
    expect(await page.getByLabel('Seed').inputValue()).toBe('12');
  });

  test('a distribution can be drawn with the mouse', async () => {
    const { page, complaints } = await site.visit('noise?shape=drawn&steps=5&count=200');
    await stroke(page, [0.3, 0.3], [0.7, 0.3]);
    await page.getByRole('button', { name: 'Run' }).click();
    await page.getByText(/5 evaluations/).waitFor();
    await page.waitForURL(/drawn=/);
    expect(complaints).toEqual([]);
  });

  test('a run is cancelled, and the backend changed while one is under way', async () => {
    const { page, complaints } = await site.visit('noise?steps=200&count=500', { backend: 'cpu' });
    await page.getByText(/Step \d+ of 200/).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('Cancelled.').waitFor();
    await page.getByRole('button', { name: 'Run' }).click();
    await page.getByText(/Step \d+ of 200/).waitFor();
    await page.getByLabel('Backend').selectOption('simd');
    await page.getByText('runs on simd').waitFor();
    await page.getByText(/200 evaluations, .* on simd/).waitFor({ timeout: 60_000 });
    expect(complaints).toEqual([]);
  }, 90_000);

  test('has nothing for axe to complain about, in light and dark, wide and narrow', async () => {
    for (const options of [
      { colorScheme: 'light' as const },
      { colorScheme: 'dark' as const, viewport: { width: 390, height: 844 } },
    ]) {
      const { page } = await site.visit('noise?steps=5&count=200', options);
      await page.getByText(/5 evaluations/).waitFor();
      await page.addScriptTag({ path: AXE });
      expect(await page.evaluate(violations)).toEqual([]);
    }
  });

  test('the metric and its floor are there while it runs, and at every moment afterwards', async () => {
    const { page, complaints } = await site.visit('noise?steps=100&count=2000');
    await page.getByText(/100 evaluations/).waitFor();
    await page.evaluate(`{
      globalThis.seen = [];
      const measure = document.querySelector('.measure');
      new MutationObserver(() => {
        if (/Step|turn into/.test(document.querySelector('.run .status').textContent))
          seen.push([...measure.querySelectorAll('dd')].map((cell) => parseFloat(cell.textContent)));
      }).observe(measure, { subtree: true, characterData: true, childList: true });
    }`);
    await page.getByRole('button', { name: 'Run' }).click();
    await page.getByText(/Step \d+ of 100/).waitFor();
    await page.getByText(/100 evaluations/).waitFor();
    const late = await measured(page);
    const seen = await page.evaluate<[number, number][]>('seen');
    expect(new Set(seen.map(([distance]) => distance)).size).toBeGreaterThan(5);
    expect(new Set(seen.map(([, floor]) => floor))).toEqual(new Set([late.floor]));

    const rows = await plotted(page);
    expect(new Set(rows.map(({ floor }) => floor.toExponential(1)))).toEqual(
      new Set([late.floor.toExponential(1)]),
    );
    // 25 moments of the way forward and 101 of the way back, with both ends in common.
    expect(rows.filter(({ forward }) => forward > 0)).toHaveLength(25);
    expect(rows.filter(({ back }) => back > 0)).toHaveLength(101);
    const data = rows[0]!;
    const noise = rows.at(-1)!;
    for (const [share, wanted] of [
      [0, data.forward],
      [24 / 125, noise.forward],
      [25 / 125, noise.back],
      [1, data.back],
    ] as const) {
      await scrub(page, share);
      expect((await measured(page)).distance).toBe(Number(wanted.toExponential(1)));
    }
    expect(noise.back).toBeGreaterThan(5 * data.back);
    expect(complaints).toEqual([]);
  });

  test('a change is shown without a press of the button, and the picture is never empty meanwhile', async () => {
    const { page, complaints } = await site.visit('noise?steps=10&count=500');
    await page.getByText(/10 evaluations/).waitFor();
    await page.evaluate(`{
      const small = new OffscreenCanvas(40, 40).getContext('2d', { willReadFrequently: true });
      globalThis.pictures = { seen: 0, empty: 0 };
      const look = () => {
        small.drawImage(document.querySelector('canvas[role=img]'), 0, 0, 40, 40);
        const { data } = small.getImageData(0, 0, 40, 40);
        pictures.seen++;
        if (data.every((value, i) => value === data[i % 4])) pictures.empty++;
        requestAnimationFrame(look);
      };
      look();
    }`);
    await page.getByLabel('Data').selectOption('moons');
    await page.locator('[aria-label^="500 particles of moons at time"]').waitFor();
    await page.getByText(/10 evaluations/).waitFor();
    await page.getByLabel('Score', { exact: true }).selectOption('learned');
    await page.locator('[aria-label="500 particles of moons, the network learns"]').waitFor();
    // Another distribution while the network learns this one.
    await page.getByLabel('Data').selectOption('letters');
    await page.locator('[aria-label="500 particles of letters, the network learns"]').waitFor();
    await page.getByLabel('Training steps').fill('50');
    await page.getByText(/10 evaluations/).waitFor();
    const { seen, empty } = await page.evaluate<{ seen: number; empty: number }>('pictures');
    expect(seen).toBeGreaterThan(10);
    expect(empty).toBe(0);
    expect(complaints).toEqual([]);
  });

  test('a network learns the score, and samples by it; the same address shows the same', async () => {
    const texts: string[] = [];
    for (let i = 0; i < 2; i++) {
      const { page, complaints } = await site.visit(
        'noise?shape=Swiss+roll&score=learned&training=150&sampler=UniPC&steps=12&count=1000',
      );
      expect(await page.getByLabel('Score', { exact: true }).inputValue()).toBe('learned');
      expect(await page.getByLabel('Training steps').inputValue()).toBe('150');
      await page.getByText(/Training: step \d+ of 150, loss/).waitFor();
      expect((await measured(page)).floor).toBeGreaterThan(0);
      await page.getByText(/1[23] evaluations, .* weights trained in .* on simd/).waitFor();
      const { distance, floor, off } = await measured(page);
      expect(distance).toBeGreaterThan(2 * floor); // 150 steps of training are not enough
      expect(off).toBeGreaterThan(10);
      texts.push((await page.locator('.measure').textContent())!);
      if (i === 1) {
        // Far from the data there is nothing to learn but where their middle is.
        await scrub(page, 0.5);
        expect((await measured(page)).off).toBeLessThan(10);
        // The network is there: another sampler, even another process, needs no other.
        await page.getByLabel('Forward process').selectOption('VE (EDM)');
        await page.getByText(/1[23] evaluations, .* weights kept from before/).waitFor();
        // The exact score does better.
        await page.getByLabel('Forward process').selectOption('VP');
        await page.getByLabel('Score', { exact: true }).selectOption('exact');
        await scrub(page, 1);
        await page.getByText(/1[23] evaluations, [^w]*$/).waitFor();
        expect((await measured(page)).distance).toBeLessThan(distance / 1.5);
        await page.addScriptTag({ path: AXE });
        expect(await page.evaluate(violations)).toEqual([]);
      }
      expect(complaints).toEqual([]);
      await page.context().close();
    }
    expect(texts[1]).toBe(texts[0]);
  }, 120_000);

  test('training is cancelled, and the page goes on', async () => {
    const { page, complaints } = await site.visit('noise?score=learned&training=5000&steps=5&count=200', {
      colorScheme: 'dark',
      viewport: { width: 390, height: 844 },
    });
    await page.getByText(/Training: step [1-9]\d* of 5000/).waitFor();
    await page.addScriptTag({ path: AXE });
    expect(await page.evaluate(violations)).toEqual([]);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('Cancelled.').waitFor();
    const { distance, floor } = await measured(page);
    expect(distance).toBeNaN(); // nothing was sampled
    expect(floor).toBeGreaterThan(0);
    await page.getByRole('button', { name: 'Run' }).click();
    // Nothing of the cancelled training is kept.
    await page.getByText(/Training: step [1-9]\d* of 5000/).waitFor();
    await page.getByLabel('Score', { exact: true }).selectOption('exact');
    await page.getByText(/5 evaluations/).waitFor();
    await page.waitForURL((url) => !url.hash.includes('score='));
    expect(complaints).toEqual([]);
  });

  test('the backend is changed while the network learns, and another samples by what was learned', async () => {
    const { page, complaints } = await site.visit('noise?score=learned&training=60&steps=4&count=200', {
      backend: 'cpu',
    });
    await page.getByText(/Training: step [1-9]\d* of 60/).waitFor();
    await page.getByLabel('Backend').selectOption('simd');
    await page.getByText(/4 evaluations, .* on simd\. .* weights trained in .* on simd/).waitFor();
    await page.getByLabel('Backend').selectOption('wasm');
    await page.getByText(/4 evaluations, .* on wasm\. .* weights kept from before, .* on simd/).waitFor();
    expect(complaints).toEqual([]);
  }, 60_000);

  test('points drawn in two strokes, and the network that learns them', async () => {
    const { page, complaints } = await site.visit(
      'noise?shape=drawn&score=learned&training=100&steps=8&count=300',
    );
    await page.getByText(/8 evaluations/).waitFor();
    await stroke(page, [0.2, 0.35], [0.8, 0.35]);
    await page.locator('[aria-label="300 particles of drawn"]').waitFor(); // the drawing, not the samples of before
    await stroke(page, [0.2, 0.65], [0.8, 0.65]);
    await page.locator('[aria-label="300 particles of drawn, the network learns"]').waitFor();
    await page.getByText(/8 evaluations, .* weights trained/).waitFor();
    await page.waitForURL(/drawn=[\w-]{80,}/);
    // The samples lie about both lines, and so in the upper and in the lower half.
    await page.getByLabel('score field').uncheck();
    const [upper, between, lower] = await page.evaluate<number[]>(`(() => {
      const { width, height } = document.querySelector('canvas[role=img]');
      const { data } = document.querySelector('canvas[role=img]').getContext('2d').getImageData(0, 0, width, height);
      const marked = (from, to) => {
        let count = 0;
        for (let i = 4 * width * from * height; i < 4 * width * to * height; i += 4) if (data[i] !== data[0]) count++;
        return count;
      };
      return [marked(0.3, 0.4), marked(0.45, 0.55), marked(0.6, 0.7)];
    })()`);
    expect(upper).toBeGreaterThan(2 * between!);
    expect(lower).toBeGreaterThan(2 * between!);
    await page.getByRole('button', { name: 'Clear the drawing' }).click();
    await page.waitForURL((url) => !url.hash.includes('drawn='));
    expect(complaints).toEqual([]);
  });
});
