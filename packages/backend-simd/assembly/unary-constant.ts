// Constants of vector functions live in memory: asc turns a splatted literal into a constant that the engine
// rebuilds at every use, which costs up to three times the function.

/** Element i of a table of floats or integers in all four lanes. */
@inline
export function constant(table: usize, i: usize): v128 {
  return v128.load32_splat(table + (i << 2));
}
