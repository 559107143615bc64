/** Who can take part on a page, under the names that they have in Node where there are such. */

export const CONTESTANTS = [
  { id: 'simd-relaxed', label: 'simd', chosen: true },
  { id: 'simd-base', label: 'simd base', chosen: false },
  { id: 'simd-threads', label: 'simd threads', chosen: true },
  { id: 'tfjs-wasm', label: 'tfjs wasm', chosen: true },
  { id: 'tfjs-cpu', label: 'tfjs cpu', chosen: false },
  { id: 'webgpu', label: 'webgpu', chosen: true },
] as const;

export type ContestantId = (typeof CONTESTANTS)[number]['id'];

/** Whose times all others are divided by. */
export const BASELINE: ContestantId = 'simd-relaxed';
