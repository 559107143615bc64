export { chromiumFlags, findChromium } from './chromium.ts';
