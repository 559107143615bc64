/**
 * Puts the results of another environment, such as a browser, beside those of Node. Its contestants get the name of the
 * environment in front, 'browser:webgpu'; ratios stay within an environment, since only there rounds are paired.
 */
import { FormatError, shown } from '@diff/core';
import { type CaseResult, type Cell, type Results, SCHEMA } from '../suite/results.ts';

/** Throws unless `value` has the shape of results of this schema. */
export function requireResults(where: string, value: unknown): Results {
  const given = value as Partial<Results> | null;
  if (typeof given !== 'object' || given === null || given.schema !== SCHEMA) {
    throw new FormatError(
      `${where}: the file must hold results of schema ${SCHEMA}, got ${shown(given?.schema ?? value)}. Write it with this version of the benchmark.`,
    );
  }
  for (const field of ['contestants', 'cases'] as const) {
    if (!Array.isArray(given[field])) {
      throw new FormatError(
        `${where}: '${field}' must be a list, got ${shown(given[field])}. Write the file with this version of the benchmark.`,
      );
    }
  }
  return given as Results;
}

/** The results of both; a later merge of the same environment replaces an earlier one. */
export function mergeResults(ours: Results, theirs: Results): Results {
  const environments = [...new Set(theirs.contestants.map(({ environment }) => environment))];
  const clash = environments.find((environment) => environment === 'node');
  if (clash !== undefined || environments.length === 0) {
    throw new FormatError(
      `--merge: the contestants must come from another environment than node, got ${shown(environments)}. Merge results of a browser.`,
    );
  }
  const prefixed = (id: string): string => {
    const { environment } = theirs.contestants.find((c) => c.id === id) ?? { environment: environments[0]! };
    return `${environment}:${id}`;
  };
  const isOld = (id: string): boolean => environments.some((environment) => id.startsWith(`${environment}:`));
  const kept = (cells: CaseResult['cells']): [string, Cell][] =>
    Object.entries(cells).filter(([id]) => !isOld(id));
  const added = (cells: CaseResult['cells']): [string, Cell][] =>
    Object.entries(cells).map(([id, cell]) => [prefixed(id), cell]);
  const known = new Set(ours.cases.map(({ id }) => id));
  return {
    ...ours,
    contestants: [
      ...ours.contestants.filter(({ id }) => !isOld(id)),
      ...theirs.contestants.map((c) => ({
        ...c,
        id: prefixed(c.id),
        label: `${c.label} (${c.environment})`,
      })),
    ],
    cases: [
      ...ours.cases.map((result) => {
        const other = theirs.cases.find(({ id }) => id === result.id);
        return {
          ...result,
          cells: Object.fromEntries([...kept(result.cells), ...(other ? added(other.cells) : [])]),
        };
      }),
      ...theirs.cases
        .filter(({ id }) => !known.has(id))
        .map((result) => ({ ...result, cells: Object.fromEntries(added(result.cells)) })),
    ],
    merged: {
      ...ours.merged,
      ...Object.fromEntries(environments.map((environment) => [environment, theirs.machine])),
    },
  };
}
