/** The table of the results as they come in, and below it what it cannot show. */
import type { JSX } from 'preact';
import { remarks } from '../report/remarks.ts';
import { shownCell } from '../report/shown-cell.ts';
import { BASELINE } from './engine/contestants.ts';
import type { Run } from './use-run.ts';

export function ResultsTable({ run: { contestants, cases } }: { readonly run: Run }): JSX.Element {
  const present = contestants.filter(({ absent }) => absent === undefined);
  const notes = remarks(cases, contestants);
  return (
    <>
      {present.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        <section class="scroll" tabIndex={0} aria-label="Results">
          <table>
            <caption>Medians over the rounds; × tells how many times as long as {BASELINE} it takes.</caption>
            <thead>
              <tr>
                <th scope="col">Case</th>
                {present.map(({ id, label, threads }) => (
                  <th key={id} scope="col">
                    {threads > 1 ? `${label} ×${threads}` : label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {cases.map((result) => (
                <tr key={result.id}>
                  <th scope="row">{result.title}</th>
                  {present.map(({ id }) => (
                    <td key={id}>{shownCell(result, id, BASELINE)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {notes.length > 0 && (
        <ul class="remarks">
          {notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
    </>
  );
}
