/**
 * DiffPairwise: reductions over all pairs of rows (see the pairwise functions of @diff/core), in one dispatch, streaming
 * over the rows of y through workgroup memory.
 *
 * An invocation does one row of x. Tiles of TILE rows of y come in slices of LANES columns, so rows may be as long as
 * they like. Sums go tile by tile into blocks of BLOCK rows and these into the total: 10⁵ terms lose no more than a few
 * ulp.
 */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { dispatch, LANES } from '../dispatch.ts';
import { kernel } from '../kernel.ts';
import { expOf, lnPositive } from '../wgsl/elementary.ts';

interface PairwiseInputs {
  readonly x: TensorInfo;
  readonly y: TensorInfo;
  readonly weights?: TensorInfo;
  readonly potential?: TensorInfo;
}

interface PairwiseAttrs {
  readonly reduce: 'sumExp' | 'sumDistance' | 'logSumExp' | 'nearest';
  readonly scale: number;
  readonly k: number;
  readonly excludeDiagonal: boolean;
}

/** Rows of y at a time. */
const TILE = 16;
/** Rows of y whose terms are added up before they are added to the total. */
const BLOCK = 512;

/** What one reduction declares, does with the pair (i, j), does after a block of rows, and writes at the end. */
interface Reduction {
  readonly functions?: string;
  readonly start: string;
  readonly pair: string;
  readonly block?: string;
  readonly finish: string;
}

const sum = (term: string, weighted: boolean): Reduction => ({
  start: 'var total = 0.0; var part = 0.0;',
  pair: `part += ${weighted ? 'weights[j] * ' : ''}${term};`,
  block: 'total += part; part = 0.0;',
  finish: 'result[i] = total + part;',
});

const logSumExp: Reduction = {
  functions: lnPositive + expOf,
  start: 'var total = 0.0; var part = 0.0; var most = u.floats[0].y;', // −∞
  pair: `
      let l = potential[j] - scale * squared;
      if (l > most) { let shrink = expOf(most - l); total *= shrink; part *= shrink; most = l; }
      part += select(expOf(l - most), 0.0, l < -3.4e38);`,
  block: 'total += part; part = 0.0;',
  finish: 'total += part; result[i] = select(most + lnPositive(total), most, total == 0.0);',
};

const nearest: Reduction = {
  start: 'let k = u.ints[0].w; var found = 0u;',
  pair: `
      if (found < k || squared < distance[i * k + found - 1u]) {
        var place = min(found, k - 1u);
        while (place > 0u && squared < distance[i * k + place - 1u]) {
          distance[i * k + place] = distance[i * k + place - 1u];
          index[i * k + place] = index[i * k + place - 1u];
          place--;
        }
        distance[i * k + place] = squared;
        index[i * k + place] = i32(j);
        found = min(found + 1u, k);
      }`,
  finish:
    'for (var place = 0u; place < k; place++) { distance[i * k + place] = sqrt(distance[i * k + place]); }',
};

function reductionOf({ reduce }: PairwiseAttrs, weighted: boolean): Reduction {
  if (reduce === 'sumExp') return { functions: expOf, ...sum('expOf(-scale * squared)', weighted) };
  if (reduce === 'sumDistance') return sum('sqrt(squared)', weighted);
  return reduce === 'logSumExp' ? logSumExp : nearest;
}

const code = (attrs: PairwiseAttrs, weighted: boolean): string => {
  const { functions = '', start, pair, block = '', finish } = reductionOf(attrs, weighted);
  return `
var<workgroup> tile: array<f32, ${TILE * LANES}>;
${functions}
fn run(group: u32, lane: u32) {
  let n = u.ints[0].x;
  let m = u.ints[0].y;
  let d = u.ints[0].z;
  let scale = u.floats[0].x;
  let i = group * ${LANES}u + lane;
  let row = min(i, n - 1u);
  ${start}
  var gaps: array<f32, ${TILE}>; // set to 0 by hand: declared in the loop, not every compiler clears it each time
  for (var first = 0u; first < m; first += ${TILE}u) {
    let size = min(${TILE}u, m - first);
    for (var t = 0u; t < ${TILE}u; t++) { gaps[t] = 0.0; }
    for (var column = 0u; column < d; column += ${LANES}u) {
      let width = min(${LANES}u, d - column);
      workgroupBarrier();
      for (var at = lane; at < size * width; at += ${LANES}u) {
        tile[at] = y[(first + at / width) * d + column + at % width];
      }
      workgroupBarrier();
      for (var c = 0u; c < width; c++) {
        let xc = x[row * d + column + c];
        for (var t = 0u; t < size; t++) {
          let gap = xc - tile[t * width + c];
          gaps[t] = fma(gap, gap, gaps[t]);
        }
      }
    }
    if (i < n) {
      for (var t = 0u; t < size; t++) {
        let j = first + t;
        let squared = gaps[t];
        ${attrs.excludeDiagonal ? 'if (i == j) { continue; }' : ''}
        ${pair}
      }
      ${block && `if ((first + size) % ${BLOCK}u == 0u) { ${block} }`}
    }
  }
  if (i >= n) { return; }
  ${finish}
}
`;
};

export const diffPairwiseConfig: KernelConfig = kernel<PairwiseInputs, PairwiseAttrs>(
  'DiffPairwise',
  ({ inputs, attrs, backend }) => {
    const { x, y } = inputs;
    const [n, d] = x.shape as [number, number];
    const m = y.shape[0]!;
    const { reduce, scale, k, excludeDiagonal } = attrs;
    const optional = { weights: inputs.weights, potential: inputs.potential };
    const given = Object.entries(optional).flatMap(([name, tensor]) => (tensor ? [{ name, tensor }] : []));
    const outputs =
      reduce === 'nearest'
        ? ([
            { name: 'distance', shape: [n, k], dtype: 'float32' },
            { name: 'index', shape: [n, k], dtype: 'int32' },
          ] as const)
        : ([{ name: 'result', shape: [n], dtype: 'float32' }] as const);
    return dispatch(backend, {
      name: `DiffPairwise ${reduce} ${given.map(({ name }) => name).join(' ')} ${excludeDiagonal}`,
      code: () => code(attrs, inputs.weights !== undefined),
      outputs: outputs.map((output) => ({ ...output, shape: [...output.shape] })),
      inputs: [{ name: 'x', tensor: x }, { name: 'y', tensor: y }, ...given],
      ints: [n, m, d, k],
      floats: [scale, Number.NEGATIVE_INFINITY],
      invocations: Math.ceil(n / LANES),
      byGroup: true,
    });
  },
);
