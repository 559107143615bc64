/** The built page in Chromium: two backends measure a case, and the export goes into the report of Node. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { chromiumFlags, findChromium } from '@diff/browser';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright';
import { type PreviewServer, preview } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mergeResults, requireResults } from '../src/report/merge-results.ts';
import { renderReport } from '../src/report/render-report.ts';
import type { Results } from '../src/suite/results.ts';
import { recorded } from './recorded-results.ts';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const browserPath = findChromium();

describe.skipIf(browserPath === undefined)('the page', () => {
  let server: PreviewServer;
  let browser: Browser;
  beforeAll(async () => {
    const root = fileURLToPath(new URL('../src/page', import.meta.url));
    server = await preview({ root, preview: { port: 0 }, logLevel: 'error' });
    browser = await chromium.launch({ executablePath: browserPath!, args: [...chromiumFlags] });
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  async function visit(options: BrowserContextOptions = {}): Promise<{ page: Page; complaints: string[] }> {
    const page = await (await browser.newContext(options)).newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', ({ message }) => complaints.push(message));
    page.on('requestfailed', (request) => complaints.push(`${request.url()} failed`));
    await page.goto(server.resolvedUrls!.local[0]!);
    return { page, complaints };
  }

  async function choose(page: Page, backends: readonly string[], cases: readonly string[]): Promise<void> {
    await page.getByRole('button', { name: 'Backends: None' }).click();
    for (const name of backends) await page.getByLabel(name, { exact: true }).check();
    await page.getByText('chosen').click();
    for (const button of await page.getByRole('button', { name: /: None$/ }).all()) {
      if ((await button.getAttribute('aria-label')) !== 'Backends: None') await button.click();
    }
    for (const name of cases) await page.getByLabel(name, { exact: true }).check();
    await page.getByLabel('Rounds').fill('2');
  }

  async function exported(page: Page): Promise<Results> {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export JSON' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('browser.json');
    return requireResults('--merge', JSON.parse(readFileSync(await download.path(), 'utf8')));
  }

  const violations = async (page: Page): Promise<unknown> => {
    await page.addScriptTag({ path: AXE });
    return page.evaluate('axe.run().then(({ violations }) => violations)');
  };

  it.each(['light', 'dark'] as const)(
    'measures and exports, %s',
    async (colorScheme) => {
      const { page, complaints } = await visit({ colorScheme });
      expect(await page.evaluate('crossOriginIsolated')).toBe(true);
      await choose(page, ['simd', 'tfjs cpu'], ['add, 8 elements']);
      expect(await violations(page)).toEqual([]);
      await page.getByRole('button', { name: 'Measure' }).click();
      await page.getByText('Done: 1 case').waitFor({ timeout: 60_000 });
      expect(await page.locator('tbody th').allTextContents()).toEqual(['add, 8 elements']);
      expect((await page.locator('tbody td').allTextContents())[1]).toMatch(/s ×[\d.]+$/);
      expect(await violations(page)).toEqual([]);
      const results = await exported(page);
      expect(complaints).toEqual([]);

      expect(results.machine.runtime).toContain('isolated');
      expect(results.contestants.map(({ id }) => id)).toEqual(['simd-relaxed', 'tfjs-cpu']);
      expect(results.cases.map(({ id }) => id)).toEqual(['add/8']);
      const cell = results.cases[0]!.cells['tfjs-cpu'];
      expect(cell?.status === 'timed' && cell.samples).toHaveLength(2);
      const merged = mergeResults(recorded, results);
      expect(merged.contestants.map(({ id }) => id)).toContain('browser:tfjs-cpu');
      expect(renderReport(merged)).toContain('tfjs cpu (browser)');
    },
    120_000,
  );

  it('has all backends compute what they should, threads and GPU too', async () => {
    const { page } = await visit();
    const backends = ['simd', 'simd base', 'simd threads', 'tfjs wasm', 'tfjs cpu', 'webgpu'];
    await choose(page, backends, ['add, 8 elements']);
    await page.getByLabel('Rounds').fill('1');
    await page.getByRole('button', { name: 'Measure' }).click();
    await page.getByText('Done: 1 case').waitFor({ timeout: 100_000 });
    const { contestants, cases } = await exported(page);
    expect(contestants).toHaveLength(6);
    for (const { id, absent } of contestants) if (id !== 'webgpu') expect(absent, id).toBeUndefined();
    expect(contestants.find(({ id }) => id === 'simd-threads')!.threads).toBeGreaterThan(1);
    for (const [id, { status }] of Object.entries(cases[0]!.cells)) expect(status, id).toBe('timed');
  }, 120_000);

  it('cancels at once, and keeps what was measured', async () => {
    const { page, complaints } = await visit();
    await choose(page, ['tfjs cpu'], ['add, 8 elements', 'softmax of [1000, 1000]']);
    await page.getByRole('button', { name: 'Measure' }).click();
    await page.getByText(/^softmax .*(checking|warming up|round)/).waitFor({ timeout: 60_000 });
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('Cancelled after').waitFor({ timeout: 5000 });
    const { cases, notReached } = await exported(page);
    expect(cases.map(({ id }) => id)).toEqual(['add/8']);
    expect(notReached).toEqual(['softmax/1000x1000']);
    expect(complaints).toEqual([]);
  }, 120_000);
});
