/**
 * Adaptive Gauss–Kronrod quadrature (7 and 15 points), float64: for gains and moments that have no closed form.
 *
 * An interval is halved until the two rules agree to `tolerance` relative to the whole integral. Nodes never touch
 * the ends, so an integrable singularity there (1/√u, say) only costs halvings. Source: Piessens et al., QUADPACK,
 * 1983 (nodes and weights of QK15).
 */
import { NumericalError, shown } from '@diff/core';

const NODES = [
  0.9914553711208126, 0.9491079123427585, 0.8648644233597691, 0.7415311855993945, 0.5860872354676911,
  0.4058451513773972, 0.20778495500789848, 0,
];
const KRONROD = [
  0.022935322010529224, 0.06309209262997856, 0.10479001032225019, 0.14065325971552592, 0.1690047266392679,
  0.19035057806478542, 0.20443294007529889, 0.20948214108472782,
];
const GAUSS = [0.1294849661688697, 0.27970539148927664, 0.3818300505051189, 0.4179591836734694];

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
 * @example
 * ```ts
 * import { integrate } from '@diff/sde';
 * integrate((u) => Math.exp(-u * u), -8, 8); // √π
 * ```
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
