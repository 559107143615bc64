/** The first page, in a browser, as somebody would use it. */
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { browserPath, openSite, type Site } from './site.ts';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

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
      const measure = (await page.locator('.measure').textContent())!;
      const [distance, floor] = [...measure.matchAll(/\d\.\de[+-]\d+/g)].map(([text]) => Number(text));
      expect(distance).toBeLessThan(8 * floor!); // 12 steps: near, not at, the floor
      texts.push(measure);
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
    expect(page.url()).toContain('sampler=Heun');
    expect(page.url()).toContain('seed=12');
    await page.reload();
    expect(await page.getByLabel('Sampler').inputValue()).toBe('Heun');
    expect(await page.getByLabel('Seed').inputValue()).toBe('12');
  });

  test('a distribution can be drawn with the mouse', async () => {
    const { page, complaints } = await site.visit('noise?shape=drawn&steps=5&count=200');
    const box = (await page.locator('canvas').boundingBox())!;
    const at = (x: number, y: number): [number, number] => [box.x + x * box.width, box.y + y * box.height];
    await page.mouse.move(...at(0.3, 0.3));
    await page.mouse.down();
    await page.mouse.move(...at(0.7, 0.3), { steps: 20 });
    await page.mouse.up();
    await page.getByRole('button', { name: 'Run' }).click();
    await page.getByText(/5 evaluations/).waitFor();
    expect(page.url()).toContain('drawn=');
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
    await page.getByText(/200 evaluations, .* on simd/).waitFor();
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
      const found = await page.evaluate(
        'axe.run().then(({ violations }) => violations.map((v) => v.id + ": " + v.nodes.map((n) => n.target).join(" ")))',
      );
      expect(found).toEqual([]);
    }
  });
});
