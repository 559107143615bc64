/**
 * One job at a time for a page: starting it again or leaving the page cancels the one before. Another backend ends what
 * runs; it then starts over by itself on the backend that is there.
 */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { isCancelled, type Running, startJob } from '../engine/client.ts';
import type { RunState } from './run-controls.tsx';

export interface JobHandlers<Update, Result> {
  update(value: Update): { readonly progress: number; readonly message: string };
  done(value: Result): string;
  /** It begins, perhaps once more: forget what has come. */
  begin?(): void;
}

export function useRun<Args, Update, Result>(
  job: string,
): {
  readonly state: RunState;
  start(args: Args, handlers: JobHandlers<Update, Result>): void;
  cancel(): void;
} {
  const [state, setState] = useState<RunState>({ busy: false, progress: 0, message: '' });
  const current = useRef<Running<Result> | undefined>(undefined);
  /** Runs that the page itself has ended. */
  const ended = useRef(new WeakSet<Running<Result>>());

  const cancel = useCallback(() => {
    if (!current.current) return;
    ended.current.add(current.current);
    current.current.cancel();
  }, []);
  useEffect(() => cancel, [cancel]);

  const start = useCallback(
    (args: Args, handlers: JobHandlers<Update, Result>) => {
      cancel();
      handlers.begin?.();
      setState({ busy: true, progress: 0, message: 'Starting …' });
      const running = startJob<Args, Update, Result>(job, args, (value) => {
        if (current.current === running) setState({ busy: true, ...handlers.update(value) });
      });
      current.current = running;
      const end = (message: string, progress: number, failed = false): void => {
        setState({ busy: false, progress, message, failed });
      };
      running.result.then(
        (value) => {
          if (current.current === running) end(handlers.done(value), 1);
        },
        (error: Error) => {
          if (current.current !== running) return;
          if (!isCancelled(error)) end(error.message, 0, true);
          else if (ended.current.has(running)) end('Cancelled.', 0);
          else start(args, handlers);
        },
      );
    },
    [job, cancel],
  );
  return { state, start, cancel };
}
