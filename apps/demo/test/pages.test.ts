/** Every page, in light and dark, wide and narrow: it works, looks as it should, and axe has nothing to say. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { decode } from 'fast-png';
import pixelmatch from 'pixelmatch';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { browserPath, openSite, type Site } from './site.ts';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const SCREENSHOTS = new URL('../../../docs/screenshots/', import.meta.url);
/** Set to write the screenshots anew instead of comparing with them; look at them before you commit them. */
const UPDATE = process.env.UPDATE_SCREENSHOTS !== undefined;
/** Share of the pixels that may differ: fonts and the last bits of a computation are not the same everywhere. */
const TOLERANCE = 0.03;

const PAGES = [
  { name: 'noise', view: 'noise?steps=20', finished: /20 evaluations/ },
  {
    name: 'learn',
    view: 'learn?training=100&width=48&count=300&steps=10',
    start: 'Learn',
    finished: /weights learned/,
  },
  { name: 'digits', view: 'digits?steps=12', finished: /evaluations,/ },
  { name: 'spheres', view: 'spheres?steps=20', finished: /20 evaluations/ },
  { name: 'localization', view: 'localization?steps=40&paths=50', finished: /Done/ },
  { name: 'race', view: 'race?count=100', finished: /Done/ },
] as const;

const LOOKS = [
  { name: 'light', colorScheme: 'light', viewport: { width: 1280, height: 900 } },
  { name: 'dark', colorScheme: 'dark', viewport: { width: 1280, height: 900 } },
  { name: 'light-phone', colorScheme: 'light', viewport: { width: 390, height: 844 } },
  { name: 'dark-phone', colorScheme: 'dark', viewport: { width: 390, height: 844 } },
] as const;

/** Share of the pixels of two PNGs that the eye would see differ. */
function difference(actual: Buffer, expected: Buffer): number {
  const [a, b] = [decode(actual), decode(expected)];
  if (a.width !== b.width || a.height !== b.height) return 1;
  const rgba = ({ data, channels }: typeof a): Uint8Array =>
    channels === 4
      ? Uint8Array.from(data)
      : Uint8Array.from({ length: (data.length / 3) * 4 }, (_, i) =>
          i % 4 === 3 ? 255 : data[3 * (i >> 2) + (i % 4)]!,
        );
  return (
    pixelmatch(rgba(a), rgba(b), undefined, a.width, a.height, { threshold: 0.2 }) / (a.width * a.height)
  );
}

describe.skipIf(browserPath === undefined)('pages', () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite();
  });
  afterAll(() => site.close());

  describe.each(PAGES)('$name', ({ name, view, finished, ...rest }) => {
    test.each(LOOKS)(
      '$name',
      async ({ name: look, ...options }) => {
        const { page, complaints } = await site.visit(view, options);
        await page.getByText('runs on simd').waitFor();
        if ('start' in rest) await page.getByRole('button', { name: rest.start }).click();
        await page.getByText(finished).waitFor({ timeout: 60_000 });
        await page.addScriptTag({ path: AXE });
        expect(await page.evaluate('axe.run().then(({ violations }) => violations)')).toEqual([]);
        expect(complaints).toEqual([]);
        const wide = await page.evaluate('document.documentElement.scrollWidth > innerWidth');
        expect(wide, 'scrolls sideways').toBe(false);

        await page.evaluate('scrollTo(0, 0)');
        const picture = await page.screenshot({ style: '.run .status { visibility: hidden }' }); // it tells seconds
        const file = fileURLToPath(new URL(`${name}-${look}.png`, SCREENSHOTS));
        if (UPDATE || !existsSync(file)) {
          mkdirSync(SCREENSHOTS, { recursive: true });
          writeFileSync(file, picture);
          expect(UPDATE, `${file} is new: look at it and commit it`).toBe(true);
        } else {
          expect(difference(picture, readFileSync(file)), file).toBeLessThan(TOLERANCE);
        }
        await page.context().close();
      },
      90_000,
    );
  });
});
