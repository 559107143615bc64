/**
 * Paths of the forward process on a list of times 0 ≤ s_0 < s_1 < … ≤ T.
 *
 *   exact (linear)  X_t = (α_t/α_r)(X_r − m_r) + m_t + (α_t/α_r)√V(t, r) ξ      any step, no error
 *   euler           X_t = X_r + f(r, X_r)(t − r) + g(r, X_r) √(t − r) ξ         strong order ½ (1 when g does not
 *                                                                               depend on x), weak order 1
 *
 * A path continues from x0 at times[0]. Under `varianceExploding({ dataHasSigmaMin: true })` the process at time 0 is
 * data + σmin ε already: start it from perturb(process, data, 0, …).
 *
 * Step k takes its noise from fold(key, k), rows from `firstRow`, so a batch can be cut anywhere.
 */
import {
  combine,
  createPacer,
  DomainError,
  fold,
  type Key,
  NumericalError,
  requireOneOf,
  shown,
} from '@diff/core';
import * as tf from '@tensorflow/tfjs-core';
import type { GeneralProcess } from './general-process.ts';
import { noiseTerm } from './noise-term.ts';
import type { LinearProcess } from './process.ts';

export interface ForwardPathOptions {
  readonly process: LinearProcess | GeneralProcess;
  /** Where the path is at times[0]: [n, …] (general processes: [n, d]). Not disposed. */
  readonly x0: tf.Tensor;
  /** At least two times, strictly ascending, in [0, T]. */
  readonly times: readonly number[];
  readonly key: Key;
  /** 'exact' (default for linear processes) or 'euler' (the only one for general processes). */
  readonly method?: 'exact' | 'euler';
  /** Row of the noise stream at which this batch begins; default 0. */
  readonly firstRow?: number;
  readonly signal?: AbortSignal;
}

/** One moment of a path. `x` is disposed when the next one is asked for: clone it to keep it. */
export interface ForwardState {
  readonly x: tf.Tensor;
  readonly t: number;
  /** 0 is the start. */
  readonly step: number;
}

function isLinear(process: LinearProcess | GeneralProcess): process is LinearProcess {
  return 'timeOfLambda' in process;
}

function checkTimes(times: readonly number[], T: number): void {
  const ok = Array.isArray(times) && times.length >= 2;
  times?.forEach?.((t: unknown, k) => {
    if (typeof t !== 'number' || !(t >= 0 && t <= T * (1 + 1e-12)) || (k > 0 && t <= times[k - 1]!)) {
      throw new DomainError(
        `forwardPath: times must ascend strictly within [0, ${T}], got ${shown(t)} at index ${k}. Forward paths run from data to noise; reverse a grid with grid.toReversed().`,
      );
    }
  });
  if (!ok) {
    throw new DomainError(
      `forwardPath: times must be a list of at least two times, got ${shown(times)}. Pass for example [0, 0.5, 1].`,
    );
  }
}

function linearStep(
  process: LinearProcess,
  x: tf.Tensor,
  [r, t]: readonly [number, number],
  key: Key,
  { method, firstRow }: { method: string; firstRow: number },
): tf.Tensor {
  if (method === 'euler') {
    const h = t - r;
    return combine([[1 + process.drift(r) * h, x]], {
      constant: process.offset(r) * h,
      noise: [process.diffusion(r) * Math.sqrt(h), key],
      firstRow,
    });
  }
  const ratio = process.alpha(t) / process.alpha(r);
  return combine([[ratio, x]], {
    constant: process.mean(t) - ratio * process.mean(r),
    noise: [ratio * Math.sqrt(process.noiseVariance(t, r)), key],
    firstRow,
  });
}

function generalStep(
  process: GeneralProcess,
  x: tf.Tensor,
  [r, t]: readonly [number, number],
  key: Key,
  firstRow: number,
): tf.Tensor {
  return tf.tidy(() => {
    const noise = noiseTerm(process.noise, process.diffusion(r, x), x, key, firstRow);
    return combine([
      [1, x],
      [t - r, process.drift(r, x)],
      [Math.sqrt(t - r), noise],
    ]);
  });
}

/**
 * Simulates the forward process step by step.
 *
 * @returns yields times.length states, the start first.
 * @throws DomainError, ShapeError, the signal's reason.
 * @example
 * ```ts
 * import { key } from '@diff/core';
 * import { canonicalOu, forwardPath } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const process = canonicalOu();
 * const times = [0, 0.5, 1, 2];
 * for await (const { t, x } of forwardPath({ process, x0: tf.ones([8, 2]), times, key: key(1) })) {
 *   console.log(t, (await x.data())[0]);
 * }
 * ```
 */
export async function* forwardPath(options: ForwardPathOptions): AsyncGenerator<ForwardState, void, void> {
  const { process, x0, times, key, firstRow = 0, signal } = options;
  const linear = isLinear(process);
  const method = requireOneOf('forwardPath', 'method', options.method ?? (linear ? 'exact' : 'euler'), [
    'exact',
    'euler',
  ]);
  if (!linear && method === 'exact') {
    throw new DomainError(
      "forwardPath: method must be 'euler' for a general process, got 'exact'. Only linear processes have exact transitions.",
    );
  }
  checkTimes(times, process.T);
  const pacer = createPacer({ signal });
  let x = tf.clone(x0);
  try {
    yield { x, t: times[0]!, step: 0 };
    for (let step = 1; step < times.length; step++) {
      await pacer.turn();
      const interval = [times[step - 1]!, times[step]!] as const;
      const stepKey = fold(key, step);
      const next = linear
        ? linearStep(process, x, interval, stepKey, { method, firstRow })
        : generalStep(process, x, interval, stepKey, firstRow);
      x.dispose();
      x = next;
      yield { x, t: interval[1], step };
    }
  } finally {
    x.dispose();
  }
}

/** As `ForwardPathOptions`, with a look at every state. */
export interface SimulateForwardOptions extends ForwardPathOptions {
  /** Called with every state after a step; its tensor is valid during the call. */
  readonly onStep?: (state: ForwardState) => void | Promise<void>;
}

/**
 * The end of a simulated forward path.
 *
 * @returns X at the last of `times`, owned by the caller.
 * @throws as `forwardPath`; NumericalError when the result is not finite.
 * @example
 * ```ts
 * import { key } from '@diff/core';
 * import { canonicalOu, simulateForward } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const options = { process: canonicalOu(), x0: tf.ones([8, 2]), times: [0, 0.5, 1], key: key(1) };
 * const end = await simulateForward(options);
 * ```
 */
export async function simulateForward(options: SimulateForwardOptions): Promise<tf.Tensor> {
  let last: tf.Tensor | undefined;
  try {
    for await (const state of forwardPath(options)) {
      if (state.step > 0) await options.onStep?.(state);
      last?.dispose();
      last = tf.clone(state.x);
    }
    const finite = tf.tidy(() => tf.all(tf.isFinite(last!)));
    const [ok] = await finite.data();
    finite.dispose();
    if (!ok) {
      throw new NumericalError(
        `simulateForward: the path must stay finite, got NaN or infinity by t = ${options.times.at(-1)}. Use more times, or check drift and diffusion.`,
      );
    }
    return last!;
  } catch (error) {
    last?.dispose();
    throw error;
  }
}
