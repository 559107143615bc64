/** ᾱ_0 … ᾱ_999 of diffusers' β schedules, from their published formulas. */
export interface BetaConfig {
  readonly beta_schedule: string;
  readonly beta_start?: number;
  readonly beta_end?: number;
  readonly rescale_betas_zero_snr?: boolean;
}

export function alphaBars(config: BetaConfig): number[] {
  const { beta_schedule: schedule, beta_start: start = 1e-4, beta_end: end = 0.02 } = config;
  const bar = (u: number): number => Math.cos((((u + 0.008) / 1.008) * Math.PI) / 2) ** 2;
  let product = 1;
  const bars = Array.from({ length: 1000 }, (_, i) => {
    let beta: number;
    if (schedule === 'linear') beta = start + (i / 999) * (end - start);
    else if (schedule === 'scaled_linear')
      beta = (Math.sqrt(start) + (i / 999) * (Math.sqrt(end) - Math.sqrt(start))) ** 2;
    else beta = Math.min(0.999, 1 - bar((i + 1) / 1000) / bar(i / 1000));
    product *= 1 - beta;
    return product;
  });
  if (!config.rescale_betas_zero_snr) return bars;
  const roots = bars.map(Math.sqrt);
  const [first, last] = [roots[0]!, roots.at(-1)!];
  return roots.map((root) => (((root - last) * first) / (first - last)) ** 2);
}
