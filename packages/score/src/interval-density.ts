/**
 * A density on an interval [a, b], given by its logarithm up to a constant, tabulated once in float64: the nodes of
 * a composite 16-point Gauss–Legendre rule on P equal panels, log p at the ends of 64 P cells, and the
 * distribution function by Simpson's rule per cell.
 */
import { DomainError, requireFinite, requireInteger, shown } from '@diff/core';
import { gaussLegendre } from './gauss-legendre.ts';

/** One coordinate's law. */
export interface IntervalDensity {
  /** log p(u), up to a constant; finite on all of [a, b]. */
  readonly logDensity: (u: number) => number;
  /** [a, b], a < b. Cut tails where their mass no longer matters. */
  readonly interval: readonly [a: number, b: number];
  /** P; default 64. A panel must be short against the finest feature of p. */
  readonly panels?: number;
}

/** What is tabulated. Logarithms are of the normalised density. */
export interface IntervalTables {
  readonly a: number;
  readonly b: number;
  /** Length of a panel. */
  readonly panel: number;
  /** u_q and ln(ω_q p(u_q)) of the composite rule. */
  readonly nodes: Float32Array;
  readonly logWeights: Float32Array;
  /** Length of a cell. */
  readonly cell: number;
  /** log p at the ends of the cells. */
  readonly log: Float32Array;
  /** Not normalised. */
  readonly cumulative: Float64Array;
}

const PER_PANEL = 16;
const CELLS_PER_PANEL = 64;

/**
 * Tabulates a density.
 *
 * @throws DomainError for an interval out of order, or a logDensity that is not finite somewhere on it.
 */
export function tabulate(
  where: string,
  { logDensity, interval, panels = 64 }: IntervalDensity,
): IntervalTables {
  const [a, b] = interval;
  requireFinite(where, 'interval[0]', a);
  requireFinite(where, 'interval[1]', b);
  requireInteger(where, 'panels', panels, 1);
  if (!(a < b)) {
    throw new DomainError(
      `${where}: interval must be [a, b] with a < b, got ${shown([a, b])}. Give the ends in order.`,
    );
  }
  const at = (u: number): number => {
    const value = logDensity(u);
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      throw new DomainError(
        `${where}: logDensity must be finite on the whole interval, got ${shown(value)} at ${u}. Shrink the interval to where the density is positive.`,
      );
    }
    return value;
  };
  const cells = panels * CELLS_PER_PANEL;
  const cell = (b - a) / cells;
  const raw = Float64Array.from({ length: cells + 1 }, (_, i) => at(i === cells ? b : a + i * cell));
  const highest = raw.reduce((m, v) => Math.max(m, v), Number.NEGATIVE_INFINITY);
  const rule = gaussLegendre(PER_PANEL);
  const panel = (b - a) / panels;
  const nodes: number[] = [];
  const logWeights: number[] = [];
  let mass = 0;
  for (let k = 0; k < panels; k++) {
    rule.nodes.forEach((node, i) => {
      const u = a + panel * (k + 0.5 * (1 + node));
      const weight = Math.log(rule.weights[i]! * 0.5 * panel) + at(u) - highest;
      nodes.push(u);
      logWeights.push(weight);
      mass += Math.exp(weight);
    });
  }
  const logMass = Math.log(mass);
  const log = Float32Array.from(raw, (v) => v - highest - logMass);
  const cumulative = new Float64Array(cells + 1);
  for (let i = 0; i < cells; i++) {
    const middle = Math.exp(at(a + (i + 0.5) * cell) - highest);
    const ends = Math.exp(raw[i]! - highest) + Math.exp(raw[i + 1]! - highest);
    cumulative[i + 1] = cumulative[i]! + (ends + 4 * middle) / 6;
  }
  return {
    a,
    b,
    panel,
    nodes: Float32Array.from(nodes),
    logWeights: Float32Array.from(logWeights, (w) => w - logMass),
    cell,
    log,
    cumulative,
  };
}

/** The inverse of the distribution function at q ∈ [0, 1), linear inside a cell. */
export function intervalQuantile({ a, cell, cumulative }: IntervalTables, q: number): number {
  const target = q * cumulative[cumulative.length - 1]!;
  let low = 0;
  let high = cumulative.length - 2;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulative[middle + 1]! > target) high = middle;
    else low = middle + 1;
  }
  const width = cumulative[low + 1]! - cumulative[low]!;
  return a + cell * (low + (width > 0 ? (target - cumulative[low]!) / width : 0.5));
}
