/**
 * What coordinator and contestants say to each other: one JSON object a line, requests on the contestant's standard
 * input, replies on its file descriptor 3, so that whatever a library prints does no harm.
 */
import type { Digest } from '../suite/digest.ts';
import type { Duration } from '../suite/session.ts';
import type { RawFiles } from './raw-files.ts';

export type Request =
  /** Starts the library. */
  | { readonly do: 'hello' }
  /** Prepares a case and runs its check; `output` is where a result may be left instead of a digest. */
  | {
      readonly do: 'prepare';
      readonly case: string;
      readonly op: string;
      readonly settings: Readonly<Record<string, number | string | boolean>>;
      readonly inputs: RawFiles;
      readonly output: string;
    }
  /** Runs it `repetitions` times in each of `bursts` bursts, and tells how long one run takes in the best. */
  | { readonly do: 'time'; readonly repetitions: number; readonly bursts: number }
  /** Frees the case's memory. */
  | { readonly do: 'finish' };

export interface Hello {
  /** Name → version of what takes part. */
  readonly versions: Readonly<Record<string, string>>;
  readonly threads: number;
}

interface Prepared {
  /** Absent where the result was written to the request's `output`. */
  readonly digest?: Digest;
}

interface Finished {
  /** Greatest resident size of the process so far. */
  readonly peakBytes: number;
}

/** What the answer to each request holds. */
export interface Answers {
  hello: Hello;
  prepare: Prepared;
  time: Duration;
  finish: Finished;
}

/** `cannot`: a property of the contestant, such as a missing kernel. `error`: anything else that went wrong. */
export type Reply<T> =
  | { readonly id: number; readonly ok: T }
  | { readonly id: number; readonly cannot: string }
  | { readonly id: number; readonly error: string };

/** Splits a stream of text into lines and hands over each that is complete. */
export function lineReader(onLine: (line: string) => void): (text: string) => void {
  let rest = '';
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) if (line.trim() !== '') onLine(line);
  };
}
