/**
 * The exponent p of a power law y = c xᵖ, by least squares on ln y = ln c + p ln x, with the standard error of the
 * residuals. 1 is linear growth.
 */
export interface Slope {
  readonly slope: number;
  /** ln c. */
  readonly intercept: number;
  /** NaN with only two points, which every line fits. */
  readonly standardError: number;
}

/** Fits a power law to at least two points with positive coordinates. */
export function logLogSlope(points: readonly { readonly x: number; readonly y: number }[]): Slope {
  const n = points.length;
  if (n < 2 || points.some(({ x, y }) => !(x > 0 && y > 0))) {
    throw new RangeError('logLogSlope: points must be at least two with x > 0 and y > 0. Pass more sizes.');
  }
  const u = points.map(({ x }) => Math.log(x));
  const v = points.map(({ y }) => Math.log(y));
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / n;
  const [mu, mv] = [mean(u), mean(v)];
  const spread = u.reduce((sum, ui) => sum + (ui - mu) ** 2, 0);
  if (spread === 0)
    throw new RangeError('logLogSlope: points must have two different x, got one. Pass more sizes.');
  const slope = u.reduce((sum, ui, i) => sum + (ui - mu) * (v[i]! - mv), 0) / spread;
  const intercept = mv - slope * mu;
  const residual = u.reduce((sum, ui, i) => sum + (v[i]! - intercept - slope * ui) ** 2, 0);
  return { slope, intercept, standardError: n > 2 ? Math.sqrt(residual / (n - 2) / spread) : Number.NaN };
}
