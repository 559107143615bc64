// How the built site feels, measured in Chromium: for every page the bytes that it downloads (gzipped), when it can be
// used, and the longest time that the page is blocked while a run is going on.
//
//   pnpm --filter @diff/demo run measure
import { gzipSync } from 'node:zlib';
import { chromiumFlags, findChromium } from '@diff/browser';
import { chromium } from 'playwright';
import { preview } from 'vite';

const PAGES = {
  noise: { view: 'noise', done: /evaluations/ },
  'noise, learned': { view: 'noise?score=learned', done: /weights trained/ },
  learn: { view: 'learn?training=300', start: 'Learn', done: /weights learned/ },
  digits: { view: 'digits', done: /evaluations/ },
  spheres: { view: 'spheres', done: /evaluations/ },
  localization: { view: 'localization', done: /Done/ },
  race: { view: 'race', done: /Done/ },
};

const server = await preview({
  root: new URL('..', import.meta.url).pathname,
  preview: { port: 0 },
  logLevel: 'error',
});
const [url] = server.resolvedUrls.local;
const browser = await chromium.launch({ executablePath: findChromium(), args: [...chromiumFlags] });
const rows = [];
for (const [name, { view, start, done }] of Object.entries(PAGES)) {
  const page = await browser.newPage();
  const bodies = [];
  page.on('response', (response) => bodies.push(response.body().catch(() => Buffer.alloc(0))));
  await page.addInitScript(() => {
    globalThis.blocked = [];
    new PerformanceObserver((list) => {
      for (const { duration, startTime } of list.getEntries()) globalThis.blocked.push([startTime, duration]);
    }).observe({ type: 'longtask', buffered: true });
  });
  await page.goto(`${url}#/${view}`);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.locator('.controls button.primary').waitFor();
  const usable = await page.evaluate(() => performance.now());
  if (start) await page.getByRole('button', { name: start }).click();
  await page.getByText(done).waitFor({ timeout: 120_000 });
  const finished = await page.evaluate(() => performance.now());
  const longest = await page.evaluate(
    (from) => Math.max(0, ...globalThis.blocked.filter(([at]) => at > from).map(([, d]) => d)),
    usable,
  );
  const bytes = (await Promise.all(bodies)).reduce((sum, body) => sum + gzipSync(body).length, 0);
  rows.push({
    page: name,
    'download, kB gzipped': Math.round(bytes / 1000),
    'usable after, ms': Math.round(usable),
    'run finished after, ms': Math.round(finished),
    'longest blocked while running, ms': Math.round(longest),
  });
  await page.close();
}
console.table(rows);
await browser.close();
await server.close();
