/** What the tests know of every page of the site, and what one can read from it. */
import type { Page } from 'playwright';

export interface PageFacts {
  readonly name: string;
  /** A view that is finished soon. */
  readonly quick: string;
  /** A view that keeps the slower backends busy for seconds, and simd not for long. */
  readonly long: string;
  /** Its button that starts a run. */
  readonly button: string;
  /** Does a run start when the page is opened? */
  readonly byItself: boolean;
  /** The status while a run is under way and after it. */
  readonly running: RegExp;
  readonly finished: RegExp;
  /** Changes the sampler, or what else the page is about. */
  choose(page: Page): Promise<void>;
  /** Can one draw on it? */
  readonly drawable: boolean;
  /** A view that is finished at once, and yet so large that 180 runs would be seen in memory if each left its frames. */
  readonly small: string;
}

export const PAGES: readonly PageFacts[] = [
  {
    name: 'noise and back',
    quick: 'noise?steps=8&count=300',
    long: 'noise?steps=60&count=1500',
    button: 'Run',
    byItself: true,
    running: /turn into noise|Step \d+ of/,
    finished: /\d+ evaluations, /,
    choose: async (page) => void (await page.getByLabel('Sampler').selectOption('Heun')),
    drawable: true,
    small: 'noise?steps=2&count=200',
  },
  {
    name: 'learn it',
    quick: 'learn?training=20&width=16&count=200&steps=5',
    long: 'learn?training=100&width=48&count=300&steps=10',
    button: 'Learn',
    byItself: false,
    running: /untrained network|Step \d+ of/,
    finished: /weights learned/,
    choose: async (page) => void (await page.getByLabel('Data').selectOption('moons')),
    drawable: true,
    small: 'learn?training=10&width=16&count=300&steps=4',
  },
  {
    name: 'digits',
    quick: 'digits?steps=4&count=20',
    long: 'digits?steps=30&count=40',
    button: 'Draw',
    byItself: true,
    running: /, step \d+ of/,
    finished: /\d+ evaluations, /,
    choose: async (page) => page.getByLabel('DDIM').check(),
    drawable: false,
    small: 'digits?steps=2&count=100&samplers=2',
  },
  {
    name: 'two spheres',
    quick: 'spheres?steps=6&count=300',
    long: 'spheres?steps=150&count=3000',
    button: 'Run',
    byItself: true,
    running: /Step \d+ of/,
    finished: /\d+ evaluations, /,
    choose: async (page) => void (await page.getByLabel('Condition').selectOption('outer sphere')),
    drawable: false,
    small: 'spheres?steps=2&count=1000',
  },
  {
    name: 'localization',
    quick: 'localization?steps=10&paths=10&points=100',
    long: 'localization?steps=60&paths=200&points=300',
    button: 'Run',
    byItself: true,
    running: /^s = /,
    finished: /Done in/,
    choose: async (page) =>
      void (await page.getByLabel('Measure', { exact: true }).selectOption('Swiss roll')),
    drawable: false,
    small: 'localization?steps=10&paths=1&points=1000',
  },
  {
    name: 'race',
    quick: 'race?count=50',
    long: 'race?count=100',
    button: 'Race',
    byItself: true,
    // Before any racer, the exact flow.
    running: /Starting|\d+ evaluations: /,
    finished: /Done in/,
    choose: async (page) => page.getByRole('checkbox', { name: 'Heun' }).uncheck(),
    drawable: false,
    small: 'race?count=200&without=1.2.3.4.5.6.7',
  },
];

/** What stands below the run button. */
export const status = (page: Page, text: RegExp) => page.locator('.run .status').filter({ hasText: text });

/** Waits for a run to finish, one that somebody has to start first where none starts by itself. */
export async function finish(page: Page, { button, byItself, finished }: PageFacts): Promise<void> {
  if (!byItself) await page.getByRole('button', { name: button, exact: true }).click();
  await status(page, finished).waitFor({ timeout: 60_000 });
}

/** All that a finished run shows but its seconds: numbers, tables, pictures. */
export function shown(page: Page): Promise<{ readonly text: string; readonly pictures: string[] }> {
  return page.evaluate(`({
    text: [...document.querySelectorAll('.measure, .plot table')].map((e) => e.textContent).join(' ')
      + (/\\d+ evaluations/.exec(document.querySelector('.run .status').textContent)?.[0] ?? ''),
    pictures: [...document.querySelectorAll('canvas[role=img]')].map((canvas) => canvas.toDataURL()),
  })`);
}
