/**
 * From one kind of prediction to another: X = α X₀ + m + σ ε makes every kind affine in (x, prediction), with
 * coefficients that are functions of t alone.
 *
 *   noise     ε̂
 *   data      x̂₀
 *   score     −ε̂/σ                        = ∇ log p_t, by Tweedie's formula
 *   velocity  v = α ε̂ − σ x̂₀              (Salimans & Ho 2022, "progressive distillation", appendix D, for VP)
 *
 * With y = x − m the pair (y, v) is an orthogonal map of (x̂₀, ε̂) times √(α² + σ²), so velocity converts without
 * loss at both ends of time; noise loses digits of x̂₀ where α ≪ σ, and data loses digits of ε̂ where σ ≪ α.
 * Everything here is float64; samplers put these numbers into one `combine`.
 */
import { DomainError, requireFinite, requireOneOf } from '@diff/core';
import type { LinearProcess } from '@diff/sde';
import { PREDICTION_KINDS, type PredictionKind } from './prediction-kind.ts';

/** The map (X, P) ↦ x·X + p·P + constant. */
export interface Affine {
  readonly x: number;
  readonly p: number;
  readonly constant: number;
}

/** Coefficients of (y, p) for each pair of kinds; `null` stands for a division by zero. */
function coefficients(
  a: number,
  s: number,
  from: PredictionKind,
  to: PredictionKind,
): readonly [y: number, p: number] {
  const total = a * a + s * s;
  switch (`${from}→${to}` as const) {
    case 'noise→score':
      return [0, -1 / s];
    case 'noise→data':
      return [1 / a, -s / a];
    case 'noise→velocity':
      return [-s / a, total / a];
    case 'score→noise':
      return [0, -s];
    case 'score→data':
      return [1 / a, (s * s) / a];
    case 'score→velocity':
      return [-s / a, (-total * s) / a];
    case 'data→noise':
      return [1 / s, -a / s];
    case 'data→score':
      return [-1 / (s * s), a / (s * s)];
    case 'data→velocity':
      return [a / s, -total / s];
    case 'velocity→noise':
      return [s / total, a / total];
    case 'velocity→data':
      return [a / total, -s / total];
    case 'velocity→score':
      return [-1 / total, -a / (s * total)];
    default:
      return [0, 1];
  }
}

/**
 * The affine map that turns a prediction of kind `from` at time `t` into one of kind `to`:
 * `to = x·X + p·P + constant`, X being the state and P the prediction.
 *
 * @param t forward time in [0, T].
 * @returns float64 coefficients.
 * @throws DomainError where the target is not determined: α(t) = 0 for data from noise or score, σ(t) = 0 for
 *   noise or velocity from data, or for a score from anything else.
 * @example
 * ```ts
 * import { conversion } from '@diff/score';
 * import { canonicalOu } from '@diff/sde';
 * const { x, p, constant } = conversion(canonicalOu({ T: 5 }), 0.3, 'noise', 'data');
 * ```
 */
export function conversion(
  process: LinearProcess,
  t: number,
  from: PredictionKind,
  to: PredictionKind,
): Affine {
  requireOneOf('conversion', 'from', from, PREDICTION_KINDS);
  requireOneOf('conversion', 'to', to, PREDICTION_KINDS);
  requireFinite('conversion', 't', t);
  if (from === to) return { x: 0, p: 1, constant: 0 };
  const a = process.alpha(t);
  const s = process.sigma(t);
  const [x, p] = coefficients(a, s, from, to);
  if (!Number.isFinite(x) || !Number.isFinite(p)) {
    const which = a === 0 ? 'alpha(t)' : 'sigma(t)';
    throw new DomainError(
      `conversion: ${to} from ${from} needs ${which} > 0, got alpha = ${a}, sigma = ${s} at t = ${t}. ` +
        `Stay away from that end of time, or use a model that predicts ${to} or velocity.`,
    );
  }
  return { x: x + 0, p: p + 0, constant: -x * process.mean(t) + 0 };
}
