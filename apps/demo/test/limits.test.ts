/** What is left when something is missing. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { browserPath, openSite, type Site } from './site.ts';

const VIEW = 'noise?steps=5&count=200';

describe.skipIf(browserPath === undefined)('without', () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite();
  });
  afterAll(() => site.close());

  test.each([
    {
      missing: 'WebGPU',
      inWorker: 'delete WorkerNavigator.prototype.gpu',
      backend: 'simd',
      says: 'webgpu: this browser has no WebGPU',
    },
    {
      missing: 'a GPU',
      inWorker: 'GPU.prototype.requestAdapter = async () => null',
      backend: 'simd',
      says: 'webgpu: WebGPU finds no GPU here',
    },
    {
      missing: 'SIMD',
      inWorker: 'WebAssembly.validate = () => false',
      backend: 'wasm',
      says: 'simd: needs WebAssembly with SIMD, which this engine does not have.',
    },
    {
      missing: 'WebAssembly',
      inWorker: 'delete self.WebAssembly',
      backend: 'cpu',
      says: 'wasm: this browser has no WebAssembly',
    },
    {
      missing: 'WebGL',
      inWorker:
        'const get = OffscreenCanvas.prototype.getContext; OffscreenCanvas.prototype.getContext = function (kind, ...rest) { return /webgl/.test(kind) ? null : get.call(this, kind, ...rest); }',
      backend: 'simd',
      says: 'webgpu:',
    },
  ])('$missing the page runs on $backend and says what is missing', async ({ inWorker, backend, says }) => {
    const { page, complaints } = await site.visit(VIEW, { backend: 'auto', inWorker });
    await page.getByText(`runs on ${backend}`).waitFor();
    await page.getByText(/5 evaluations/).waitFor();
    await page.getByText('not used').click();
    expect(await page.locator('.backend details').textContent()).toContain(says);
    // tfjs prints why a backend does not start.
    const others = complaints.filter(
      (text) => !/^(Initialization of backend|BackendUnavailableError)/.test(text),
    );
    expect(others).toEqual([]);
  });

  test('a backend that is not there, the page says so and goes on with the one before', async () => {
    const { page } = await site.visit(VIEW, { inWorker: 'GPU.prototype.requestAdapter = async () => null' });
    await page.getByText(/5 evaluations/).waitFor();
    await page.getByLabel('Backend').selectOption('webgpu');
    await page.getByText('webgpu: WebGPU finds no GPU here').waitFor();
    await page.getByRole('button', { name: 'Run' }).click();
    await page.getByText(/5 evaluations, .* on simd/).waitFor();
  });
});

describe.skipIf(browserPath === undefined)('every backend', () => {
  test.each(['webgpu', 'simd', 'wasm', 'cpu'])(
    '%s runs when it is chosen',
    async (backend) => {
      const site = await openSite();
      try {
        const { page, complaints } = await site.visit(VIEW, { backend });
        await page.getByText('5 evaluations').waitFor({ timeout: 60_000 });
        expect(await page.locator('.run .status').textContent()).toContain(`on ${backend}`);
        expect(complaints).toEqual([]);
      } finally {
        await site.close();
      }
    },
    90_000,
  );
});

describe.skipIf(browserPath === undefined)('shared memory', () => {
  test('without it the page works all the same', async () => {
    const site = await openSite({ isolated: false });
    try {
      const { page, complaints } = await site.visit(VIEW);
      await page.getByText(/5 evaluations/).waitFor();
      expect(await page.evaluate('crossOriginIsolated')).toBe(false);
      expect(complaints).toEqual([]);
    } finally {
      await site.close();
    }
  });
});
