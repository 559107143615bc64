/** A run of which the page keeps every frame, so that one can look back. It follows the controls. */
import { useCallback, useState } from 'preact/hooks';
import type { RunState } from './run-controls.tsx';
import { useFollowing } from './use-following.ts';
import { useRun } from './use-run.ts';

interface FramesOptions<Args, Frame, Result> {
  /** What is computed; the same object as long as it is the same (useMemo). */
  readonly args: Args;
  /** What computes; empty until one is ready. */
  readonly backend: string;
  /** Does a run start by itself (default)? Otherwise the first waits for `run`; what is under way follows all the same. */
  readonly byItself?: boolean;
  /** Frames of a whole run, by which its progress is told. */
  readonly count: number;
  message(frame: Frame, index: number): string;
  done(result: Result): string;
}

interface Frames<Frame, Result> {
  readonly state: RunState;
  /** Of the run before, until this one has something to show. */
  readonly frames: readonly Frame[];
  readonly result: Result | undefined;
  run(): void;
  cancel(): void;
}

/** @param job one of jobs.ts. */
export function useFrames<Args, Frame, Result>(
  job: string,
  { args, backend, byItself = true, count, message, done }: FramesOptions<Args, Frame, Result>,
): Frames<Frame, Result> {
  const [frames, setFrames] = useState<readonly Frame[]>([]);
  const [result, setResult] = useState<Result>();
  const { state, start, cancel } = useRun<Args, Frame, Result>(job);
  const begin = useCallback(() => {
    let arrived: Frame[] = [];
    start(args, {
      begin: () => {
        arrived = [];
        setResult(undefined);
      },
      update: (frame) => {
        arrived.push(frame);
        setFrames([...arrived]);
        return { progress: arrived.length / count, message: message(frame, arrived.length - 1) };
      },
      done: (value) => {
        setResult(value);
        return done(value);
      },
    });
  }, [args, backend, start]);
  const run = useFollowing(args, backend, begin, byItself || state.busy);
  return { state, frames, result, run, cancel };
}
