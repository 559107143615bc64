/**
 * Which Chromium the tests drive, and how it is started so that WebGPU runs on any machine (on SwiftShader where there is
 * no GPU).
 */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** The browser named by CHROMIUM, or the first of its usual names on PATH; undefined where there is none. */
export function findChromium(): string | undefined {
  const { CHROMIUM, PATH = '' } = process.env;
  if (CHROMIUM) return CHROMIUM;
  return PATH.split(delimiter)
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find((path) => existsSync(path));
}

/** Flags for a browser that nobody sits at: no services of the vendor, WebGPU even without a blessed driver. */
export const chromiumFlags: readonly string[] = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--enable-unsafe-webgpu',
];

/**
 * Everything that a GPU does, canvases too, on SwiftShader. Where there is no GPU, a canvas with the context 'webgpu'
 * cannot be read without them, and the attempt loses the device.
 */
export const swiftShaderFlags: readonly string[] = [
  '--enable-features=Vulkan',
  '--use-vulkan=swiftshader',
  '--use-angle=swiftshader',
];
