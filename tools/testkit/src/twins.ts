/**
 * Plain float64 twins of the diffusion ops: what the definitions say, with nothing shared with the kernels but the
 * Threefry words, which have published vectors of their own.
 */
export type Words = (index: number, tag: number) => number;

/** Word `index` of the stream, from a Threefry block function. */
export function streamOf(
  key: readonly [number, number, number, number],
  threefry: (
    key: readonly [number, number, number, number],
    c0: number,
    c1: number,
    c2: number,
    c3: number,
    out: Uint32Array,
    offset: number,
  ) => void,
): Words {
  const out = new Uint32Array(4);
  return (index, tag) => {
    const block = Math.floor(index / 4);
    threefry(key, block % 2 ** 32, Math.floor(block / 2 ** 32), 0, tag, out, 0);
    return out[index % 4]!;
  };
}

export function uniformTwin(words: Words, index: number): number {
  return Math.floor(words(index, 1) / 256) / 2 ** 24;
}

export function rademacherTwin(words: Words, index: number): number {
  return words(index, 2) >= 2 ** 31 ? -1 : 1;
}

export function normalTwin(words: Words, index: number): number {
  const even = index - (index % 2);
  const u = Math.fround(Math.fround(words(even, 0)) / 2 ** 32 + 2 ** -33);
  const b = words(even + 1, 0);
  const angle = (2 * Math.PI * Math.fround(b >= 2 ** 31 ? b - 2 ** 32 : b)) / 2 ** 32;
  const radius = Math.sqrt(-2 * Math.log(u));
  return radius * (index === even ? Math.cos(angle) : Math.sin(angle));
}

/** Rows of numbers. */
export type Rows = readonly (readonly number[])[];

export interface MixtureTwin {
  readonly variance: (k: number) => number;
  readonly noiseVariance: (i: number) => number;
  readonly logWeight: (k: number) => number;
  readonly values?: Rows;
  readonly blend?: readonly [number, number];
}

export function softmaxMeanTwin(
  x: Rows,
  centres: Rows,
  options: MixtureTwin,
): { mean: number[]; logDensity: number[] } {
  const mean: number[] = [];
  const logDensity: number[] = [];
  x.forEach((row, i) => {
    const d = row.length;
    const logits = centres.map((c, k) => {
      const v = options.variance(k) + options.noiseVariance(i);
      const squared = c.reduce((sum, cj, j) => sum + (row[j]! - cj) ** 2, 0);
      return options.logWeight(k) - (d / 2) * Math.log(2 * Math.PI * v) - squared / (2 * v);
    });
    const top = Math.max(...logits);
    const total = logits.reduce((sum, l) => sum + Math.exp(l - top), 0);
    logDensity.push(top + Math.log(total));
    const m = options.values ? options.values[0]!.length : d;
    for (let j = 0; j < m; j++) {
      let sum = 0;
      logits.forEach((l, k) => {
        const r = Math.exp(l - top) / total;
        const gain = options.variance(k) / (options.variance(k) + options.noiseVariance(i));
        sum +=
          r *
          (options.values ? options.values[k]![j]! : centres[k]![j]! + gain * (row[j]! - centres[k]![j]!));
      });
      const [a, b] = options.blend ?? [0, 1];
      mean.push((a === 0 ? 0 : a * row[j]!) + b * sum);
    }
  });
  return { mean, logDensity };
}

export function squaredDistanceTwin(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, aj, j) => sum + (aj - b[j]!) ** 2, 0);
}
