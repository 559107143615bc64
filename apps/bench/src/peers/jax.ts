/**
 * jax-js as a contestant: eager jax.numpy code on its wasm device. Its arrays are counted references: an op consumes its
 * arguments, `.ref` keeps one. Ops are lazy, so every run waits for its result.
 */
import { defaultDevice, init, nn, numpy as np, random } from '@jax-js/jax';
import type { BenchCase, HostTensor, Inputs } from '../suite/bench-case.ts';
import { COLUMNS } from '../suite/loop-table.ts';
import { CannotRun, type Contestant, type PeerRoutine } from '../suite/session.ts';

type Settings = BenchCase['settings'];
type Score = (x: np.Array, alpha: number, variance: number) => np.Array;

const onDevice = ({ values, shape }: HostTensor): np.Array =>
  np.array(Float32Array.from(values)).reshape([...shape]);

const UNARY: Readonly<Record<string, (x: np.Array) => np.Array>> = {
  exp: np.exp,
  tanh: np.tanh,
  log: np.log,
  sin: np.sin,
  softplus: nn.softplus,
  sigmoid: nn.sigmoid,
  silu: nn.silu,
};

/** The code of an op; its arguments are the caller's. */
function codeOf(op: string, settings: Settings): ((x: Record<string, np.Array>) => np.Array) | undefined {
  switch (op) {
    case 'matmul':
      return ({ a, b }) =>
        np.matmul(
          settings.transposeA ? np.transpose(a!.ref) : a!.ref,
          settings.transposeB ? np.transpose(b!.ref) : b!.ref,
        );
    case 'denseSilu':
      return ({ a, b, bias }) => nn.silu(np.matmul(a!.ref, b!.ref).add(bias!.ref));
    case 'unary':
      return ({ x }) => UNARY[String(settings.name)]!(x!.ref);
    case 'add':
      return ({ x, y }) => x!.ref.add(y!.ref);
    case 'sum':
      return ({ x }) => np.sum(x!.ref, Number(settings.axis));
    case 'softmax':
      return ({ x }) => nn.softmax(x!.ref, 1);
    default:
      return undefined;
  }
}

function mixtureScore(x: Record<string, np.Array>, settings: Settings): Score {
  const centres = x.centres!;
  return (at, alpha, variance) => {
    const v = alpha * alpha * Number(settings.variance) + variance;
    const means = centres.ref.mul(alpha);
    const [n, d] = at.shape as [number, number];
    const difference = at.ref.reshape([n, 1, d]).sub(means.ref);
    const logits = np.sum(np.square(difference), 2).mul(-1 / (2 * v));
    return np
      .matmul(nn.softmax(logits, 1), means)
      .sub(at)
      .mul(1 / v);
  };
}

function perceptronScore(x: Record<string, np.Array>, settings: Settings): Score {
  const layers = Number(settings.layers);
  return (at) => {
    let h = at;
    for (let i = 0; i < layers; i++) {
      const y = np.matmul(h, x[`w${i}`]!.ref).add(x[`b${i}`]!.ref);
      h = i < layers - 1 ? nn.silu(y) : y;
    }
    return h;
  };
}

function loopRoutine(inputs: Inputs, settings: Settings, score: Score): PeerRoutine<np.Array> {
  const d = Number(settings.d);
  let draws = 0;
  const normal = (n: number): np.Array => random.normal(random.key(draws++), [n, d]);
  const follow = async (start: np.Array, table: HostTensor): Promise<np.Array> => {
    let x = start;
    for (let step = 0; step < table.shape[0]!; step++) {
      const row = Array.from(table.values.subarray(step * COLUMNS, (step + 1) * COLUMNS));
      const [a, b, c, alpha, variance] = row as [number, number, number, number, number];
      const s = score(x.ref, alpha, variance);
      x = x.mul(a).add(s.mul(b));
      if (c !== 0) x = x.add(normal(x.shape[0]!).mul(c));
      await x.blockUntilReady();
    }
    return x;
  };
  const draw = (n: number, table: HostTensor): Promise<np.Array> =>
    follow(normal(n).mul(Number(settings.prior)), table);
  return {
    run: () => draw(Number(settings.n), inputs.table!),
    async check() {
      const path = await follow(onDevice(inputs.start!), inputs.quiet!);
      const drawn = await draw(Number(settings.checkRows), inputs.noisy!);
      return np.concatenate([np.ravel(path), np.mean(drawn.ref, 0), np.mean(np.square(drawn), 0)]);
    },
  };
}

function normalRoutine(count: number): PeerRoutine<np.Array> {
  let draws = 0;
  const draw = (): np.Array => random.normal(random.key(draws++), [count]);
  return {
    run: async () => await draw().blockUntilReady(),
    check: () => {
      const x = draw();
      const square = np.square(x.ref);
      return np.stack([np.mean(x), np.mean(square.ref), np.mean(np.square(square))]);
    },
  };
}

export async function jaxContestant(): Promise<Contestant<np.Array>> {
  if (!(await init('wasm')).includes('wasm')) throw new CannotRun('its wasm device does not start here');
  defaultDevice('wasm');
  return {
    prepare({ op, settings }, inputs) {
      if (op === 'normal') return normalRoutine(Number(settings.count));
      const x = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, onDevice(value)]));
      const dispose = (): void => {
        for (const value of Object.values(x)) value.dispose();
      };
      if (op === 'mixtureLoop')
        return { ...loopRoutine(inputs, settings, mixtureScore(x, settings)), dispose };
      if (op === 'perceptronLoop') {
        return { ...loopRoutine(inputs, settings, perceptronScore(x, settings)), dispose };
      }
      const code = codeOf(op, settings);
      if (!code) {
        dispose();
        throw new CannotRun('no code for it here');
      }
      return { run: async () => await code(x).blockUntilReady(), dispose };
    },
    read: async (result) => (await result.ref.data()) as Float32Array,
    free: (result) => result.dispose(),
  };
}
