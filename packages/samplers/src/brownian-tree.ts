/**
 * A virtual Brownian tree: one Brownian path W on [from, to] whose value is a function of (key, row, time) alone, so that
 * runs with other steps, and steps that are tried, rejected and tried shorter, see the same path. Nothing is stored:
 * each query walks down the dyadic intervals, O(log 1/tolerance) normal draws (Li et al. 2020, section 4; with areas
 * Jelinčič, Foster and Kidger 2024).
 *
 * An interval of length h carries its increment W and its space-time Lévy area, the mean of W above its chord,
 *
 *   H = (1/h) ∫ (W_u − chord) du ~ N(0, h/12), independent of W ~ N(0, h).
 *
 * Cut at the share ρ, with d = 1 − 3ρ(1−ρ) and two draws Z, Z' (conditional laws of Gaussians)
 *
 *   W₁ = ρ W + 6ρ(1−ρ) H + √h a Z,                  a = √(ρ(1−ρ) d),           W₂ = W − W₁
 *   H₁ = ρ² H − √h (ρ³(1−ρ)/(2a)) Z + √h √(ρ(1−ρ)³/(12d)) Z'
 *   H₂ = (1−ρ)² H − √h (ρ(1−ρ)³/(2a)) Z − √h √(ρ³(1−ρ)/(12d)) Z'
 *
 * and joined, W = W₁ + W₂, H = ½(1−ρ) W₁ − ½ρ W₂ + ρ H₁ + (1−ρ) H₂. Intervals are halved down to `tolerance`, and the
 * last is cut at the time asked for. So every (W, H) is a sum of draws with weights that are worked out in float64: an
 * increment over a short step does not come out of a difference of float32 numbers.
 *
 * Exact in law, jointly, for times of which no two lie in one last interval, thus for steps of at least `tolerance`; two
 * times closer than that still have increments that add up, but not their law.
 */
import { combine, DomainError, fold, type Key, normal, requireKey, shown } from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';

/** One Brownian path for each row. Times are forward times; the path knows nothing of a process. */
export interface BrownianPath {
  readonly from: number;
  readonly to: number;
  /** Steps of at least this length have the law of Brownian increments. */
  readonly tolerance: number;
  /** W(t) − W(s), of the given shape [n, …event]; owned by the caller. t < s gives minus the increment over [t, s]. */
  increment(s: number, t: number, shape: readonly number[], firstRow?: number): tf.Tensor;
  /** W(t) − W(s) and the space-time Lévy area H over the interval between the two (the same in both directions). */
  incrementAndArea(
    s: number,
    t: number,
    shape: readonly number[],
    firstRow?: number,
  ): readonly [increment: tf.Tensor, area: tf.Tensor];
}

export interface BrownianTreeOptions {
  /** Names the path. Not the key of the run, whose streams it would share. */
  readonly key: Key;
  /** Where the path begins; default 0. */
  readonly from?: number;
  readonly to: number;
  /** Length of the last intervals, at most the shortest step to be made; default (to − from)·2⁻²⁰. */
  readonly tolerance?: number;
}

/** Weights of the draws in W and in H, over an interval of that length. */
interface Part {
  readonly length: number;
  readonly w: readonly number[];
  readonly h: readonly number[];
}

/** Σ cᵢ vᵢ; vectors end with their last draw. */
function sum(...terms: readonly (readonly [number, readonly number[]])[]): number[] {
  const out = new Array<number>(Math.max(...terms.map(([, v]) => v.length))).fill(0);
  for (const [c, v] of terms) for (let i = 0; i < v.length; i++) out[i]! += c * v[i]!;
  return out;
}

function join(left: Part, right: Part): Part {
  const length = left.length + right.length;
  const p = left.length / length;
  const q = right.length / length;
  return {
    length,
    w: sum([1, left.w], [1, right.w]),
    h: sum([q / 2, left.w], [-p / 2, right.w], [p, left.h], [q, right.h]),
  };
}

/** Cuts an interval at a time `length` after its start; the two draws get the places after all others. */
function cut(whole: Part, length: number, draws: number): readonly [Part, Part] {
  // Rounding of times must not put the cut on an end.
  const p = Math.min(1 - 2 ** -53, Math.max(2 ** -100, length / whole.length));
  const q = 1 - p;
  const d = 1 - 3 * p * q;
  const scale = Math.sqrt(whole.length);
  const a = Math.sqrt(p * q * d);
  const unit = (i: number): number[] => [...new Array<number>(draws + i).fill(0), 1];
  const [z, z2] = [unit(0), unit(1)];
  const w = sum([p, whole.w], [6 * p * q, whole.h], [scale * a, z]);
  return [
    {
      length,
      w,
      h: sum(
        [p * p, whole.h],
        [(-scale * p ** 3 * q) / (2 * a), z],
        [scale * Math.sqrt((p * q ** 3) / (12 * d)), z2],
      ),
    },
    {
      length: whole.length - length,
      w: sum([1, whole.w], [-1, w]),
      h: sum(
        [q * q, whole.h],
        [(-scale * p * q ** 3) / (2 * a), z],
        [-scale * Math.sqrt((p ** 3 * q) / (12 * d)), z2],
      ),
    },
  ];
}

/** From [a, t] and [a, s] to [s, t], both inside one last interval. */
function between(upper: Part, lower: Part): Part {
  const length = upper.length - lower.length;
  const w = sum([1, upper.w], [-1, lower.w]);
  const area = sum(
    [upper.length / 2, upper.w],
    [upper.length, upper.h],
    [-lower.length / 2 - length, lower.w],
    [-lower.length, lower.h],
  );
  return { length, w, h: sum([1 / length, area], [-1 / 2, w]) };
}

/** Draws that are made together. */
const CHUNK = 8;

/** Σ_k weights[i][k] ξ_k for each i. */
function weightedDraws(
  keys: readonly Key[],
  weights: readonly (readonly number[])[],
  shape: readonly number[],
  firstRow: number,
): tf.Tensor[] {
  let sums: tf.Tensor[] | undefined;
  for (let start = 0; start < keys.length; start += CHUNK) {
    const last = sums;
    sums = tf.tidy(() => {
      const draws = keys.slice(start, start + CHUNK).map((key) => normal(key, shape, { firstRow }));
      return weights.map((row, i) =>
        combine([
          ...(last ? [[1, last[i]!] as const] : []),
          ...draws.map((draw, k) => [row[start + k] ?? 0, draw] as const),
        ]),
      );
    });
    tf.dispose(last ?? []);
  }
  return sums!;
}

/**
 * A Brownian path on [from, to], one for each row.
 *
 * @returns the path; it holds no tensors and needs no disposal. Its methods throw DomainError for times outside it.
 * @throws DomainError unless from < to and 2⁻⁵⁰ (to − from) ≤ tolerance ≤ to − from.
 * @example
 * ```ts
 * import { key } from '@diff/core';
 * import { brownianTree } from '@diff/samplers';
 * import '@tensorflow/tfjs-backend-cpu';
 * const path = brownianTree({ key: key(5), to: 1, tolerance: 1e-4 });
 * const whole = path.increment(0, 1, [1000, 2]); // W(1) − W(0)
 * const half = path.increment(0, 0.5, [1000, 2]); // of the same path
 * ```
 */
export function brownianTree(options: BrownianTreeOptions): BrownianPath {
  const { key, from = 0, to } = options;
  requireKey('brownianTree', key);
  if (!Number.isFinite(from) || !Number.isFinite(to) || !(from < to)) {
    throw new DomainError(
      `brownianTree: from and to must be finite times with from < to, got ${shown(from)} and ${shown(to)}. Pass the ends of the grid.`,
    );
  }
  const length = to - from;
  const tolerance = options.tolerance ?? length * 2 ** -20;
  if (typeof tolerance !== 'number' || !(tolerance >= length * 2 ** -50 && tolerance <= length)) {
    throw new DomainError(
      `brownianTree: tolerance must lie in [2⁻⁵⁰ (to − from), to − from], got ${shown(tolerance)}. Use the length of the shortest step.`,
    );
  }
  const levels = Math.ceil(Math.log2(length / tolerance));

  /** The interval [s, t], s < t, in draws. */
  function interval(s: number, t: number): Part & { readonly keys: readonly Key[] } {
    const draws: (readonly [level: number, n: number])[] = [
      [0, 0],
      [0, 1],
    ];
    /** The two draws that cut a node; no walk comes to a node twice. */
    const place = (level: number, node: number): number =>
      draws.push([level + 1, 2 * node], [level + 1, 2 * node + 1]) - 2;
    const time = (level: number, node: number): number =>
      node === 2 ** level ? to : from + length * (node / 2 ** level);

    function walk(part: Part, level: number, node: number, low: number, high: number): Part {
      const [a, b] = [time(level, node), time(level, node + 1)];
      if (low === a && high === b) return part;
      const at = place(level, node);
      if (level === levels) {
        const cutAt = (q: number): readonly [Part, Part] => cut(part, q - a, at);
        if (low === a) return cutAt(high)[0];
        return high === b ? cutAt(low)[1] : between(cutAt(high)[0], cutAt(low)[0]);
      }
      const middle = time(level + 1, 2 * node + 1);
      const [left, right] = cut(part, middle - a, at);
      if (high <= middle) return walk(left, level + 1, 2 * node, low, high);
      if (low >= middle) return walk(right, level + 1, 2 * node + 1, low, high);
      return join(
        walk(left, level + 1, 2 * node, low, middle),
        walk(right, level + 1, 2 * node + 1, middle, high),
      );
    }

    const root: Part = { length, w: [Math.sqrt(length)], h: [0, Math.sqrt(length / 12)] };
    const part = walk(root, 0, 0, s, t);
    return { ...part, keys: draws.map(([level, n]) => fold(fold(key, level), n)) };
  }

  function requireTime(t: number): void {
    if (typeof t !== 'number' || !(t >= from && t <= to)) {
      throw new DomainError(
        `brownianTree: a time must lie in [${from}, ${to}], got ${shown(t)}. Make the tree for the whole of the grid.`,
      );
    }
  }

  function drawn(
    s: number,
    t: number,
    shape: readonly number[],
    firstRow: number,
    withArea: boolean,
  ): tf.Tensor[] {
    requireTime(s);
    requireTime(t);
    if (s === t) return Array.from({ length: withArea ? 2 : 1 }, () => tf.zeros([...shape]));
    const { w, h, keys } = interval(Math.min(s, t), Math.max(s, t));
    const increment = s < t ? w : w.map((v) => -v);
    return weightedDraws(keys, withArea ? [increment, h] : [increment], shape, firstRow);
  }

  return Object.freeze({
    from,
    to,
    tolerance,
    increment: (s: number, t: number, shape: readonly number[], firstRow = 0) =>
      drawn(s, t, shape, firstRow, false)[0]!,
    incrementAndArea: (s: number, t: number, shape: readonly number[], firstRow = 0) => {
      const [increment, area] = drawn(s, t, shape, firstRow, true);
      return [increment!, area!] as const;
    },
  });
}
