/** The page: what to measure, how it goes, and the results. */
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { CASES } from '../suite/suite.ts';
import { Choices } from './choices.tsx';
import { CONTESTANTS } from './engine/contestants.ts';
import { ResultsTable } from './results-table.tsx';
import { useRun } from './use-run.ts';

const MOST_ROUNDS = 99;
const groups = [...new Set(CASES.map(({ group }) => group))];
const quick = CASES.filter((c) => c.quick).map(({ id }) => id);

/** Saves the text as a file of that name. */
function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

export function App(): JSX.Element {
  const [contestants, setContestants] = useState<ReadonlySet<string>>(
    () => new Set(CONTESTANTS.filter(({ chosen }) => chosen).map(({ id }) => id)),
  );
  const [cases, setCases] = useState<ReadonlySet<string>>(() => new Set(quick));
  const [rounds, setRounds] = useState(5);
  const { run, start, cancel } = useRun();
  const { busy, status, failed, finished, total, results } = run;
  const isValid = Number.isInteger(rounds) && rounds >= 1 && rounds <= MOST_ROUNDS;
  const ready = isValid && contestants.size > 0 && cases.size > 0;
  const byGroup = useMemo(
    () =>
      groups.map((group) => {
        const choices = CASES.filter((c) => c.group === group).map(({ id, title }) => ({ id, label: title }));
        return { group, choices, ids: new Set<string>(choices.map(({ id }) => id)) };
      }),
    [],
  );

  return (
    <main>
      <h1>The benchmark in this browser</h1>
      <p class="hint">
        The cases of <code>npm run bench</code>, on the backends that this browser has, each in a worker of
        its own. Results are checked before they are timed.{' '}
        {crossOriginIsolated
          ? 'This page is isolated: WebAssembly may have threads here.'
          : 'This page is not isolated: WebAssembly has no threads here, and the clock is coarse.'}
      </p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          start({
            contestants: CONTESTANTS.map(({ id }) => id).filter((id) => contestants.has(id)),
            cases: CASES.map(({ id }) => id).filter((id) => cases.has(id)),
            rounds,
          });
        }}
      >
        <Choices
          legend="Backends"
          choices={CONTESTANTS}
          chosen={contestants}
          disabled={busy}
          onChange={setContestants}
        />
        <details>
          <summary>
            Cases: {cases.size} of {CASES.length} chosen
          </summary>
          {byGroup.map(({ group, choices, ids }) => (
            <Choices
              key={group}
              legend={group}
              choices={choices}
              chosen={cases}
              disabled={busy}
              onChange={(next) => {
                const others = [...cases].filter((id) => !ids.has(id));
                setCases(new Set([...others, ...[...next].filter((id) => ids.has(id))]));
              }}
              more={{ label: 'Quick', ids: quick.filter((id) => ids.has(id)) }}
            />
          ))}
        </details>
        <div class="row">
          <label>
            Rounds{' '}
            <input
              type="number"
              min={1}
              max={MOST_ROUNDS}
              required
              value={rounds}
              disabled={busy}
              onInput={(event) => setRounds(event.currentTarget.valueAsNumber)}
            />
          </label>
          <button type="submit" class="primary" disabled={busy || !ready}>
            Measure
          </button>
          <button type="button" disabled={!busy} onClick={cancel}>
            Cancel
          </button>
          <button
            type="button"
            disabled={!results}
            onClick={() => download('browser.json', `${JSON.stringify(results, null, 1)}\n`)}
          >
            Export JSON
          </button>
        </div>
      </form>
      <progress max={Math.max(1, total)} value={finished} aria-label="Cases finished" />
      <p class={failed ? 'status failed' : 'status'} role="status">
        {status}
      </p>
      <ResultsTable run={run} />
      {results && (
        <p class="hint">
          <code>npm run bench -- --merge browser.json</code> puts the exported results beside those of Node.
        </p>
      )}
    </main>
  );
}
