/** Are the claims on the page those of the samplers? */
import { claims } from './page.ts';
import { REGISTRY } from './registry.ts';

/** Rows that the page lacks, and rows that no sampler claims. */
export function staleClaims(text: string): string[] {
  const rows = text.split('\n').filter((line) => /^\| [^|]+ \| `/.test(line));
  const wanted = REGISTRY.map(claims);
  return [
    ...wanted.filter((claim) => !rows.some((line) => line.startsWith(claim))),
    ...rows.filter((line) => !wanted.some((claim) => line.startsWith(claim))),
  ];
}
