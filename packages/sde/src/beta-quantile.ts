/**
 * Quantiles of the beta distribution: the x with I_x(a, b) = p, where
 *
 *   I_x(a, b) = ∫_0^x u^{a−1} (1 − u)^{b−1} du / B(a, b) = x^a (1 − x)^b / (a B(a, b)) · 1/(1 + d₁/(1 + d₂/(1 + …)))
 *   d_{2m+1} = −(a + m)(a + b + m) x / ((a + 2m)(a + 2m + 1)),   d_{2m} = m (b − m) x / ((a + 2m − 1)(a + 2m))
 *
 * (Abramowitz & Stegun 26.5.8), which converges fast for x < (a + 1)/(a + b + 2); above that I_x(a, b) = 1 − I_{1−x}(b, a).
 * The root is found by Newton's method in ln x, kept within a shrinking bracket.
 */

/** ln Γ(z) for z > 0, by Lanczos's approximation (g = 7, 9 terms), to about 15 digits. */
function logGamma(z: number): number {
  const terms = [
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
    12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
  ];
  const w = z - 1;
  const sum = terms.reduce((s, c, i) => (i === 0 ? c : s + c / (w + i)), 0);
  return 0.5 * Math.log(2 * Math.PI) + (w + 0.5) * Math.log(w + 7.5) - (w + 7.5) + Math.log(sum);
}

/** The continued fraction 1/(1 + d₁/(1 + …)), from its far end. */
function fraction(x: number, a: number, b: number): number {
  let tail = 1;
  for (let m = 60; m >= 1; m--) {
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    tail = 1 + even / (1 + odd / tail);
  }
  return 1 / (1 + (-(a + b) * x) / (a + 1) / tail);
}

/** I_x(a, b) for x in [0, 1] and a, b > 0. */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const logBeta = logGamma(a) + logGamma(b) - logGamma(a + b);
  return (Math.exp(a * Math.log(x) + b * Math.log1p(-x) - logBeta) / a) * fraction(x, a, b);
}

/** The x with I_x(a, b) = p, for p in [0, 1] and a, b > 0. */
export function betaQuantile(p: number, a: number, b: number): number {
  if (p <= 0) return 0;
  if (p >= 1) return 1;
  if (p > incompleteBeta(0.5, a, b)) return 1 - lowerQuantile(1 - p, b, a);
  return lowerQuantile(p, a, b);
}

/** The root in (0, ½]. */
function lowerQuantile(p: number, a: number, b: number): number {
  const logBeta = logGamma(a) + logGamma(b) - logGamma(a + b);
  let [low, high] = [Number.NEGATIVE_INFINITY, Math.log(0.5)];
  // Near 0, I_x = x^a/(a B).
  let y = Math.min(high, (Math.log(p * a) + logBeta) / a);
  for (let i = 0; i < 100; i++) {
    const x = Math.exp(y);
    const error = incompleteBeta(x, a, b) - p;
    if (error > 0) high = y;
    else low = y;
    const density = Math.exp(a * y + (b - 1) * Math.log1p(-x) - logBeta); // dI/d ln x
    const newton = y - error / density;
    const inside = newton > low && newton < high;
    const next = inside ? newton : low === Number.NEGATIVE_INFINITY ? high - 1 : 0.5 * (low + high);
    if (Math.abs(next - y) <= 1e-16 * Math.max(1, Math.abs(y))) return Math.exp(next);
    y = next;
  }
  return Math.exp(y);
}
