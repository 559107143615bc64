/**
 * One step of underdamped Langevin dynamics with the score held, solved exactly (Cheng et al. 2018; Chen et al. 2023,
 * DPUM; MATH §5). For dx = v ds, dv = (score − γ v) ds + √(2γ) dB over a time h, with u = γ h, η = e^{−u}:
 *
 *   v' = η v + ((1−η)/γ) score + ζ_v            Var ζ_v = 1 − η²
 *   x' = x + ((1−η)/γ) v + ((u − (1−η))/γ²) score + ζ_x
 *                                               Var ζ_x = (2/γ²)(u − 2(1−η) + (1−η²)/2),   Cov = (1−η)²/γ
 *
 * The pair (ζ_x, ζ_v) is made of two draws, ζ_x = a ξ₁, ζ_v = b ξ₁ + c ξ₂.
 */
export interface UnderdampedStep {
  /** η: of v in v'. */
  readonly decay: number;
  /** (1−η)/γ: of v in x' and of the score in v'. */
  readonly gain: number;
  /** Of the score in x'. */
  readonly drift: number;
  /** a. */
  readonly position: number;
  /** b and c. */
  readonly shared: number;
  readonly own: number;
}

/** u − 2(1 − e^{−u}) + (1 − e^{−2u})/2 = Σ_{n≥3} (−1)^{n+1} (2^{n−1} − 2) uⁿ/n!, without cancellation at small u. */
function spread(u: number): number {
  if (u > 1) return u + 2 * Math.expm1(-u) - 0.5 * Math.expm1(-2 * u);
  let [sum, power] = [0, (u * u) / 2];
  for (let n = 3; n <= 24; n++) {
    power *= -u / n;
    sum -= (2 ** (n - 1) - 2) * power;
  }
  return sum;
}

/** Coefficients for step size h > 0 and friction γ > 0. */
export function underdampedStep(h: number, friction: number): UnderdampedStep {
  const u = friction * h;
  const rest = -Math.expm1(-u);
  const position = Math.sqrt(2 * spread(u)) / friction;
  const shared = (rest * rest) / friction / position;
  return {
    decay: Math.exp(-u),
    gain: rest / friction,
    drift: (u - rest) / friction ** 2,
    position,
    shared,
    own: Math.sqrt(-Math.expm1(-2 * u) - shared ** 2),
  };
}
