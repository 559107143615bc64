/**
 * Conditioning a mixture on a label: the components that carry it, with their weights made to sum to 1 again.
 */
import { requireInteger, ShapeError } from '@diff/core';
import type { ExactLaw } from './exact-model.ts';
import { normalizedWeights } from './mixture-weights.ts';

/**
 * One law per label.
 *
 * @param labels one integer ≥ 0 per component; @param weights normalised, per component.
 * @param lawOfSome makes the law of some components (by index) with the given normalised weights.
 * @throws ShapeError, DomainError for another number of labels, or labels that are not integers ≥ 0, or a label
 *   all of whose components have weight 0.
 */
export function lawsByLabel(
  where: string,
  labels: ArrayLike<number>,
  weights: Float64Array,
  lawOfSome: (rows: readonly number[], weights: Float64Array) => ExactLaw,
): ReadonlyMap<number, ExactLaw> {
  if (labels.length !== weights.length) {
    throw new ShapeError(
      `${where}: labels must have length ${weights.length} (one per component), got ${labels.length}. Pass one label each.`,
    );
  }
  const rowsOf = new Map<number, number[]>();
  for (let k = 0; k < labels.length; k++) {
    const label = requireInteger(where, `labels[${k}]`, labels[k], 0);
    const rows = rowsOf.get(label);
    if (rows) rows.push(k);
    else rowsOf.set(label, [k]);
  }
  return new Map(
    [...rowsOf].map(([label, rows]) => {
      const own = normalizedWeights(
        `${where} (label ${label})`,
        rows.map((k) => weights[k]!),
        rows.length,
      );
      return [label, lawOfSome(rows, own)];
    }),
  );
}
