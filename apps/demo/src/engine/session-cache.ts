/** What took time to compute, kept while the page is open. */

/**
 * A function that makes what it has not made yet. What fails or is cancelled is not kept.
 *
 * @param most how many results are kept; the one that was used longest ago goes first.
 */
export function sessionCache<T>(
  most: number,
): (name: readonly unknown[], make: () => Promise<T>) => Promise<T> {
  const kept = new Map<string, T>();
  return async (parts, make) => {
    const name = JSON.stringify(parts);
    const value = kept.get(name) ?? (await make());
    kept.delete(name);
    kept.set(name, value);
    for (const oldest of kept.keys()) {
      if (kept.size <= most) break;
      kept.delete(oldest);
    }
    return value;
  };
}
