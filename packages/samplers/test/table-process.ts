/**
 * A process known only at the times of a table, as a discrete chain is: time i is the i-th row. Whatever asks for a
 * time between, for the drift or for g, is told that there is none.
 */
import type { LinearProcess } from '@diff/sde';

export interface TableRow {
  readonly alpha: number;
  readonly sigma: number;
}

/** `rows[0]` is the least noisy and belongs to time 0. */
export function tableProcess(rows: readonly TableRow[]): LinearProcess {
  const at = (t: number): TableRow => {
    const row = rows[t];
    if (!row) throw new Error(`the table has no row ${t}`);
    return row;
  };
  const none = (): never => {
    throw new Error('a table of marginals has no drift');
  };
  const alpha = (t: number): number => at(t).alpha;
  const sigma = (t: number): number => at(t).sigma;
  return {
    type: 'custom',
    T: rows.length - 1,
    config: { type: 'custom', T: rows.length - 1 },
    alpha,
    sigma,
    mean: () => 0,
    lambda: (t) => Math.log(alpha(t) / sigma(t)),
    timeOfLambda: none,
    drift: none,
    offset: none,
    diffusion: none,
    prior: { mean: 0, std: 1 },
    scoreGain: none,
    noiseVariance: (t, r) => ((alpha(r) / alpha(t)) * sigma(t)) ** 2 - sigma(r) ** 2,
  };
}

/** The times of a table from the noisiest row to time 0. */
export function tableGrid(rows: readonly unknown[]): number[] {
  return rows.map((_, i) => rows.length - 1 - i);
}
