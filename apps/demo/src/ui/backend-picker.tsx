/** Which backend computes, why, and what is missing for the others. */
import type { JSX } from 'preact';
import { useCallback, useEffect, useId, useState } from 'preact/hooks';
import { useBackendInWorker } from '../engine/client.ts';
import { BACKENDS, type BackendName, type BackendReport } from '../engine/protocol.ts';

type Wanted = BackendName | 'auto';

const OPTIONS: readonly Wanted[] = ['auto', ...BACKENDS];

function wantedAtFirst(): Wanted {
  const given = new URLSearchParams(location.search).get('backend');
  return OPTIONS.find((name) => name === given) ?? 'auto';
}

export function BackendPicker({ onReady }: { onReady(name: string): void }): JSX.Element {
  const id = useId();
  const [wanted, setWanted] = useState<Wanted>(wantedAtFirst);
  const [report, setReport] = useState<BackendReport>();
  const [trouble, setTrouble] = useState('');

  const choose = useCallback(
    async (name: Wanted) => {
      setWanted(name);
      setTrouble('');
      try {
        const chosen = await useBackendInWorker(name);
        setReport(chosen);
        onReady(chosen.name);
      } catch (error) {
        setTrouble(error instanceof Error ? error.message : String(error));
      }
    },
    [onReady],
  );
  useEffect(() => {
    choose(wanted);
  }, []);

  const missing = report?.others.map(({ name, missing }) => `${name}: ${missing}`).join('; ');
  return (
    <div class="backend">
      <label for={id}>Backend</label>
      <select id={id} value={wanted} onChange={(e) => choose(e.currentTarget.value as Wanted)}>
        {OPTIONS.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
      <span class={trouble ? 'status failed' : 'status'} role="status">
        {trouble || (report ? `runs on ${report.name}` : 'starting …')}
      </span>
      {missing && (
        <details>
          <summary>not used</summary>
          <p>{missing}</p>
        </details>
      )}
    </div>
  );
}
