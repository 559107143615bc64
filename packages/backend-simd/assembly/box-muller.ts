// Words → standard normals, in place: pairs (a, b) of words of a block give (r cos θ, r sin θ) with
// r = √(−2 ln u), u = a·2⁻³² + 2⁻³³ rounded to float32, θ = 2π·(b as int32)·2⁻³². Every lane goes through the same
// operations, so a number does not depend on where in the buffer it is made.
//
// With s = θ/2π, |s| ≤ ½: cos θ = −sin(2π(|s| − ¼)), sin θ = sgn(s) sin(2π min(|s|, ½ − |s|)); both arguments are
// exact where they are small, so one odd polynomial on [−¼, ¼] serves both.
import { fma } from './fma';
import { logConstant, logPositive } from './log-positive';
import { storeTransposed } from './threefry';

const C: usize = memory.data<f32>([
  6.2831854820251465, // sin(2πg)/g as a polynomial in g²
  -41.341766357421875,
  81.60863494873047,
  -76.72798156738281,
  40.875911712646484,
  65536,
  2.3283064365386963e-10, // 2⁻³²
  1.1641532182693481e-10, // 2⁻³³
  -2,
  0.25,
  0.5,
]);

@inline
function constant(i: i32): v128 {
  return v128.load32_splat(C + (<usize>i << 2));
}

@inline
function sinTurn(g: v128, s0: v128, s1: v128, s2: v128, s3: v128, s4: v128): v128 {
  const g2 = f32x4.mul(g, g);
  let p = fma(s4, g2, s3);
  p = fma(p, g2, s2);
  p = fma(p, g2, s1);
  p = fma(p, g2, s0);
  return f32x4.mul(p, g);
}

/** Groups as threefryGroups leaves them → normals in the order of the stream. */
export function boxMuller(at: usize, groups: i32): void {
  radii(at, groups);
  turn(at, groups);
}

/** The first and third vector of each group become the radii. */
function radii(at: usize, groups: i32): void {
  const c0 = logConstant(0);
  const c1 = logConstant(1);
  const c2 = logConstant(2);
  const c3 = logConstant(3);
  const c4 = logConstant(4);
  const c5 = logConstant(5);
  const c6 = logConstant(6);
  const c7 = logConstant(7);
  const c8 = logConstant(8);
  const c9 = logConstant(9);
  const c10 = logConstant(10);
  const c11 = logConstant(11);
  const c12 = logConstant(12);
  const two16 = constant(5);
  const scale = constant(6);
  const half = constant(7);
  const minusTwo = constant(8);
  const lowMask = i32x4.splat(0xffff);
  const end = at + (<usize>groups << 7);
  for (; at < end; at += 32) {
    const a = v128.load(at);
    // Unsigned word → float32 with one rounding: both halves are exact.
    const high = f32x4.convert_i32x4_s(i32x4.shr_u(a, 16));
    const low = f32x4.convert_i32x4_s(v128.and(a, lowMask));
    const u = fma(fma(high, two16, low), scale, half);
    const ln = logPositive(u, c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12);
    v128.store(at, f32x4.sqrt(f32x4.mul(ln, minusTwo)));
  }
}

function turn(at: usize, groups: i32): void {
  const s0 = constant(0);
  const s1 = constant(1);
  const s2 = constant(2);
  const s3 = constant(3);
  const s4 = constant(4);
  const scale = constant(6);
  const quarter = constant(9);
  const half = constant(10);
  const sign = i32x4.splat(0x80000000);
  const end = at + (<usize>groups << 7);
  for (; at < end; at += 64) {
    const s = f32x4.mul(f32x4.convert_i32x4_s(v128.load(at, 16)), scale);
    const t = f32x4.mul(f32x4.convert_i32x4_s(v128.load(at, 48)), scale);
    const r = v128.load(at);
    const q = v128.load(at, 32);
    const absS = v128.andnot(s, sign);
    const absT = v128.andnot(t, sign);
    const n0 = f32x4.mul(r, sinTurn(f32x4.sub(quarter, absS), s0, s1, s2, s3, s4));
    const n2 = f32x4.mul(q, sinTurn(f32x4.sub(quarter, absT), s0, s1, s2, s3, s4));
    const n1 = f32x4.mul(r, sinTurn(v128.or(f32x4.pmin(absS, f32x4.sub(half, absS)), v128.and(s, sign)), s0, s1, s2, s3, s4));
    const n3 = f32x4.mul(q, sinTurn(v128.or(f32x4.pmin(absT, f32x4.sub(half, absT)), v128.and(t, sign)), s0, s1, s2, s3, s4));
    storeTransposed(at, n0, n1, n2, n3);
  }
}
