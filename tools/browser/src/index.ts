export { chromiumFlags, findChromium, swiftShaderFlags } from './chromium.ts';
