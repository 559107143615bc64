/** The compiled modules as bytes. `base` is inlined; `relaxed` is inlined as what differs from it. */
import { applyDelta } from './apply-delta.ts';
import { bytes } from './generated/wasm-base.ts';
import { delta } from './generated/wasm-relaxed.ts';

function decode(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
  return out;
}

export function moduleBytes(build: 'base' | 'relaxed'): Uint8Array<ArrayBuffer> {
  const base = decode(bytes);
  return build === 'base' ? base : applyDelta(base, decode(delta));
}
