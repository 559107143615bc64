/** What a browser tells of the machine, which is little. */
import type { Machine } from '../../suite/results.ts';

/** Of Chromium alone. */
interface Hints {
  readonly deviceMemory?: number;
  readonly userAgentData?: {
    readonly platform: string;
    readonly brands: readonly { readonly brand: string; readonly version: string }[];
  };
}

export function thisMachine(): Machine {
  const { hardwareConcurrency, userAgent, userAgentData, deviceMemory = 0 } = navigator as Navigator & Hints;
  const brand = userAgentData?.brands.find(({ brand }) => !/not.*brand/i.test(brand));
  return {
    cpu: 'processor not told',
    cores: hardwareConcurrency,
    memoryBytes: deviceMemory * 2 ** 30,
    system: userAgentData?.platform || (/\(([^)]*)\)/.exec(userAgent)?.[1] ?? 'unknown'),
    runtime: `${brand ? `${brand.brand} ${brand.version}` : userAgent}${crossOriginIsolated ? ', isolated' : ''}`,
    load: [],
  };
}
