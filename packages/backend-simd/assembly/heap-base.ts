/** First byte after the module's static data: the allocator of src/memory.ts owns everything from here on. */
export const heapBase: usize = __heap_base;
