/**
 * Proportional–integral control of the step size (Gustafsson 1991; Hairer, Nørsett and Wanner, II.4). With e the
 * error estimate in units of the tolerance and k its order in the step size,
 *
 *   accepted (e ≤ 1)   factor = 0.9 e^{−0.7/k} e_last^{0.4/k}   in [0.2, 5], at most 1 right after a rejection
 *   rejected           factor = 0.9 e^{−1/k}                    in [0.1, 0.9]; 0.1 where e is not finite
 */
export interface StepControl {
  /** The step to try next, in units of the integration variable, positive. */
  readonly size: number;
  /** e of the last accepted step. */
  readonly lastError: number;
  readonly afterRejection: boolean;
}

export function controlled(state: StepControl, tried: number, error: number, order: number): StepControl {
  if (!(error <= 1)) {
    const factor = Number.isFinite(error) ? Math.min(0.9, Math.max(0.1, 0.9 * error ** (-1 / order))) : 0.1;
    return { size: tried * factor, lastError: state.lastError, afterRejection: true };
  }
  const e = Math.max(error, 1e-8);
  const factor = 0.9 * e ** (-0.7 / order) * state.lastError ** (0.4 / order);
  const bounded = Math.min(state.afterRejection ? 1 : 5, Math.max(0.2, factor));
  // A step that was cut to fit the interval must not shorten those after it.
  const size = tried < state.size ? Math.max(state.size, tried * bounded) : tried * bounded;
  return { size, lastError: Math.max(e, 1e-4), afterRejection: false };
}
