/**
 * The probability flow of a mixture to 12 digits or so, by code of its own: in y = (x − m)/α and u = ln ς, ς = σ/α, it
 * reads dy/du = y − E[x₀ | x] (MATH: dy/dς = ε̂), which the classical Runge–Kutta method of order 4 solves in many equal
 * steps of u.
 */
import type { LinearProcess } from '@diff/sde';
import { denoised, type Mixture } from './mixture.ts';

/**
 * X at `end` of the flow lines through x at `start`.
 *
 * @param steps of order 4; `flowError` says what is left.
 */
export function referenceFlow(
  law: Mixture,
  process: LinearProcess,
  x: Float64Array,
  [start, end]: readonly [number, number],
  steps = 8000,
): Float64Array {
  const u = (t: number): number => Math.log(process.sigma(t) / process.alpha(t));
  const [from, to] = [u(start), u(end)];
  const h = (to - from) / steps;
  let y = x.map((v) => (v - process.mean(start)) / process.alpha(start));
  const slope = (at: number, z: Float64Array): Float64Array => {
    const t = Math.min(start, Math.max(end, process.timeOfLambda(-at)));
    const [a, m] = [process.alpha(t), process.mean(t)];
    const data = denoised(
      law,
      process,
      z.map((v) => a * v + m),
      t,
    );
    return z.map((v, i) => v - data[i]!);
  };
  for (let i = 0; i < steps; i++) {
    const at = from + i * h;
    const k1 = slope(at, y);
    const k2 = slope(
      at + h / 2,
      y.map((v, j) => v + (h / 2) * k1[j]!),
    );
    const k3 = slope(
      at + h / 2,
      y.map((v, j) => v + (h / 2) * k2[j]!),
    );
    const k4 = slope(
      at + h,
      y.map((v, j) => v + h * k3[j]!),
    );
    y = y.map((v, j) => v + (h / 6) * (k1[j]! + 2 * k2[j]! + 2 * k3[j]! + k4[j]!));
  }
  return y.map((v) => process.alpha(end) * v + process.mean(end));
}
