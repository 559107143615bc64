// Room in which kernels keep something for a moment, of which every thread has its own: the static memory of the
// module is one for all threads, so nothing may be written there but by the thread that started it.

/** Bytes of a thread's own memory. */
const BYTES: i32 = 256;
const FIRST: usize = memory.data(256);

let own: usize = FIRST;

/** Address of the room of this thread. A kernel may use all of it; the next one may too. */
@inline
export function threadMemory(): usize {
  return own;
}

/** How much room `useThreadMemory` takes. */
export function threadMemoryBytes(): i32 {
  return BYTES;
}

/** From now on this thread's room is at `address`, a multiple of 16. To be called once in each other thread. */
export function useThreadMemory(address: usize): void {
  own = address;
}
