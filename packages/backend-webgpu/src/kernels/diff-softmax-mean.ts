/**
 * DiffSoftmaxMean: posterior mean and log-density of an isotropic Gaussian mixture under noise (see `softmaxMean` in
 * @diff/core), in one dispatch, streaming over the components through workgroup memory.
 *
 * Rows of up to 16 numbers: an invocation keeps its row and its sums in registers and walks through tiles of components
 * that its workgroup shares. Longer rows: a workgroup shares one row; its lanes take a component each for the exponents
 * and then a column each for the sums, which live in the output.
 */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { dispatch, LANES } from '../dispatch.ts';
import { kernel } from '../kernel.ts';
import { expOf, lnPositive } from '../wgsl/elementary.ts';

interface SoftmaxMeanInputs {
  readonly x: TensorInfo;
  readonly centres: TensorInfo;
  readonly logWeights: TensorInfo;
  readonly variance?: TensorInfo;
  readonly noiseVariance?: TensorInfo;
  readonly values?: TensorInfo;
}

interface SoftmaxMeanAttrs {
  readonly variance: number | null;
  readonly noiseVariance: number | null;
  readonly blend: readonly [x: number, mean: number] | null;
}

interface Form {
  readonly d: number;
  readonly m: number;
  readonly variances: boolean;
  readonly noiseVariances: boolean;
  readonly values: boolean;
  readonly blend: boolean;
}

/** Longest row, and longest result, that stays in registers. */
const REGISTERS = 16;
const TWO_PI = '6.283185307179586';

/** What both forms read of a row and of a component. */
const law = ({ variances, noiseVariances, values, blend }: Form): string => `
${lnPositive}
${expOf}
fn varianceOf(k: u32) -> f32 { return ${variances ? 'variance[k]' : 'u.floats[0].x'}; }
fn noiseVarianceOf(row: u32) -> f32 { return ${noiseVariances ? 'noiseVariance[row]' : 'u.floats[0].y'}; }
fn negligible(logWeight: f32) -> bool { return logWeight < -3.4e38; }
fn exponent(logWeight: f32, squared: f32, v: f32) -> f32 {
  return logWeight - 0.5 * u.floats[0].z * lnPositive(${TWO_PI} * v) - squared / (2.0 * v);
}
fn pulled(centre: f32, x: f32, gain: f32) -> f32 { return ${values ? 'centre' : 'fma(gain, x - centre, centre)'}; }
fn result(mean: f32, x: f32) -> f32 { return ${blend ? 'fma(u.floats[1].x, x, u.floats[1].y * mean)' : 'mean'}; }
`;

function rowInRegisters(form: Form): string {
  const { d, m, values, blend } = form;
  return `
var<workgroup> tileCentres: array<f32, ${LANES * Math.max(d, 1)}>;
${values ? `var<workgroup> tileValues: array<f32, ${LANES * Math.max(m, 1)}>;` : ''}
var<workgroup> tileLogWeights: array<f32, ${LANES}>;
var<workgroup> tileVariances: array<f32, ${LANES}>;
${law(form)}
fn run(group: u32, lane: u32) {
  let n = u.ints[0].x;
  let count = u.ints[0].y;
  let row = group * ${LANES}u + lane;
  let present = row < n;
  var at: array<f32, ${Math.max(d, 1)}>;
  var sums: array<f32, ${Math.max(m, 1)}>;
  var noise = 1.0;
  if (present) {
    for (var j = 0u; j < ${d}u; j++) { at[j] = x[row * ${d}u + j]; }
    noise = noiseVarianceOf(row);
  }
  var most = u.floats[0].w; // −∞
  var total = 0.0;
  for (var first = 0u; first < count; first += ${LANES}u) {
    workgroupBarrier();
    let mine = first + lane;
    if (mine < count) {
      for (var j = 0u; j < ${d}u; j++) { tileCentres[lane * ${d}u + j] = centres[mine * ${d}u + j]; }
      ${values ? `for (var j = 0u; j < ${m}u; j++) { tileValues[lane * ${m}u + j] = values[mine * ${m}u + j]; }` : ''}
      tileLogWeights[lane] = logWeights[mine];
      tileVariances[lane] = varianceOf(mine);
    }
    workgroupBarrier();
    let size = min(${LANES}u, count - first);
    for (var k = 0u; k < size; k++) {
      if (negligible(tileLogWeights[k])) { continue; }
      var squared = 0.0;
      for (var j = 0u; j < ${d}u; j++) {
        let gap = at[j] - tileCentres[k * ${d}u + j];
        squared = fma(gap, gap, squared);
      }
      let v = tileVariances[k] + noise;
      let l = exponent(tileLogWeights[k], squared, v);
      if (l > most) {
        let shrink = expOf(most - l);
        total *= shrink;
        for (var j = 0u; j < ${m}u; j++) { sums[j] *= shrink; }
        most = l;
      }
      let r = expOf(l - most);
      total += r;
      let gain = tileVariances[k] / v;
      for (var j = 0u; j < ${m}u; j++) {
        sums[j] = fma(r, ${values ? `tileValues[k * ${m}u + j]` : `pulled(tileCentres[k * ${d}u + j], at[j], gain)`}, sums[j]);
      }
    }
  }
  if (!present) { return; }
  for (var j = 0u; j < ${m}u; j++) { mean[row * ${m}u + j] = result(sums[j] / total, ${blend ? 'at[j]' : '0.0'}); }
  logDensity[row] = select(most, most + lnPositive(total), total > 0.0);
}
`;
}

function rowPerGroup(form: Form): string {
  const { values, blend } = form;
  return `
var<workgroup> logits: array<f32, ${LANES}>;
var<workgroup> shares: array<f32, ${LANES}>;
var<workgroup> gains: array<f32, ${LANES}>;
${law(form)}
fn run(group: u32, lane: u32) {
  let n = u.ints[0].x;
  let count = u.ints[0].y;
  let d = u.ints[0].z;
  let m = u.ints[0].w;
  let row = min(group, n - 1u); // a surplus group repeats the last row, and writes nothing
  let mine = group < n;
  let noise = noiseVarianceOf(row);
  var most = u.floats[0].w; // −∞
  var total = 0.0;
  if (mine) {
    for (var j = lane; j < m; j += ${LANES}u) { mean[row * m + j] = 0.0; }
  }
  for (var first = 0u; first < count; first += ${LANES}u) {
    let k = first + lane;
    let size = min(${LANES}u, count - first);
    var l = u.floats[0].w;
    var live = false;
    if (k < count) {
      let v = varianceOf(k) + noise;
      gains[lane] = varianceOf(k) / v;
      live = !negligible(logWeights[k]);
      if (live) {
        var squared = 0.0;
        for (var j = 0u; j < d; j++) {
          let gap = x[row * d + j] - centres[k * d + j];
          squared = fma(gap, gap, squared);
        }
        l = exponent(logWeights[k], squared, v);
      }
    }
    logits[lane] = l;
    workgroupBarrier();
    var highest = most;
    for (var i = 0u; i < size; i++) { highest = select(highest, logits[i], logits[i] > highest); }
    let shrink = select(expOf(most - highest), 1.0, most == highest);
    shares[lane] = 0.0;
    if (live) { shares[lane] = expOf(l - highest); }
    workgroupBarrier();
    most = highest;
    var added = 0.0;
    for (var i = 0u; i < size; i++) { added += shares[i]; }
    total = fma(total, shrink, added);
    if (mine) {
      for (var j = lane; j < m; j += ${LANES}u) {
        var sum = mean[row * m + j] * shrink;
        for (var i = 0u; i < size; i++) {
          sum = fma(shares[i], ${values ? 'values[(first + i) * m + j]' : 'pulled(centres[(first + i) * d + j], x[row * d + j], gains[i])'}, sum);
        }
        mean[row * m + j] = sum;
      }
    }
    workgroupBarrier();
  }
  if (!mine) { return; }
  for (var j = lane; j < m; j += ${LANES}u) {
    mean[row * m + j] = result(mean[row * m + j] / total, ${blend ? 'x[row * d + j]' : '0.0'});
  }
  if (lane == 0u) { logDensity[row] = select(most, most + lnPositive(total), total > 0.0); }
}
`;
}

export const diffSoftmaxMeanConfig: KernelConfig = kernel<SoftmaxMeanInputs, SoftmaxMeanAttrs>(
  'DiffSoftmaxMean',
  ({ inputs, attrs, backend }) => {
    const { x, centres } = inputs;
    const [n, d] = x.shape as [number, number];
    const count = centres.shape[0]!;
    // The inputs come as an array with names: `inputs.values` alone would be a method of arrays.
    const values = Object.hasOwn(inputs, 'values') ? inputs.values : undefined;
    const m = values ? values.shape[1]! : d;
    const form: Form = {
      d,
      m,
      variances: inputs.variance !== undefined,
      noiseVariances: inputs.noiseVariance !== undefined,
      values: values !== undefined,
      blend: Boolean(attrs.blend),
    };
    const short = d <= REGISTERS && m <= REGISTERS;
    const optional = { variance: inputs.variance, noiseVariance: inputs.noiseVariance, values };
    const given = Object.entries(optional).flatMap(([name, tensor]) => (tensor ? [{ name, tensor }] : []));
    const used = [...given.map(({ name }) => name), ...(attrs.blend ? ['blend'] : [])].join(' ');
    return dispatch(backend, {
      name: `DiffSoftmaxMean ${short ? `${d} ${m}` : 'long'} ${used}`,
      code: () => (short ? rowInRegisters(form) : rowPerGroup(form)),
      outputs: [
        { name: 'mean', shape: [n, m], dtype: 'float32' },
        { name: 'logDensity', shape: [n], dtype: 'float32' },
      ],
      inputs: [
        { name: 'x', tensor: x },
        { name: 'centres', tensor: centres },
        { name: 'logWeights', tensor: inputs.logWeights },
        ...given,
      ],
      ints: [n, count, d, m],
      floats: [
        ...[attrs.variance ?? 0, attrs.noiseVariance ?? 0, d, Number.NEGATIVE_INFINITY],
        ...(attrs.blend ?? []),
      ],
      invocations: short ? Math.ceil(n / LANES) : n,
      byGroup: true,
    });
  },
);
