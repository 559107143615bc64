/**
 * The allocator of the tensors' WebAssembly memory.
 *
 * Sizes are rounded up to classes: multiples of 64 bytes up to 512, then 8 classes per doubling, so at most 1/8 of
 * a block is unused and a block freed by one training step fits the same tensor of the next. Each class keeps a
 * stack of free blocks: the last freed, still in the cache, is the first reused. New blocks are cut from the top of
 * the used part, which grows the memory when it must.
 *
 * Before untouched memory is used, free blocks that touch are merged into regions and cut anew, when what is free
 * is worth it; so a program that changes its batch size does not pay for every size that it ever used. If the memory
 * cannot grow, an OutOfMemoryError names the tensor, and nothing has changed.
 *
 * Growing detaches every typed-array view (not those of a shared memory): views are made fresh (`f32(address, n)`)
 * and never kept over an allocation.
 */
import { OutOfMemoryError, SimdBackendError } from './errors.ts';

const PAGE = 65536;
const ALIGN = 64;
const GUARD = 64;
const GUARD_BYTE = 0xa5;
/** 512 bytes = 2⁹: the largest size whose classes are ALIGN apart. */
const LINEAR = 512;

/** What an allocation is for, asked only when it fails. */
type Describe = () => string;

/** Byte counts of the tensor memory. */
export interface HeapStats {
  /** Bytes of blocks that are handed out, rounded up to size classes. */
  readonly inUse: number;
  /** Greatest `inUse` so far. */
  readonly highWater: number;
  /** Number of blocks that are handed out. */
  readonly blocks: number;
  /** Size of the WebAssembly memory. */
  readonly reserved: number;
}

/** Ways to make rare faults frequent; for tests. */
interface HeapStress {
  /** Detach all views at each allocation, as growth does. */
  detach?: boolean;
  /** Fill blocks with NaN when they are handed out and when they come back. */
  poison?: boolean;
  /** Put bytes behind each block (from the next multiple of 64) that must not change, or `release` throws. Only on an empty heap. */
  guard?: boolean;
}

export interface Heap {
  /** A block of at least `bytes` bytes, rounded up to 64, 64-aligned, uninitialised. @throws OutOfMemoryError */
  readonly allocate: (bytes: number, describe: Describe) => number;
  /** Gives a block back; `bytes` as it was asked for. */
  readonly release: (address: number, bytes: number) => void;
  readonly f32: (address: number, length: number) => Float32Array<ArrayBuffer>;
  readonly i32: (address: number, length: number) => Int32Array<ArrayBuffer>;
  readonly u8: (address: number, length: number) => Uint8Array<ArrayBuffer>;
  /** Is this array a view of the tensor memory (so that it dies when the memory grows)? */
  readonly isView: (values: ArrayBufferView) => boolean;
  readonly stats: () => HeapStats;
  readonly stress: (options: HeapStress) => void;
}

function ceiling(bytes: number): number {
  return Math.ceil(bytes / ALIGN) * ALIGN;
}

/** Index of the smallest class that holds `bytes`. */
function classOf(bytes: number): number {
  if (bytes <= LINEAR) return bytes <= ALIGN ? 0 : Math.ceil(bytes / ALIGN) - 1;
  const exponent = 31 - Math.clz32(Math.ceil(bytes / ALIGN) - 1) + 6; // 2^exponent < bytes ≤ 2^(exponent + 1)
  const step = 2 ** (exponent - 3);
  return 7 + (exponent - 9) * 8 + Math.ceil((bytes - 2 ** exponent) / step);
}

/** Size in bytes of a class. */
function sizeOf(index: number): number {
  if (index < 8) return (index + 1) * ALIGN;
  const doubling = Math.floor((index - 8) / 8);
  return 2 ** (9 + doubling) + (((index - 8) % 8) + 1) * 2 ** (6 + doubling);
}

function isSharedBuffer(buffer: ArrayBufferLike): boolean {
  return typeof SharedArrayBuffer !== 'undefined' && buffer instanceof SharedArrayBuffer;
}

function megabytes(bytes: number): string {
  return bytes < 1e5 ? `${bytes} bytes` : `${(bytes / 1e6).toFixed(1)} MB`;
}

interface Region {
  readonly start: number;
  readonly size: number;
}

/** @param base first byte that the allocator may use (after the module's static data). */
export function createHeap(memory: WebAssembly.Memory, base: number): Heap {
  const free: number[][] = [];
  let regions: Region[] = [];
  // Of a shared memory it is a SharedArrayBuffer, which does for views what an ArrayBuffer does.
  let buffer = memory.buffer as ArrayBuffer;
  const isShared = isSharedBuffer(buffer);
  let top = Math.ceil(base / ALIGN) * ALIGN;
  /** Greatest `top` so far. */
  let peak = top;
  let inUse = 0;
  let highWater = 0;
  let blocks = 0;
  let freeBytes = 0;
  let freeAfterMerge = 0;
  let stress: HeapStress = {};

  /** The buffer as it is now: growth detaches the old one, or, of a shared memory, leaves it as it was. */
  function refresh(): ArrayBuffer {
    if (buffer.byteLength === 0) buffer = memory.buffer as ArrayBuffer;
    return buffer;
  }

  function grow(end: number): boolean {
    const missing = Math.ceil((end - refresh().byteLength) / PAGE);
    if (missing <= 0) return true;
    const generous = Math.min(Math.ceil(buffer.byteLength / PAGE / 4), 1024);
    for (const pages of missing < generous ? [generous, missing] : [missing]) {
      try {
        memory.grow(pages);
        buffer = memory.buffer as ArrayBuffer;
        return true;
      } catch {
        // The engine's limit, or the machine's: try less, or give up.
      }
    }
    return false;
  }

  /** Merges neighbouring free blocks; what touches the top goes back to it. */
  function merge(): void {
    const all = regions.concat(
      ...free.map((list, index) => list.map((start) => ({ start, size: sizeOf(index) }))),
    );
    all.sort((p, q) => p.start - q.start);
    for (const list of free) if (list) list.length = 0;
    regions = [];
    for (const { start, size } of all) {
      const last = regions.at(-1);
      if (last && last.start + last.size === start)
        regions[regions.length - 1] = { start: last.start, size: last.size + size };
      else regions.push({ start, size });
    }
    const last = regions.at(-1);
    if (last && last.start + last.size === top) {
      top = last.start;
      freeBytes -= last.size;
      regions.pop();
    }
    freeAfterMerge = freeBytes;
  }

  /** Cuts a block from the smallest region that holds it. */
  function cut(size: number): number {
    let best = -1;
    for (let i = 0; i < regions.length; i++) {
      const region = regions[i]!;
      if (region.size >= size && (best < 0 || region.size < regions[best]!.size)) best = i;
    }
    if (best < 0) return 0;
    const { start, size: whole } = regions[best]!;
    if (whole === size) regions.splice(best, 1);
    else regions[best] = { start: start + size, size: whole - size };
    freeBytes -= size;
    return start;
  }

  function raise(size: number): number {
    if (!grow(top + size)) return 0;
    const address = top;
    top += size;
    if (top > peak) peak = top;
    return address;
  }

  function find(size: number, index: number): number {
    const address = free[index]?.pop();
    if (address !== undefined) {
      freeBytes -= size;
      return address;
    }
    const fromRegion = regions.length ? cut(size) : 0;
    if (fromRegion) return fromRegion;
    if (top + size <= peak) return raise(size);
    // This would take memory that was never used. Merge first if much was freed since the last time.
    if (freeBytes >= size && freeBytes - freeAfterMerge >= (top - base) / 4) {
      merge();
      const merged = cut(size);
      if (merged) return merged;
    }
    const raised = raise(size);
    if (raised) return raised;
    merge();
    return cut(size) || raise(size);
  }

  return {
    allocate(bytes, describe) {
      const index = classOf(stress.guard ? ceiling(bytes) + GUARD : bytes);
      const size = sizeOf(index);
      if (stress.detach) memory.grow(0);
      const address = find(size, index);
      if (!address) {
        throw new OutOfMemoryError(
          `simd: ${describe()} needs ${megabytes(size)}, got none: ${megabytes(inUse)} in ${blocks} blocks are in use and the ` +
            `memory of ${megabytes(refresh().byteLength)} cannot grow so far. Dispose tensors (tf.tidy, dispose) or use smaller batches.`,
        );
      }
      blocks++;
      inUse += size;
      if (inUse > highWater) highWater = inUse;
      if (stress.poison) new Uint32Array(refresh(), address, size / 4).fill(0x7fc0dead);
      if (stress.guard) new Uint8Array(refresh(), address + ceiling(bytes), GUARD).fill(GUARD_BYTE);
      return address;
    },
    release(address, bytes) {
      const index = classOf(stress.guard ? ceiling(bytes) + GUARD : bytes);
      const size = sizeOf(index);
      blocks--;
      inUse -= size;
      freeBytes += size;
      const list = free[index];
      if (list) list.push(address);
      else {
        while (free.length <= index) free.push([]);
        free[index]!.push(address);
      }
      const behind = stress.guard ? new Uint8Array(refresh(), address + ceiling(bytes), GUARD) : undefined;
      const isIntact = behind === undefined || behind.every((byte) => byte === GUARD_BYTE);
      if (stress.poison) new Uint32Array(refresh(), address, size / 4).fill(0x7fc0dead);
      if (!isIntact)
        throw new SimdBackendError(
          `simd: a kernel wrote behind a block of ${bytes} bytes. Please report this.`,
        );
    },
    f32: (address, length) => new Float32Array(refresh(), address, length),
    i32: (address, length) => new Int32Array(refresh(), address, length),
    u8: (address, length) => new Uint8Array(refresh(), address, length),
    // Each growth of a shared memory makes another buffer over the same bytes.
    isView: (values) => (isShared ? isSharedBuffer(values.buffer) : values.buffer === refresh()),
    stats: () => ({ inUse, highWater, blocks, reserved: refresh().byteLength }),
    stress(options) {
      if ((options.guard ?? false) !== (stress.guard ?? false) && blocks > 0) {
        throw new SimdBackendError(
          `heap.stress: guard must be set while no block is handed out, got ${blocks}. Set it before the first tensor.`,
        );
      }
      stress = options;
    },
  };
}
