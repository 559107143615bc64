/**
 * The state of a view lives in the address, `#/page?name=value&…`, so that a link shows the same view to somebody else.
 * What has its default value is left out.
 */
import { useCallback, useState } from 'preact/hooks';

/** How one value is written into the address and read from it; `read` gives undefined for what it cannot use. */
export interface Field<T> {
  readonly initial: T;
  read(text: string): T | undefined;
  write(value: T): string;
}

export const choice = <T extends string>(options: readonly T[], initial: T): Field<T> => ({
  initial,
  read: (text) => options.find((option) => option === text),
  write: (value) => value,
});

export const number = (
  initial: number,
  { min, max, whole = false }: { min: number; max: number; whole?: boolean },
): Field<number> => ({
  initial,
  read: (text) => {
    const value = Number(text);
    const fits = text.trim() !== '' && value >= min && value <= max && (!whole || Number.isInteger(value));
    return fits ? value : undefined;
  },
  write: String,
});

type Fields = Readonly<Record<string, Field<unknown>>>;
type Values<F extends Fields> = { readonly [K in keyof F]: F[K]['initial'] };

interface Address {
  readonly page: string;
  readonly query: URLSearchParams;
}

export function address(): Address {
  const [page = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  return { page, query: new URLSearchParams(query) };
}

function valuesOf<F extends Fields>(fields: F): Values<F> {
  const { query } = address();
  const entries = Object.entries(fields).map(([name, field]) => {
    const given = query.get(name);
    return [name, (given === null ? undefined : field.read(given)) ?? field.initial];
  });
  return Object.fromEntries(entries) as Values<F>;
}

/** Milliseconds between two changes of the address: browsers refuse them when a hundred come in half a minute. */
const PAUSE = 400;
let unwritten: { readonly page: string; readonly hash: string } | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;
let written = Number.NEGATIVE_INFINITY;

function writeNow(): void {
  clearTimeout(timer);
  timer = undefined;
  // Somebody may have gone to another page meanwhile.
  if (unwritten?.page === address().page) {
    history.replaceState(null, '', unwritten.hash);
    written = performance.now();
  }
  unwritten = undefined;
}

function writeSoon(page: string, hash: string): void {
  unwritten = { page, hash };
  const wait = written + PAUSE - performance.now();
  if (wait <= 0) writeNow();
  else timer ??= setTimeout(writeNow, wait);
}

// Before a link is followed or the page is left, the address tells the last of it.
addEventListener('click', writeNow, { capture: true });
addEventListener('pagehide', writeNow);

/** The values of a page's fields, and a function that changes some of them (and the address with them). */
export function useUrlState<F extends Fields>(
  fields: F,
): readonly [Values<F>, (change: Partial<Values<F>>) => void] {
  const [values, setValues] = useState(() => valuesOf(fields));
  const change = useCallback(
    (some: Partial<Values<F>>) => {
      setValues((before) => {
        const after = { ...before, ...some };
        const { page, query } = address();
        for (const [name, field] of Object.entries(fields)) {
          const value = after[name as keyof typeof after];
          if (value === field.initial) query.delete(name);
          else query.set(name, field.write(value));
        }
        const rest = query.toString();
        writeSoon(page, `#/${page}${rest ? `?${rest}` : ''}`);
        return after;
      });
    },
    [fields],
  );
  return [values, change];
}
