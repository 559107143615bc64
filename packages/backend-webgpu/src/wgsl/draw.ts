/**
 * Four numbers of a noise stream out of one Threefry block, as @diff/core defines them (noise.ts there).
 *
 * A word becomes a float in two exact halves, so it is rounded once, to nearest, whatever the device's conversion
 * does. With s = θ/2π, |s| ≤ ½: cos θ = sin(2π(¼ − |s|)), sin θ = sgn(s) sin(2π min(|s|, ½ − |s|)): one odd polynomial
 * on [−¼, ¼].
 */
import { lnPositive } from './elementary.ts';
import { threefry } from './threefry.ts';

const block = `
fn streamBlock(index: u32, tag: u32) -> vec4<u32> {
  let low = u.ints[1].x + index;
  let high = u.ints[1].y + select(0u, 1u, low < index);
  return threefry(vec4<u32>(low, high, 0u, tag), u.ints[0]);
}
`;

const normal = `
fn sinTurn(g: f32) -> f32 {
  let g2 = g * g;
  var p = fma(40.875911712646484, g2, -76.72798156738281);
  p = fma(p, g2, 81.60863494873047);
  p = fma(p, g2, -41.341766357421875);
  p = fma(p, g2, 6.2831854820251465);
  return p * g;
}

fn boxMuller(a: u32, b: u32) -> vec2<f32> {
  let uniform01 = fma(fma(f32(a >> 16u), 65536.0, f32(a & 0xffffu)), 2.3283064365386963e-10, 1.1641532182693481e-10);
  let radius = sqrt(max(-2.0 * lnPositive(uniform01), 0.0));
  let s = fma(f32(bitcast<i32>(b) >> 16u), 65536.0, f32(b & 0xffffu)) * 2.3283064365386963e-10;
  let size = abs(s);
  let turn = min(size, 0.5 - size);
  return radius * vec2<f32>(sinTurn(0.25 - size), sinTurn(select(turn, -turn, s < 0.0)));
}

fn draw(index: u32) -> vec4<f32> {
  let w = streamBlock(index, 0u);
  return vec4<f32>(boxMuller(w.x, w.y), boxMuller(w.z, w.w));
}
`;

const uniform = `
fn draw(index: u32) -> vec4<f32> {
  return vec4<f32>(streamBlock(index, 1u) >> vec4<u32>(8u)) * 5.9604644775390625e-8;
}
`;

const rademacher = `
fn draw(index: u32) -> vec4<f32> {
  return select(vec4<f32>(1.0), vec4<f32>(-1.0), streamBlock(index, 2u) >= vec4<u32>(0x80000000u));
}
`;

/** WGSL of `draw(index)`: block `index` of the stream with the key u.ints[0] that begins at block u.ints[1].xy. */
export const draw: Readonly<Record<'normal' | 'uniform' | 'rademacher', string>> = {
  normal: threefry + block + lnPositive + normal,
  uniform: threefry + block + uniform,
  rademacher: threefry + block + rademacher,
};
