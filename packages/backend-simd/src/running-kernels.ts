/**
 * The books of running kernels, one of which may run another: the working memory that they hold and the references that
 * they have made, so that a kernel gives the first back when it returns, and both when it throws (out of memory, a cpu
 * kernel's complaint).
 */
import type { DataId } from '@tensorflow/tfjs-core';
import type { Heap } from './heap.ts';

export interface RunningKernels {
  /** Runs a kernel, then gives back what the books say. */
  guarded<Result>(run: () => Result): Result;
  /** Address of working memory until the running kernel returns. @throws OutOfMemoryError */
  scratch(bytes: number): number;
  /** Enters a reference that the running kernel, if one is, would have to give back. */
  made(dataId: DataId): void;
  /** Strikes it out: it has been given back. */
  discarded(dataId: DataId): void;
}

/** @param giveBack disposes of one reference */
export function runningKernels(heap: Heap, giveBack: (dataId: DataId) => void): RunningKernels {
  const blocks: { readonly address: number; readonly bytes: number }[] = [];
  const references: DataId[] = [];
  let depth = 0;
  return {
    guarded(run) {
      const [held, made] = [blocks.length, references.length];
      depth++;
      try {
        return run();
      } catch (error) {
        while (references.length > made) giveBack(references.pop()!);
        throw error;
      } finally {
        while (blocks.length > held) {
          const { address, bytes } = blocks.pop()!;
          heap.release(address, bytes);
        }
        if (--depth === 0) references.length = 0;
      }
    },
    scratch(bytes) {
      const address = heap.allocate(bytes, () => `working memory of ${bytes} bytes`);
      blocks.push({ address, bytes });
      return address;
    },
    made(dataId) {
      if (depth > 0) references.push(dataId);
    },
    discarded(dataId) {
      const at = references.lastIndexOf(dataId);
      if (at >= 0) references.splice(at, 1);
    },
  };
}
