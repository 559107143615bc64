/**
 * ONNX Runtime as a contestant: each op as a graph of one or two nodes, the perceptron as a graph in a JavaScript loop.
 * The updates of the loop and its noise are plain JavaScript, as they are in programs that use this library.
 */
import * as ort from 'onnxruntime-node';
import type { BenchCase, HostTensor, Inputs } from '../suite/bench-case.ts';
import { COLUMNS } from '../suite/loop-table.ts';
import { CannotRun, type Contestant, type PeerRoutine } from '../suite/session.ts';
import { type OnnxGraph, type OnnxNode, onnxModel } from './onnx-model.ts';

type Result = Float32Array;
type Settings = BenchCase['settings'];

const UNARY: Readonly<Record<string, string>> = {
  exp: 'Exp',
  tanh: 'Tanh',
  log: 'Log',
  sin: 'Sin',
  softplus: 'Softplus',
  sigmoid: 'Sigmoid',
};

const silu = (x: string, y: string): readonly OnnxNode[] => [
  { op: 'Sigmoid', inputs: [x], output: `${y}.sigmoid` },
  { op: 'Mul', inputs: [x, `${y}.sigmoid`], output: y },
];

/** The nodes of an op on its inputs, ending in y. */
function nodesOf(op: string, settings: Settings): readonly OnnxNode[] | undefined {
  switch (op) {
    case 'matmul':
      return [
        {
          op: 'Gemm',
          inputs: ['a', 'b'],
          output: 'y',
          attributes: { transA: Number(settings.transposeA), transB: Number(settings.transposeB) },
        },
      ];
    case 'denseSilu':
      return [{ op: 'Gemm', inputs: ['a', 'b', 'bias'], output: 'h' }, ...silu('h', 'y')];
    case 'unary':
      return settings.name === 'silu'
        ? silu('x', 'y')
        : [{ op: UNARY[String(settings.name)]!, inputs: ['x'], output: 'y' }];
    case 'add':
      return [{ op: 'Add', inputs: ['x', 'y0'], output: 'y' }];
    case 'softmax':
      return [{ op: 'Softmax', inputs: ['x'], output: 'y', attributes: { axis: 1 } }];
    default:
      return undefined;
  }
}

async function compile(graph: OnnxGraph): Promise<ort.InferenceSession> {
  return ort.InferenceSession.create(onnxModel(graph), {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
  });
}

const tensor = ({ values, shape }: HostTensor): ort.Tensor => new ort.Tensor('float32', values, [...shape]);

async function opRoutine(nodes: readonly OnnxNode[], inputs: Inputs): Promise<PeerRoutine<Result>> {
  const renamed = Object.entries(inputs).map(([name, x]) => [name === 'y' ? 'y0' : name, x] as const);
  const session = await compile({
    inputs: Object.fromEntries(renamed.map(([name, { shape }]) => [name, shape])),
    nodes,
    output: 'y',
  });
  const feeds = Object.fromEntries(renamed.map(([name, x]) => [name, tensor(x)]));
  return {
    run: async () => (await session.run(feeds)).y!.data as Float32Array,
    dispose: () => void session.release(),
  };
}

function gaussian(out: Float32Array): void {
  for (let i = 0; i < out.length; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - Math.random()));
    const angle = 2 * Math.PI * Math.random();
    out[i] = radius * Math.cos(angle);
    if (i + 1 < out.length) out[i + 1] = radius * Math.sin(angle);
  }
}

async function perceptronLoop(inputs: Inputs, settings: Settings): Promise<PeerRoutine<Result>> {
  const layers = Number(settings.layers);
  const names = Object.keys(inputs).filter((name) => /^[wb]\d$/.test(name));
  const d = Number(settings.d);
  const nodes = Array.from({ length: layers }, (_, i): OnnxNode[] => {
    const last = i === layers - 1;
    const input = i === 0 ? 'x' : `h${i}`;
    const output = last ? 'y' : `z${i}`;
    const gemm = { op: 'Gemm', inputs: [input, `w${i}`, `b${i}`], output };
    return last ? [gemm] : [gemm, ...silu(output, `h${i + 1}`)];
  }).flat();
  const initializers = Object.fromEntries(names.map((name) => [name, inputs[name]!]));
  const sessions = new Map<number, ort.InferenceSession>();
  const sessionFor = async (n: number): Promise<ort.InferenceSession> => {
    const known =
      sessions.get(n) ?? (await compile({ inputs: { x: [n, d] }, initializers, nodes, output: 'y' }));
    sessions.set(n, known);
    return known;
  };
  const follow = async (start: Float32Array, table: HostTensor): Promise<Float32Array> => {
    const n = start.length / d;
    const session = await sessionFor(n);
    const x = start.slice();
    const noise = new Float32Array(x.length);
    for (let step = 0; step < table.shape[0]!; step++) {
      const [a, b, c] = table.values.subarray(step * COLUMNS) as Float32Array & [number, number, number];
      const { y } = await session.run({ x: new ort.Tensor('float32', x, [n, d]) });
      const s = y!.data as Float32Array;
      if (c !== 0) gaussian(noise);
      for (let i = 0; i < x.length; i++) x[i] = a * x[i]! + b * s[i]! + c * noise[i]!;
    }
    return x;
  };
  const draw = (n: number, table: HostTensor): Promise<Float32Array> => {
    const x = new Float32Array(n * d);
    gaussian(x);
    return follow(
      x.map((v) => v * Number(settings.prior)),
      table,
    );
  };
  return {
    run: () => draw(Number(settings.n), inputs.table!),
    async check() {
      const path = await follow(inputs.start!.values, inputs.quiet!);
      const drawn = await draw(Number(settings.checkRows), inputs.noisy!);
      const means = (power: number): number[] =>
        Array.from({ length: d }, (_, j) => {
          const column = drawn.filter((_, i) => i % d === j);
          return column.reduce((sum, v) => sum + v ** power, 0) / column.length;
        });
      return Float32Array.from([...path, ...means(1), ...means(2)]);
    },
    dispose() {
      for (const session of sessions.values()) void session.release();
    },
  };
}

export function onnxContestant(): Contestant<Result> {
  return {
    async prepare({ op, settings }, inputs) {
      if (op === 'perceptronLoop') return perceptronLoop(inputs, settings);
      const nodes = nodesOf(op, settings);
      if (!nodes) throw new CannotRun('no graph for it here');
      return opRoutine(nodes, inputs);
    },
    read: async (result) => result,
    free: () => undefined,
  };
}
