/**
 * What is shown follows the controls: what somebody opens runs without being asked, a change starts the run anew (and ends
 * the one that is under way), and so does another backend.
 */
import { useCallback, useEffect, useRef } from 'preact/hooks';

/** Milliseconds without a change after which the run starts: a slider is dragged over many values. */
const SETTLED = 250;

/**
 * @param args what is computed; the same object as long as it is the same (useMemo).
 * @param backend what computes; empty until one is ready.
 * @param run starts a run.
 * @param follows false while nothing is to start by itself.
 * @returns starts a run at once.
 */
export function useFollowing(args: unknown, backend: string, run: () => void, follows = true): () => void {
  const ran = useRef<{ readonly backend: string; readonly args?: unknown }>({ backend: '' });
  const start = useCallback(() => {
    ran.current = { backend, args };
    run();
  }, [run, backend, args]);
  useEffect(() => {
    const before = ran.current;
    if (backend === '' || (before.backend === backend && before.args === args)) return undefined;
    if (!follows) return undefined;
    const timer = setTimeout(
      () => {
        if (ran.current === before) start();
      },
      before.backend === backend ? SETTLED : 0,
    );
    return () => clearTimeout(timer);
  }, [start, backend, args, follows]);
  return start;
}
