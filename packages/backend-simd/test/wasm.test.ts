import { afterEach, describe, expect, it, vi } from 'vitest';

/** A copy of the module of its own: which build runs is decided once for each. */
async function fresh() {
  vi.resetModules();
  return import('../src/wasm.ts');
}

/** Makes the engine look as if it had less than it has. */
function pretend(accepts: (bytes: Uint8Array) => boolean): void {
  vi.spyOn(WebAssembly, 'validate').mockImplementation((bytes) =>
    accepts(new Uint8Array(bytes as ArrayBuffer)),
  );
}

describe('the build that runs', () => {
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
  });

  it('is the best that the engine has', async () => {
    const { wasm, supports } = await fresh();
    expect(supports('base')).toBe(true);
    expect(supports('threads')).toBe(true);
    expect(wasm().variant).toBe('threads');
    expect(wasm()).toBe(wasm());
  });

  it('is the relaxed one where memory cannot be shared', async () => {
    vi.stubGlobal('SharedArrayBuffer', undefined);
    const { wasm, supports } = await fresh();
    expect(supports('threads')).toBe(false);
    expect(wasm().variant).toBe(supports('relaxed') ? 'relaxed' : 'base');
  });

  it('is the base one where there is nothing else', async () => {
    pretend((bytes) => bytes.length < 30);
    const { wasm } = await fresh();
    expect(wasm().variant).toBe('base');
  });

  it('is none where there is no SIMD', async () => {
    pretend(() => false);
    const { wasm } = await fresh();
    expect(() => wasm()).toThrow(
      'simd: needs WebAssembly with SIMD, which this engine does not have. Update it (any browser since 2023, Node ≥ 22), or use another backend.',
    );
  });

  it('can be chosen before the first use and not after', async () => {
    const { wasm, setVariant } = await fresh();
    setVariant('base');
    expect(wasm().variant).toBe('base');
    expect(() => setVariant('relaxed')).toThrow(
      "'base' is running already. Call setVariant right after the import.",
    );
    setVariant('auto');
  });

  it('cannot be one that the engine lacks', async () => {
    pretend((bytes) => bytes.length < 30);
    const { setVariant } = await fresh();
    expect(() => setVariant('relaxed')).toThrow(
      "setVariant: the 'relaxed' build needs relaxed SIMD in WebAssembly",
    );
  });

  it('starts nothing at import', async () => {
    const started = vi.spyOn(WebAssembly, 'Instance');
    const { runningWasm } = await fresh();
    expect(runningWasm()).toBeUndefined();
    expect(started).not.toHaveBeenCalled();
  });
});
