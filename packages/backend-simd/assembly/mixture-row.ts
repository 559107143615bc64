// One row of softmaxMean in float64, for points that leave the range of float32: two passes over the components, the
// first for the maximum. Formulas in softmax-mean.ts.

const LN_2PI: f64 = 1.8378770664093453;

function exponent(
  x: usize, d: i32, centre: usize, logWeight: f64, v: f64,
): f64 {
  let squared: f64 = 0;
  for (let j: usize = 0; j < <usize>d; j++) {
    const difference = <f64>load<f32>(x + (j << 2)) - <f64>load<f32>(centre + (j << 2));
    squared += difference * difference;
  }
  return logWeight - 0.5 * <f64>d * (Math.log(v) + LN_2PI) - squared / (2 * v);
}

/**
 * All exponents −∞ (no component has weight here): log-density −∞, mean NaN. A NaN anywhere makes both NaN.
 *
 * @param variances one per component, or 0: the number `variance`
 * @param values rows of m, or 0: then m is d
 */
export function mixtureRow(
  x: usize, d: i32, centres: usize, count: i32, logWeights: usize, variances: usize, variance: f64, noise: f64,
  values: usize, m: i32, mean: usize, logDensity: usize,
): void {
  const rowBytes = <usize>d << 2;
  let maximum: f64 = -Infinity;
  for (let k: usize = 0; k < <usize>count; k++) {
    const component = variances === 0 ? variance : <f64>load<f32>(variances + (k << 2));
    const e = exponent(x, d, centres + k * rowBytes, <f64>load<f32>(logWeights + (k << 2)), component + noise);
    if (e > maximum || isNaN(e)) maximum = e;
    if (isNaN(e)) break;
  }
  for (let c: usize = 0; c < <usize>m; c++) store<f32>(mean + (c << 2), isFinite(maximum) ? 0 : NaN);
  if (!isFinite(maximum)) {
    store<f32>(logDensity, <f32>maximum);
    return;
  }
  let sum: f64 = 0;
  for (let k: usize = 0; k < <usize>count; k++) {
    const component = variances === 0 ? variance : <f64>load<f32>(variances + (k << 2));
    const e = exponent(x, d, centres + k * rowBytes, <f64>load<f32>(logWeights + (k << 2)), component + noise);
    sum += Math.exp(e - maximum);
  }
  for (let k: usize = 0; k < <usize>count; k++) {
    const component = variances === 0 ? variance : <f64>load<f32>(variances + (k << 2));
    const v = component + noise;
    const e = exponent(x, d, centres + k * rowBytes, <f64>load<f32>(logWeights + (k << 2)), v);
    const weight = Math.exp(e - maximum) / sum;
    if (weight === 0) continue;
    for (let c: usize = 0; c < <usize>m; c++) {
      const at = mean + (c << 2);
      const row = values === 0 ? centres : values;
      let value = <f64>load<f32>(row + k * (<usize>m << 2) + (c << 2));
      if (values === 0) value += (component / v) * (<f64>load<f32>(x + (c << 2)) - value);
      store<f32>(at, <f32>(<f64>load<f32>(at) + weight * value));
    }
  }
  store<f32>(logDensity, <f32>(maximum + Math.log(sum)));
}
