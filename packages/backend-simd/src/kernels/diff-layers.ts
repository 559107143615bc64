/**
 * DiffLayers: a network of dense layers in one call, and DiffLayersGradient: the gradients of its weights, or of its inputs
 * (see `layers` in @diff/score). Layer by layer what DiffDense gives, bit for bit; but tfjs sees one op, and what
 * a layer no longer needs is written over while it is in the cache.
 *
 *   sum_l = Σ_t (x_t W_t + b_t) + sum_j,   act_l = silu(sum_l) or sum_l;     x_t an input or an earlier act
 *   g_l = dact_l·silu′(sum_l) + dsum_l,   dW_t = x_tᵀ g_l,   dx_t += g_l W_tᵀ,   db_t = Σ_rows g_l,   dsum_j += g_l
 *
 * For the gradient every act is kept, and silu′(sum) beside it: the exponential is there already.
 */
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import type { SimdBackend } from '../backend.ts';
import { denseRows } from '../dense-rows.ts';
import { kernel } from '../kernel.ts';
import { size } from '../numeric.ts';
import { COUNT, each } from '../parallel.ts';
import { sgemm } from '../sgemm.ts';
import { sumPass } from './reduce.ts';

interface Layer {
  readonly products: readonly {
    /** An input, or behind these the activation of an earlier layer. */
    readonly x: number;
    /** Places among the weights; −1 for no bias. */
    readonly kernel: number;
    readonly bias: number;
  }[];
  /** The layer whose sum is added, or −1. */
  readonly addend: number;
  readonly activation: 'linear' | 'silu';
}

interface LayersAttrs {
  readonly layers: readonly Layer[];
  /** How many of the kernel's inputs are inputs of the network; the weights follow. */
  readonly inputs: number;
}

interface ForwardAttrs extends LayersAttrs {
  /** Is the working memory, for the gradient, a second output (of shape [0] to tfjs)? */
  readonly keep: boolean;
}

/** Floats of a block of m × n, up to the next multiple of 64 bytes. */
const blockOf = (m: number, n: number): number => Math.ceil((m * n) / 16) * 16;

/** Sizes and places of one network. */
interface Plan {
  readonly m: number;
  readonly widths: readonly number[];
  /** Byte offsets of each layer's activation in the working memory, and of silu′(sum) where it has one. */
  readonly activations: readonly number[];
  readonly slopes: readonly number[];
  readonly floats: number;
}

function planOf({ layers }: LayersAttrs, m: number, weights: readonly TensorInfo[]): Plan {
  const widths = layers.map(({ products }) => weights[products[0]!.kernel]!.shape[1]!);
  const [activations, slopes]: [number[], number[]] = [[], []];
  let floats = 0;
  layers.forEach(({ activation }, l) => {
    activations.push(4 * floats);
    floats += blockOf(m, widths[l]!);
    slopes.push(4 * floats);
    if (activation === 'silu') floats += blockOf(m, widths[l]!);
  });
  return { m, widths, activations, slopes, floats };
}

/** Inputs [m, k] each, then weights, all float32; gives the activation of the last layer. */
export const diffLayersConfig: KernelConfig = kernel<TensorInfo[], ForwardAttrs>(
  'DiffLayers',
  ({ inputs: all, attrs, backend }) => {
    const { layers, inputs: count, keep } = attrs;
    const [given, weights] = [all.slice(0, count), all.slice(count)];
    const plan = planOf(attrs, given[0]!.shape[0]!, weights);
    const { m, widths } = plan;
    const last = layers.length - 1;
    const out = backend.output([m, widths[last]!], 'float32');
    const kept = keep ? backend.output([plan.floats], 'float32') : undefined;
    const base = kept ? backend.pointer(kept) : backend.scratch(4 * plan.floats);
    /** Sums that a later layer adds. */
    const sums = layers.map(({ activation }, l) => {
      if (!layers.some(({ addend }) => addend === l)) return 0;
      return activation === 'silu'
        ? backend.scratch(4 * blockOf(m, widths[l]!))
        : base + plan.activations[l]!;
    });
    const weight = (place: number): number => (place < 0 ? 0 : backend.pointer(weights[place]!));
    layers.forEach(({ products, addend, activation }, l) => {
      const act = l === last ? backend.pointer(out) : base + plan.activations[l]!;
      const isActive = activation === 'silu';
      denseRows(backend, {
        m,
        n: widths[l]!,
        products: products.map(({ x, kernel: place, bias }) => ({
          x: x < count ? backend.pointer(given[x]!) : base + plan.activations[x - count]!,
          w: weight(place),
          bias: weight(bias),
          k: weights[place]!.shape[0]!,
        })),
        addend: addend < 0 ? 0 : sums[addend]!,
        sum: isActive ? sums[l]! : act,
        out: isActive ? act : 0,
        slope: isActive && keep ? base + plan.slopes[l]! : 0,
      });
    });
    return kept ? [out, { ...kept, shape: [0] }] : [out];
  },
);

interface GradientAttrs extends LayersAttrs {
  readonly of: 'weights' | 'inputs';
}

/** Blocks of working memory that are used again. */
function blocks(backend: SimdBackend): { take(floats: number): number; give(address: number): void } {
  const sizes = new Map<number, number>();
  const free: number[] = [];
  return {
    take(floats) {
      const at = free.findLastIndex((address) => sizes.get(address) === floats);
      if (at >= 0) return free.splice(at, 1)[0]!;
      const address = backend.scratch(4 * floats);
      sizes.set(address, floats);
      return address;
    },
    give: (address) => {
      free.push(address);
    },
  };
}

/** A gradient that is summed up; `owned`: its block may be written over. */
interface Gradient {
  address: number;
  owned: boolean;
}

/**
 * What the forward call had, then what it kept, then the gradient of its output; gives the gradients of all weights, or
 * of all inputs.
 */
export const diffLayersGradientConfig: KernelConfig = kernel<TensorInfo[], GradientAttrs>(
  'DiffLayersGradient',
  ({ inputs: all, attrs, backend }) => {
    const { layers, inputs: count, of } = attrs;
    const [given, weights] = [all.slice(0, count), all.slice(count, -2)];
    const [kept, dy] = all.slice(-2) as [TensorInfo, TensorInfo];
    const plan = planOf(attrs, given[0]!.shape[0]!, weights);
    const { m, widths } = plan;
    const outputs = (of === 'weights' ? weights : given).map(({ shape }) => backend.output(shape, 'float32'));
    if (m === 0) for (const out of outputs) backend.heap.f32(backend.pointer(out), size(out.shape)).fill(0);
    if (m === 0) return outputs;
    const base = backend.pointer(kept);
    const memory = blocks(backend);
    const range = (floats: number) => ({ items: floats, cost: 0.5, multiple: 32 });
    /** Of the inputs, then of the activations; of the sums beside them. */
    const ofValues: (Gradient | undefined)[] = [];
    const ofSums: (Gradient | undefined)[] = [];
    /** a += b. */
    const add = (a: number, b: number, floats: number): void =>
      backend.parallel('addFloats', range(floats), [each(a, 4), each(b, 4), each(a, 4), COUNT]);
    const written = new Set<number>();
    /** Writes to an output, or adds to it where it has something already. */
    const put = (place: number, floats: number, write: (address: number) => void): void => {
      const to = backend.pointer(outputs[place]!);
      if (!written.has(place)) {
        written.add(place);
        write(to);
        return;
      }
      const address = memory.take(floats);
      write(address);
      add(to, address, floats);
      memory.give(address);
    };

    ofValues[count + layers.length - 1] = { address: backend.pointer(dy), owned: false };
    for (let l = layers.length - 1; l >= 0; l--) {
      const { products, addend, activation } = layers[l]!;
      const n = widths[l]!;
      const floats = blockOf(m, n);
      const value = ofValues[count + l];
      const beside = ofSums[l];
      let g: Gradient;
      if (!value && !beside) continue;
      if (activation === 'silu' && value) {
        g = { address: value.owned ? value.address : memory.take(floats), owned: true };
        const slope = base + plan.slopes[l]!;
        const addresses = [value.address, slope, beside ? beside.address : 0, g.address];
        const places = addresses.map((address) => (address ? each(address, 4) : 0));
        backend.parallel('multiplyAddFloats', range(m * n), [...places, COUNT]);
      } else {
        g = (value ?? beside)!;
        if (value && beside) {
          g = { address: memory.take(floats), owned: true };
          const places = [each(value.address, 4), each(beside.address, 4), each(g.address, 4), COUNT];
          backend.parallel('addFloats', range(m * n), places);
        }
      }
      for (const { x, kernel: place, bias } of products) {
        const { shape } = weights[place]!;
        const k = shape[0]!;
        const isInput = x < count;
        const px = isInput ? backend.pointer(given[x]!) : base + plan.activations[x - count]!;
        if (of === 'weights') {
          put(place, k * n, (c) =>
            sgemm(backend, {
              a: px,
              b: g.address,
              c,
              bias: 0,
              m: k,
              n,
              k: m,
              transposeA: true,
              transposeB: false,
            }),
          );
          if (bias >= 0) {
            put(bias, n, (to) => sumPass(backend, g.address, to, { outer: 1, n: m, inner: n }, 1));
          }
        }
        if (isInput && of === 'weights') continue;
        const w = backend.pointer(weights[place]!);
        const down = (c: number): void =>
          sgemm(backend, {
            a: g.address,
            b: w,
            c,
            bias: 0,
            m,
            n: k,
            k: n,
            transposeA: false,
            transposeB: true,
          });
        if (isInput) {
          put(x, m * k, down);
          continue;
        }
        const block = memory.take(blockOf(m, k));
        down(block);
        const before = ofValues[x];
        if (before) {
          add(before.address, block, m * k);
          memory.give(block);
        } else ofValues[x] = { address: block, owned: true };
      }
      const other = addend < 0 ? undefined : ofSums[addend];
      if (beside?.owned && beside !== g) memory.give(beside.address);
      if (addend < 0) {
        if (g.owned) memory.give(g.address);
      } else if (other?.owned) {
        add(other.address, g.address, m * n);
        if (g.owned) memory.give(g.address);
      } else if (other) {
        const both = memory.take(floats);
        const places = [each(other.address, 4), each(g.address, 4), each(both, 4), COUNT];
        backend.parallel('addFloats', range(m * n), places);
        ofSums[addend] = { address: both, owned: true };
      } else ofSums[addend] = g;
    }
    outputs.forEach((out, place) => {
      if (!written.has(place)) backend.heap.f32(backend.pointer(out), size(out.shape)).fill(0);
    });
    return outputs;
  },
);
