/**
 * Adaptive Gauss–Kronrod quadrature (7 and 15 points), float64: for gains and moments that have no closed form.
 *
 * An interval is halved until the two rules agree to `tolerance` relative to the whole integral. Nodes never touch
 * the ends, so an integrable singularity there (1/√u, say) only costs halvings. Source: Piessens et al., QUADPACK,
 * 1983 (nodes and weights of QK15).
 */
import { NumericalError, shown } from '@diff/core';

const NODES = [
  0.991455371120812639206854697526329, 0.949107912342758524526189684047851,
  0.864864423359769072789712788640926, 0.741531185599394439863864773280788,
  0.58608723546769113029414483825873, 0.405845151377397166906606412076961,
  0.207784955007898467600689403773245, 0,
];
const KRONROD = [
  0.02293532201052922496373200805897, 0.063092092629978553290700663189204,
  0.104790010322250183839876322541518, 0.140653259715525918745189590510238,
  0.16900472663926790282829543110237, 0.190350578064785409913256402421014,
  0.204432940075298892414161999234649, 0.209482141084727828012999174891714,
];
const GAUSS = [
  0.129484966168869693270611432679082, 0.27970539148927666790146777142378,
  0.381830050505118944950369775488975, 0.417959183673469387755102040816327,
];

interface Piece {
  readonly a: number;
  readonly b: number;
  readonly value: number;
  readonly error: number;
}

function rule(f: (u: number) => number, a: number, b: number): Piece {
  const middle = 0.5 * (a + b);
  const half = 0.5 * (b - a);
  let kronrod = 0;
  let gauss = 0;
  NODES.forEach((node, i) => {
    const both = node === 0 ? f(middle) : f(middle - half * node) + f(middle + half * node);
    kronrod += KRONROD[i]! * both;
    if (i % 2 === 1) gauss += GAUSS[(i - 1) / 2]! * both;
  });
  return { a, b, value: kronrod * half, error: Math.abs(kronrod - gauss) * Math.abs(half) };
}

/**
 * ∫_a^b f(u) du.
 *
 * @param tolerance relative to the integral; default 1e-13.
 * @throws NumericalError when f is not finite, or when 2,000 pieces do not reach the tolerance.
 */
export function integrate(f: (u: number) => number, a: number, b: number, tolerance = 1e-13): number {
  if (a === b) return 0;
  const pieces = [rule(f, a, b)];
  for (;;) {
    let value = 0;
    let error = 0;
    let worst = 0;
    pieces.forEach((piece, i) => {
      value += piece.value;
      error += piece.error;
      if (piece.error > pieces[worst]!.error) worst = i;
    });
    if (!Number.isFinite(value)) {
      throw new NumericalError(
        `integrate: the integrand must be finite on (${a}, ${b}), got a sum of ${shown(value)}. Choose an interval without a singularity.`,
      );
    }
    const { a: left, b: right } = pieces[worst]!;
    const middle = 0.5 * (left + right);
    const indivisible = middle === left || middle === right;
    if (error <= tolerance * Math.abs(value) || error < 1e-300 || indivisible) return value;
    if (pieces.length >= 2000) {
      throw new NumericalError(
        `integrate: the error must fall below ${tolerance} of the integral, got ${error / Math.abs(value)} with 2000 pieces. Give the closed form, or a smoother function.`,
      );
    }
    pieces[worst] = rule(f, left, middle);
    pieces.push(rule(f, middle, right));
  }
}
