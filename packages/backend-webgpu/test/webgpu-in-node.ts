/**
 * WebGPU for Node: Dawn (npm package `webgpu`) on a Vulkan driver. Where VK_ICD_FILENAMES names none, SwiftShader, which
 * Debian's chromium package carries (the loader is libvulkan1).
 */
import { existsSync } from 'node:fs';
import { create, globals } from 'webgpu';

const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json';

if (process.env.VK_ICD_FILENAMES === undefined && existsSync(SWIFTSHADER)) {
  process.env.VK_ICD_FILENAMES = SWIFTSHADER;
}
Object.assign(globalThis, globals);
Object.defineProperty(navigator, 'gpu', { value: create([]), configurable: true });

/** Is there a driver? Without one the tests are skipped; the continuous build installs SwiftShader and Vulkan's loader. */
export const hasAdapter: boolean = (await navigator.gpu.requestAdapter()) !== null;
