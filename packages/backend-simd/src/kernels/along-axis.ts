/** ArgMax, ArgMin, All, Any, Cumsum, Cumprod: along one axis (All, Any: along several, one after the other). */
import {
  All,
  type AllAttrs,
  type AllInputs,
  Any,
  ArgMax,
  type ArgMaxAttrs,
  type ArgMaxInputs,
  ArgMin,
  backend_util,
  Cumprod,
  Cumsum,
  type CumsumAttrs,
  type CumsumInputs,
  type KernelConfig,
  util,
} from '@tensorflow/tfjs-core';
import { kernel } from '../kernel.ts';
import { size } from '../numeric.ts';
import { overOuter, passesOf } from './reduce.ts';

function argReduce(
  name: string,
  float: 'argMaxFloat' | 'argMinFloat',
  int: 'argMaxInt' | 'argMinInt',
): KernelConfig {
  return kernel<ArgMaxInputs, ArgMaxAttrs>(name, ({ inputs: { x }, attrs, backend, args }) => {
    const axes = util.parseAxisParam(attrs.axis, x.shape);
    if ((x.dtype !== 'float32' && x.dtype !== 'int32') || axes.length !== 1)
      return backend.fallback(name, args);
    const [pass] = passesOf(x.shape, axes);
    if (size(x.shape) === 0 || pass === undefined) return backend.fallback(name, args);
    const out = backend.output(backend_util.computeOutAndReduceShapes(x.shape, axes)[0], 'int32');
    const method = x.dtype === 'float32' ? float : int;
    overOuter(backend, method, backend.pointer(x), backend.pointer(out), pass, [pass.n, pass.inner]);
    return out;
  });
}

export const argMaxConfig: KernelConfig = argReduce(ArgMax, 'argMaxFloat', 'argMaxInt');
export const argMinConfig: KernelConfig = argReduce(ArgMin, 'argMinFloat', 'argMinInt');

function logical(name: string, any: 0 | 1): KernelConfig {
  return kernel<AllInputs, AllAttrs>(name, ({ inputs: { x }, attrs: { axis, keepDims }, backend, args }) => {
    const axes = util.parseAxisParam(axis, x.shape).sort((p, q) => p - q);
    if (x.dtype !== 'bool' || axes.length === 0) return backend.fallback(name, args);
    const [reduced] = backend_util.computeOutAndReduceShapes(x.shape, axes);
    const out = backend.output(keepDims ? backend_util.expandShapeToKeepDim(reduced, axes) : reduced, 'bool');
    const passes = passesOf(x.shape, axes);
    let from = backend.pointer(x);
    passes.forEach(({ outer, n, inner }, index) => {
      const to = index === passes.length - 1 ? backend.pointer(out) : backend.scratch(outer * inner);
      backend.wasm.allBool(from, to, outer, n, inner, any);
      from = to;
    });
    return out;
  });
}

export const allConfig: KernelConfig = logical(All, 0);
export const anyConfig: KernelConfig = logical(Any, 1);

function cumulate(name: string, method: 'cumsum' | 'cumprod'): KernelConfig {
  return kernel<CumsumInputs, CumsumAttrs>(
    name,
    ({ inputs: { x }, attrs: { axis, exclusive, reverse }, backend, args }) => {
      if (x.dtype !== 'float32' || x.shape.length === 0) return backend.fallback(name, args);
      const [d] = util.parseAxisParam(axis, x.shape) as [number];
      const outer = size(x.shape.slice(0, d));
      const inner = size(x.shape.slice(d + 1));
      const out = backend.output(x.shape, 'float32');
      const [from, to] = [backend.pointer(x), backend.pointer(out)];
      backend.wasm[method](from, to, outer, x.shape[d]!, inner, exclusive ? 1 : 0, reverse ? 1 : 0);
      return out;
    },
  );
}

export const cumsumConfig: KernelConfig = cumulate(Cumsum, 'cumsum');
export const cumprodConfig: KernelConfig = cumulate(Cumprod, 'cumprod');
