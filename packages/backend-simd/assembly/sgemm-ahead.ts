/**
 * Loads what the next rows of a matrix product need while the rows before them are computed: a line of 64 bytes now
 * and then, by a load whose result nobody uses. (No compiler drops it: a load may trap.)
 *
 * A tile reads and writes several rows at once, which no processor's own prefetching follows across rows; where A or C
 * does not fit the second-level cache, waiting for their lines took a quarter of the time.
 */

/** Two stretches of memory: where each goes on and ends, and how many bytes are next. */
let at0: usize = 0, end0: usize = 0, bytes0: usize = 0;
let at1: usize = 0, end1: usize = 0, bytes1: usize = 0;

/** From now on `ahead` loads a share of these two stretches, all of them in `turns` calls. */
@inline
export function startAhead(from0: usize, size0: usize, from1: usize, size1: usize, turns: usize): void {
  at0 = from0;
  end0 = from0 + size0;
  bytes0 = share(size0, turns);
  at1 = from1;
  end1 = from1 + size1;
  bytes1 = share(size1, turns);
}

@inline
function share(size: usize, turns: usize): usize {
  return (size / turns & ~63) + 64;
}

@inline
export function ahead(): void {
  at0 = touch(at0, min(at0 + bytes0, end0));
  at1 = touch(at1, min(at1 + bytes1, end1));
}

@inline
function touch(at: usize, end: usize): usize {
  for (; at < end; at += 64) load<u8>(at);
  return at;
}
