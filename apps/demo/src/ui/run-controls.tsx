/** Start, cancel, progress and what went wrong. */
import type { JSX } from 'preact';

export interface RunState {
  readonly busy: boolean;
  /** 0 … 1. */
  readonly progress: number;
  readonly message: string;
  readonly failed?: boolean;
}

export function RunControls({
  state: { busy, progress, message, failed = false },
  label = 'Run',
  onRun,
  onCancel,
}: {
  readonly state: RunState;
  readonly label?: string;
  onRun(): void;
  onCancel(): void;
}): JSX.Element {
  return (
    <div class="run">
      {/* aria-disabled: the keyboard stays on what it has pressed */}
      <button type="button" class="primary" onClick={() => busy || onRun()} aria-disabled={busy}>
        {label}
      </button>
      <button type="button" onClick={() => busy && onCancel()} aria-disabled={!busy}>
        Cancel
      </button>
      <progress max={1} value={progress} aria-label="progress of the run" />
      <p class={failed ? 'status failed' : 'status'} role="status">
        {message}
      </p>
    </div>
  );
}
