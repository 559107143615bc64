/** Checkboxes of one kind, with a button for everything and one for nothing. */
import type { JSX } from 'preact';

export interface Choice {
  readonly id: string;
  readonly label: string;
}

export function Choices({
  legend,
  choices,
  chosen,
  disabled,
  onChange,
  more,
}: {
  readonly legend: string;
  readonly choices: readonly Choice[];
  readonly chosen: ReadonlySet<string>;
  readonly disabled: boolean;
  onChange(chosen: ReadonlySet<string>): void;
  /** Another selection that a button makes. */
  readonly more?: { readonly label: string; readonly ids: readonly string[] };
}): JSX.Element {
  const toggle = (id: string): void => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    onChange(next);
  };
  const selections = [
    { label: 'All', ids: choices.map(({ id }) => id) },
    { label: 'None', ids: [] },
    ...(more ? [more] : []),
  ];
  return (
    <fieldset disabled={disabled}>
      <legend>{legend}</legend>
      <div class="selections">
        {selections.map(({ label, ids }) => (
          <button
            key={label}
            type="button"
            aria-label={`${legend}: ${label}`}
            onClick={() => onChange(new Set(ids))}
          >
            {label}
          </button>
        ))}
      </div>
      {choices.map(({ id, label }) => (
        <label key={id} class="choice">
          <input type="checkbox" checked={chosen.has(id)} onChange={() => toggle(id)} />
          {label}
        </label>
      ))}
    </fieldset>
  );
}
