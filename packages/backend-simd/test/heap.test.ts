import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHeap, type Heap } from '../src/heap.ts';
import { OutOfMemoryError } from '../src/index.ts';

const PAGE = 65536;
const name = () => 'a test block';

function heapOf(maximum: number): Heap {
  return createHeap(new WebAssembly.Memory({ initial: 1, maximum }), 1000);
}

describe('heap', () => {
  it('hands out aligned blocks that never overlap, and keeps what is written in them', () => {
    const command = fc.oneof(
      fc.record({ allocate: fc.oneof(fc.nat(600), fc.nat(40_000), fc.nat(300_000)) }),
      fc.record({ release: fc.nat(1000) }),
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 120 }), fc.constantFrom(8, 20, 400), (commands, pages) => {
        // Now and then too little, so that freed blocks must be joined.
        const heap = heapOf(pages);
        const live: { address: number; bytes: number; mark: number }[] = [];
        let mark = 0;
        for (const step of commands) {
          if ('allocate' in step) {
            let address: number;
            try {
              address = heap.allocate(step.allocate, name);
            } catch {
              expect(pages).toBeLessThan(400);
              continue;
            }
            expect(address % 64).toBe(0);
            expect(address).toBeGreaterThanOrEqual(1000);
            mark = (mark + 1) % 251;
            heap.u8(address, step.allocate).fill(mark);
            live.push({ address, bytes: step.allocate, mark });
          } else if (live.length > 0) {
            const [{ address, bytes }] = live.splice(step.release % live.length, 1) as [(typeof live)[0]];
            heap.release(address, bytes);
          }
        }
        for (const block of live) {
          expect(heap.u8(block.address, block.bytes).every((byte) => byte === block.mark)).toBe(true);
        }
        expect(heap.stats().blocks).toBe(live.length);
        for (const { address, bytes } of live) heap.release(address, bytes);
        expect(heap.stats()).toMatchObject({ blocks: 0, inUse: 0 });
      }),
      { numRuns: 200 },
    );
  });

  it('wastes at most an eighth of a block of 512 bytes or more, and nothing but alignment below', () => {
    for (let bytes = 1; bytes < 3e6; bytes += Math.ceil(bytes / 97)) {
      const heap = heapOf(100);
      heap.allocate(bytes, name);
      const { inUse } = heap.stats();
      expect(inUse).toBeGreaterThanOrEqual(bytes);
      expect(inUse).toBeLessThanOrEqual(Math.max(bytes * 1.125, Math.ceil(bytes / 64) * 64) + 64);
    }
  });

  it('uses a freed block again before the memory grows', () => {
    const heap = heapOf(100);
    const first = heap.allocate(10_000, name);
    heap.release(first, 10_000);
    expect(heap.allocate(10_100, name)).toBe(first);
    const { reserved } = heap.stats();
    for (let i = 0; i < 1000; i++) heap.release(heap.allocate(30_000, name), 30_000);
    expect(heap.stats().reserved).toBe(reserved);
    expect(heap.stats().highWater).toBeLessThan(45_000);
  });

  it('joins small free blocks when a large one is needed and the memory cannot grow', () => {
    const heap = heapOf(10);
    const blocks = Array.from({ length: 9 }, () => heap.allocate(60_000, name));
    for (const address of blocks) heap.release(address, 60_000);
    const large = heap.allocate(500_000, name);
    heap.u8(large, 500_000).fill(7);
    expect(heap.stats().reserved).toBeLessThanOrEqual(10 * PAGE);
  });

  it('joins two freed neighbours as the last resort', () => {
    const heap = heapOf(10);
    const blocks = Array.from({ length: 10 }, () => heap.allocate(60_000, name));
    heap.release(blocks[3]!, 60_000);
    heap.release(blocks[4]!, 60_000);
    expect(heap.allocate(115_000, name)).toBe(blocks[3]);
    expect(() => heap.allocate(60_000, name)).toThrow(OutOfMemoryError);
  });

  it('finds out, when asked to, who writes behind a block', () => {
    const heap = heapOf(10);
    heap.stress({ guard: true, poison: true });
    const address = heap.allocate(130, name);
    expect([...heap.f32(address, 32)]).toEqual(new Array(32).fill(Number.NaN));
    expect(() => heap.stress({})).toThrow(
      'heap.stress: guard must be set while no block is handed out, got 1.',
    );
    heap.u8(address, 192).fill(1);
    expect(() => heap.release(address, 130)).not.toThrow();
    const other = heap.allocate(130, name);
    heap.u8(other, 193)[192] = 1;
    expect(() => heap.release(other, 130)).toThrow('simd: a kernel wrote behind a block of 130 bytes.');
  });

  it('does not keep every size it ever used', () => {
    const heap = heapOf(2000);
    for (let bytes = 100_000; bytes < 1_000_000; bytes += 9_000) {
      const blocks = Array.from({ length: 8 }, () => heap.allocate(bytes, name));
      for (const address of blocks) heap.release(address, bytes);
    }
    expect(heap.stats().highWater).toBeLessThan(9e6);
    expect(heap.stats().reserved).toBeLessThan(20e6);
  });

  it('says what did not fit, and leaves everything as it was', () => {
    const heap = heapOf(4);
    const address = heap.allocate(1000, name);
    heap.f32(address, 250).fill(1.5);
    const before = heap.stats();
    let caught: unknown;
    try {
      heap.allocate(1e6, () => 'float32 tensor [500,500]');
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(OutOfMemoryError);
    expect((caught as Error).message).toMatch(
      /^simd: float32 tensor \[500,500\] needs 1\.0 MB, got none: 1024 bytes in 1 blocks are in use and the memory of \d.* cannot grow so far\. Dispose tensors/,
    );
    expect(heap.stats()).toMatchObject({ inUse: before.inUse, blocks: 1 });
    expect(heap.f32(address, 250).every((x) => x === 1.5)).toBe(true);
    expect(() => heap.allocate(1000, name)).not.toThrow();
  });

  it('makes views that live after growth', () => {
    const heap = heapOf(100);
    const address = heap.allocate(40, name);
    const old = heap.f32(address, 10).fill(2);
    heap.allocate(3e6, name);
    expect(old.length).toBe(0);
    expect([...heap.f32(address, 10)]).toEqual(new Array(10).fill(2));
    expect(heap.isView(heap.u8(address, 3))).toBe(true);
    expect(heap.isView(new Uint8Array(3))).toBe(false);
  });
});
