/**
 * One compute dispatch on the backend's own command stream, with any number of outputs.
 *
 * tfjs's own `runWebGPUProgram` writes one output; the posterior mean comes with its log-density, so our kernels record
 * their dispatches themselves, into the same pass, with the same buffers and the same disposal.
 *
 * A kernel's WGSL sees its outputs and then its inputs as storage arrays under the names given, and the uniforms
 * `u.ints: array<vec4<u32>, …>` and `u.floats: array<vec4<f32>, …>`; it is the body of
 * `fn run(at: u32)`, called once for each of `invocations`, or, with `byGroup`, of `fn run(group: u32, lane: u32)`,
 * called by LANES lanes for each of `invocations` groups.
 */
import type { DataType, TensorInfo } from '@tensorflow/tfjs-core';
import type { DiffWebGPUBackend } from './backend.ts';

/** Invocations of a workgroup. */
export const LANES = 64;

export interface Dispatch {
  /** Names the code: the same name always comes with the same code and the same names and types of tensors. */
  readonly name: string;
  /** WGSL with a function `run`. Built when the pipeline is not there yet. */
  readonly code: () => string;
  readonly outputs: readonly { readonly name: string; readonly shape: number[]; readonly dtype: DataType }[];
  readonly inputs: readonly { readonly name: string; readonly tensor: TensorInfo }[];
  readonly ints: readonly number[];
  readonly floats: readonly number[];
  readonly invocations: number;
  readonly byGroup?: boolean;
}

const pipelines = new WeakMap<GPUDevice, Map<string, GPUComputePipeline>>();

const vectors = (numbers: readonly number[]): number => Math.max(1, Math.ceil(numbers.length / 4));

function wgslType(dtype: DataType): string {
  return dtype === 'float32' ? 'f32' : 'i32';
}

function shader({ code, outputs, inputs, ints, floats, byGroup }: Dispatch): string {
  const bound = [
    ...outputs.map(({ name, dtype }) => `var<storage, read_write> ${name}: array<${wgslType(dtype)}>;`),
    ...inputs.map(({ name, tensor }) => `var<storage, read> ${name}: array<${wgslType(tensor.dtype)}>;`),
    'var<uniform> u: Uniforms;',
  ];
  return `
struct Uniforms { ints: array<vec4<u32>, ${vectors(ints)}>, floats: array<vec4<f32>, ${vectors(floats)}> }
${bound.map((line, i) => `@group(0) @binding(${i}) ${line}`).join('\n')}
${code()}
@compute @workgroup_size(${LANES})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let index = group.y * groups.x + group.x;
  ${byGroup ? 'run(index, lane);' : `run(index * ${LANES}u + lane);`}
}
`;
}

function pipelineOf(device: GPUDevice, dispatch: Dispatch): GPUComputePipeline {
  let known = pipelines.get(device);
  if (!known) {
    known = new Map();
    pipelines.set(device, known);
  }
  let pipeline = known.get(dispatch.name);
  if (!pipeline) {
    const module = device.createShaderModule({ code: shader(dispatch), label: dispatch.name });
    pipeline = device.createComputePipeline({
      label: dispatch.name,
      layout: 'auto',
      compute: { module, entryPoint: 'main' },
    });
    known.set(dispatch.name, pipeline);
  }
  return pipeline;
}

/** Workgroups as a grid of two dimensions, each within the device's limit. Surplus groups must do nothing. */
function gridOf(groups: number, most: number): [number, number] {
  if (groups <= most) return [groups, 1];
  const rows = Math.ceil(groups / most);
  return [Math.ceil(groups / rows), rows];
}

/** Records the dispatch and returns its outputs. Nothing runs on the GPU for an empty output. */
export function dispatch(backend: DiffWebGPUBackend, work: Dispatch): TensorInfo[] {
  backend.requireDevice(work.name);
  const outputs = work.outputs.map(({ shape, dtype }) => backend.makeTensorInfo(shape, dtype));
  if (work.invocations === 0) {
    for (const { dataId, dtype } of outputs) {
      backend.tensorMap.get(dataId).values = dtype === 'float32' ? new Float32Array(0) : new Int32Array(0);
    }
    return outputs;
  }
  const tensors = [...outputs, ...work.inputs.map(({ tensor }) => tensor)];
  for (const { dataId } of tensors) backend.uploadToGPU(dataId);
  const entries = tensors.map(({ dataId }, binding) => ({
    binding,
    resource: { buffer: backend.tensorMap.get(dataId).resource as GPUBuffer },
  }));
  const pipeline = pipelineOf(backend.device, work);
  const bindGroup = backend.device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [...entries, { binding: entries.length, resource: { buffer: uniformsOf(backend, work) } }],
  });
  const groups = work.byGroup ? work.invocations : Math.ceil(work.invocations / LANES);
  backend.record(
    tensors.map(({ dataId }) => dataId),
    pipeline,
    bindGroup,
    gridOf(groups, backend.device.limits.maxComputeWorkgroupsPerDimension),
  );
  return outputs;
}

function uniformsOf(backend: DiffWebGPUBackend, { ints, floats }: Dispatch): GPUBuffer {
  const intBytes = 16 * vectors(ints);
  const bytes = new ArrayBuffer(intBytes + 16 * vectors(floats));
  new Uint32Array(bytes).set(ints);
  new Float32Array(bytes, intBytes).set(floats);
  return backend.uniformBuffer(bytes);
}
