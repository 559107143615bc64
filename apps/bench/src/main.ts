/** Entry of the benchmark. */
export {};
