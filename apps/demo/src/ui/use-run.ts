/** One job at a time for a page: starting it again or leaving the page cancels the one before. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { isCancelled, type Running, startJob } from '../engine/client.ts';
import type { RunState } from './run-controls.tsx';

export interface JobHandlers<Update, Result> {
  update(value: Update): { readonly progress: number; readonly message: string };
  done(value: Result): string;
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

  const cancel = useCallback(() => current.current?.cancel(), []);
  useEffect(() => cancel, [cancel]);

  const start = useCallback(
    (args: Args, { update, done }: JobHandlers<Update, Result>) => {
      current.current?.cancel();
      setState({ busy: true, progress: 0, message: 'Starting …' });
      const running = startJob<Args, Update, Result>(job, args, (value) => {
        if (current.current === running) setState({ busy: true, ...update(value) });
      });
      current.current = running;
      const end = (message: string, progress: number, failed = false): void => {
        if (current.current === running) setState({ busy: false, progress, message, failed });
      };
      running.result.then(
        (value) => {
          if (current.current === running) end(done(value), 1);
        },
        (error: Error) => {
          if (isCancelled(error)) end('Cancelled.', 0);
          else end(error.message, 0, true);
        },
      );
    },
    [job],
  );
  return { state, start, cancel };
}
