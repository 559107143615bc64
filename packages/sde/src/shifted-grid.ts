/**
 * Equal steps in time, shifted towards the noise (Esser et al. 2024, "Scaling rectified flow transformers", eq. 23): on
 * the straight line, where time is σ,
 *
 *   t ← s t/(1 + (s − 1) t)          (σ/α is multiplied by s)
 *
 * Larger pictures need larger s. `dynamicShift` is how Flux's pipeline finds it from their size. A `least` time above
 * `end` makes the last step one from there; `terminal` then scales 1 − t so that this time becomes `terminal`.
 */
import { DomainError, requirePositive, shown } from '@diff/core';
import { checkGrid, type GridOptions, requireGridOptions } from './grid.ts';

export interface ShiftedGridOptions extends GridOptions {
  /** s > 0; default 1. */
  readonly shift?: number;
  /** The last time before `end`, before the shift, in (end, T); default: N equal steps down to `end`. */
  readonly least?: number;
  /** What that time is stretched to after the shift, in (end, T); default: no stretching. */
  readonly terminal?: number;
}

function requireWithin(name: string, value: number, end: number, T: number): void {
  if (typeof value !== 'number' || !(value > end && value < T)) {
    throw new DomainError(
      `shifted: ${name} must lie in (${end}, ${T}), got ${shown(value)}. Leave it out for none.`,
    );
  }
}

/**
 * Shifted times of a flow; options, result and errors as `uniformGrid`.
 *
 * @example
 * ```ts
 * import { dynamicShift, flowMatching, shiftedGrid } from '@diff/sde';
 * const process = flowMatching();
 * const grid = shiftedGrid({ process, steps: 28, end: 0, shift: 3 }); // Stable Diffusion 3
 * const flux = shiftedGrid({ process, steps: 28, end: 0, shift: dynamicShift({ tokens: 4096 }) });
 * ```
 */
export function shiftedGrid(options: ShiftedGridOptions): readonly number[] {
  requireGridOptions('shifted', options);
  const { process, steps, end, shift = 1, least, terminal } = options;
  const { T } = process;
  requirePositive('shifted', 'shift', shift);
  if (least !== undefined) requireWithin('least', least, end, T);
  if (terminal !== undefined) requireWithin('terminal', terminal, end, T);
  const moves = least === undefined ? steps : steps - 1;
  const last = least ?? end;
  const plain = Array.from({ length: steps }, (_, k) => (k === 0 ? T : T + (k / moves) * (last - T)));
  const shifted = plain.map((t) => (shift * t) / (1 + ((shift - 1) * t) / T));
  const scale = terminal === undefined ? 1 : (T - terminal) / (T - shifted.at(-1)!);
  const grid = [...shifted.map((t) => (scale === 1 ? t : T - (T - t) * scale)), end];
  return Object.freeze(checkGrid('shifted', grid) as number[]);
}

export interface DynamicShiftOptions {
  /** Length of the sequence of image tokens. */
  readonly tokens: number;
  /** μ at the smallest and the largest length; default 0.5 and 1.15. */
  readonly baseShift?: number;
  readonly maxShift?: number;
  /** These lengths; default 256 and 4096. */
  readonly baseTokens?: number;
  readonly maxTokens?: number;
}

/**
 * s = e^μ with μ linear in the number of tokens.
 *
 * @throws DomainError unless tokens is positive.
 * @example
 * ```ts
 * import { dynamicShift } from '@diff/sde';
 * dynamicShift({ tokens: 256 }); // e^0.5
 * ```
 */
export function dynamicShift(options: DynamicShiftOptions): number {
  const { tokens, baseShift = 0.5, maxShift = 1.15, baseTokens = 256, maxTokens = 4096 } = options;
  requirePositive('dynamicShift', 'tokens', tokens);
  return Math.exp(baseShift + ((maxShift - baseShift) * (tokens - baseTokens)) / (maxTokens - baseTokens));
}
