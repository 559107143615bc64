/** What the page and its worker say to each other. */

/** A backend that the worker knows, and whether this browser can run it. */
export interface BackendState {
  readonly name: BackendName;
  /** Why it cannot be used here; absent where it can, or where nobody has tried yet. */
  readonly missing?: string;
}

export const BACKENDS = ['webgpu', 'simd', 'wasm', 'cpu'] as const;
export type BackendName = (typeof BACKENDS)[number];

/** What runs now, why, and what cannot. */
export interface BackendReport {
  readonly name: BackendName;
  readonly reason: string;
  readonly others: readonly BackendState[];
}

export type Request =
  | { readonly id: number; readonly kind: 'backend'; readonly name: BackendName | 'auto' }
  | { readonly id: number; readonly kind: 'job'; readonly job: string; readonly args: unknown }
  | { readonly id: number; readonly kind: 'cancel' };

export type Reply =
  | { readonly id: number; readonly kind: 'update'; readonly value: unknown }
  | { readonly id: number; readonly kind: 'done'; readonly value: unknown }
  | { readonly id: number; readonly kind: 'failed'; readonly name: string; readonly message: string };

/** A long computation in the worker. It reports as it goes and stops when the signal says so. */
export type Job<Args, Update, Result> = (args: Args, run: JobRun<Update>) => Promise<Result>;

interface JobRun<Update> {
  readonly signal: AbortSignal;
  /** Hands something to the page; buffers in `transfer` move there instead of being copied. */
  update(value: Update, transfer?: Transferable[]): void;
}
