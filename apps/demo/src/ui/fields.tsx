/** Labelled controls, native so that keyboards and screen readers know them. */
import type { ComponentChildren, JSX } from 'preact';
import { useId, useState } from 'preact/hooks';

interface Labelled {
  readonly label: string;
  readonly disabled?: boolean;
}

export function Select<T extends string>({
  label,
  value,
  options,
  onChange,
  disabled = false,
}: Labelled & {
  readonly value: T;
  readonly options: readonly T[];
  onChange(value: T): void;
}): JSX.Element {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        disabled={disabled}
        value={value}
        onChange={(e) => onChange(e.currentTarget.value as T)}
      >
        {options.map((option) => (
          <option key={option} value={option}>
            {option}
          </option>
        ))}
      </select>
    </div>
  );
}

export function Slider({
  label,
  value,
  min,
  max,
  step,
  onChange,
  disabled = false,
  shown = String(value),
}: Labelled & {
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly shown?: string;
  onChange(value: number): void;
}): JSX.Element {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>
        {label} <output for={id}>{shown}</output>
      </label>
      <input
        id={id}
        type="range"
        min={min}
        max={max}
        step={step}
        value={value}
        disabled={disabled}
        aria-valuetext={shown}
        onInput={(e) => onChange(e.currentTarget.valueAsNumber)}
      />
    </div>
  );
}

export function Whole({
  label,
  value,
  min,
  max,
  onChange,
}: Labelled & {
  readonly value: number;
  readonly min: number;
  readonly max: number;
  onChange(value: number): void;
}): JSX.Element {
  const id = useId();
  // What is being typed: the page may render again, with the old value, before it is finished.
  const [draft, setDraft] = useState<string>();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="number"
        min={min}
        max={max}
        step={1}
        value={draft ?? value}
        onInput={(e) => setDraft(e.currentTarget.value)}
        onChange={(e) => {
          const given = e.currentTarget.valueAsNumber;
          if (Number.isInteger(given) && given >= min && given <= max) {
            setDraft(undefined);
            onChange(given);
          } else {
            e.currentTarget.reportValidity();
          }
        }}
      />
    </div>
  );
}

export function Check({
  label,
  value,
  onChange,
  disabled = false,
}: Labelled & { readonly value: boolean; onChange(value: boolean): void }): JSX.Element {
  const id = useId();
  return (
    <div class="field check">
      <input
        id={id}
        type="checkbox"
        checked={value}
        disabled={disabled}
        onChange={(e) => onChange(e.currentTarget.checked)}
      />
      <label for={id}>{label}</label>
    </div>
  );
}

/** Some of several, at least one. */
export function Several<T extends string>({
  legend,
  options,
  value,
  onChange,
}: {
  readonly legend: string;
  readonly options: readonly T[];
  readonly value: readonly T[];
  /** In the order of `options`. */
  onChange(value: readonly T[]): void;
}): JSX.Element {
  return (
    <fieldset>
      <legend>{legend}</legend>
      {options.map((option) => (
        <Check
          key={option}
          label={option}
          value={value.includes(option)}
          disabled={value.length === 1 && value.includes(option)}
          onChange={(on) =>
            onChange(options.filter((other) => (other === option ? on : value.includes(other))))
          }
        />
      ))}
    </fieldset>
  );
}

export function Formula({ children }: { readonly children: ComponentChildren }): JSX.Element {
  return <p class="formula">{children}</p>;
}
