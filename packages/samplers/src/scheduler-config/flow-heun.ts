/**
 * Heun's method on the flow of a straight-line process in its own time, dx/dt = u(x, t) = (x − x̂0)/t (α = 1 − t, σ = t):
 *
 *   x̃ = x + (r − t) u_t,   x' = x + ½ (r − t)(u_t + u_r(x̃))
 *
 * (`heun()` is the same in σ/α.) In data, u = (x − x̂0)/t makes x' affine in x, x̂0_t and x̂0_r. A step to 0, where u is not
 * defined, is Euler's, x̂0. Order 2.
 */
import type { Sampler } from '../sampler.ts';
import { stageSampler } from '../stage-sampler.ts';

export function flowHeun(): Sampler {
  return stageSampler({
    name: 'heun on the flow',
    order: 2,
    strongOrder: undefined,
    stochastic: false,
    nfe: (steps) => 2 * steps,
    scheme({ process, grid }, index) {
      const [t, r] = [process.sigma(grid[index]!), process.sigma(grid[index + 1]!)];
      const to = grid[index + 1]!;
      const carry = r / t;
      const euler = { to, carry, gains: [1 - carry] };
      if (r === 0) return { hold: 'data', stages: [euler] };
      const half = (r - t) / 2;
      // ½ dt (x − D_t)/t + ½ dt (x̃ − D_r)/r with x̃ = carry x + (1 − carry) D_t
      return {
        hold: 'data',
        stages: [
          euler,
          {
            to,
            carry: 1 + half / t + (half * carry) / r,
            gains: [-half / t + (half * (1 - carry)) / r, -half / r],
          },
        ],
      };
    },
  });
}
