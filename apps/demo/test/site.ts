/** The built site on a server of its own, and a browser on it. */
import { fileURLToPath } from 'node:url';
import { chromiumFlags, findChromium } from '@diff/browser';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright';
import { type PreviewServer, preview } from 'vite';

interface Visit {
  readonly page: Page;
  /** Whatever the page has complained about: console errors and warnings, uncaught exceptions, failed requests. */
  readonly complaints: readonly string[];
}

export interface Site {
  /** Opens the view with this address, `noise?steps=10` say. */
  visit(view: string, options?: VisitOptions): Promise<Visit>;
  close(): Promise<void>;
}

interface VisitOptions extends BrowserContextOptions {
  readonly backend?: string;
  /** JavaScript that the worker runs before anything else, to take away what a browser might not have. */
  readonly inWorker?: string;
}

export const browserPath: string | undefined = findChromium();

/** A page that asks how much memory it needs is told at once, not after the next collection of garbage. */
const EAGER = '--enable-blink-features=ForceEagerMeasureMemory';

/** @param isolated with the headers that let a page share memory between threads. */
export async function openSite({ isolated = true }: { readonly isolated?: boolean } = {}): Promise<Site> {
  const server: PreviewServer = await preview({
    root: fileURLToPath(new URL('..', import.meta.url)),
    ...(isolated ? {} : { configFile: false as const, base: './' }),
    preview: { port: 0, host: '127.0.0.1' },
    logLevel: 'error',
  });
  const [url] = server.resolvedUrls!.local;
  const browser: Browser = await chromium.launch({
    executablePath: browserPath!,
    args: [...chromiumFlags, EAGER],
  });
  return {
    async visit(view, { backend = 'simd', inWorker, ...options } = {}) {
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
      });
      page.on('pageerror', ({ message }) => complaints.push(message));
      page.on('requestfailed', (request) => complaints.push(`${request.url()} failed`));
      if (inWorker) {
        await page.route(/worker-[^/]*\.js$/, async (route) => {
          const response = await route.fetch();
          await route.fulfill({ response, body: `${inWorker};\n${await response.text()}` });
        });
      }
      await page.goto(`${url}?backend=${backend}#/${view}`);
      return { page, complaints };
    },
    async close() {
      await browser.close();
      await server.close();
    },
  };
}
