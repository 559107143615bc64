/**
 * The tfjs WebGPU backend, with what it lacks: a device that may be lost, reads that outlive their tensor, cumulative sums of
 * several lengths, and a way to record dispatches of our own.
 *
 * When the device is lost (driver reset, GPU removed, page in the background for too long), tfjs goes on as if nothing
 * had happened and reads hang or give zeros. Here every read and every kernel fails from then on with
 * DeviceLostError, and the backend leaves tfjs's registry, so that `useBackend('webgpu')` starts a fresh one. Tensors of
 * the lost device are gone; dispose of them and make them again.
 */
import { BackendUnavailableError } from '@diff/core';
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { DeviceLostError } from './device-lost-error.ts';

type DataId = tf.TensorInfo['dataId'];
type Program = Parameters<WebGPUBackend['runWebGPUProgram']>;

/** Milliseconds that a failed read waits for news of a lost device. */
const PATIENCE = 2000;

export class DiffWebGPUBackend extends WebGPUBackend {
  #lost: DeviceLostError | undefined;
  readonly #whenLost: Promise<never>;

  constructor(device: GPUDevice, info: GPUAdapterInfo | undefined) {
    super(device, info);
    this.#whenLost = device.lost.then(({ reason, message }) => {
      this.#lost = new DeviceLostError(
        `webgpu: the GPU device must be there, but it was lost (${message || reason || 'no reason given'}). ` +
          "Call useBackend('webgpu') to start again, and make your tensors anew: those of the lost device are gone.",
      );
      const { registry } = tf.engine();
      if (registry.webgpu === this) delete registry.webgpu;
      throw this.#lost;
    });
    this.#whenLost.catch(() => undefined); // whoever waits for it hears of it
  }

  /** @throws DeviceLostError when the device is gone */
  requireDevice(_where: string): void {
    if (this.#lost) throw this.#lost;
  }

  override runWebGPUProgram(...args: Program): tf.TensorInfo {
    const [program] = args;
    this.requireDevice(program.shaderKey);
    // The shader of cumsum and cumprod holds the length, which its key lacks: one of another length would run.
    if (program.shaderKey.startsWith('cum_')) program.shaderKey += `_${program.outputShape.at(-1)}`;
    return super.runWebGPUProgram(...args);
  }

  /** A tensor may be disposed of while it is read: its data go when the last read of them is over. */
  override async read(dataId: object): Promise<tf.BackendValues> {
    this.requireDevice('read');
    this.incRef(dataId);
    try {
      return await Promise.race([super.read(dataId), this.#whenLost]);
    } catch (error) {
      // What waits for a device that goes away may fail before the device says that it is lost.
      await Promise.race([this.device.lost, new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
      this.requireDevice('read');
      throw error;
    } finally {
      if (this.disposeData(dataId)) tf.engine().removeDataId(dataId, this);
    }
  }

  /** A uniform buffer with these bytes, given back when the queue is submitted. */
  uniformBuffer(bytes: ArrayBuffer): GPUBuffer {
    const usage = GPUBufferUsage.COPY_DST | GPUBufferUsage.UNIFORM;
    const buffer: GPUBuffer = this.bufferManager.acquireBuffer(bytes.byteLength, usage);
    this.queue.writeBuffer(buffer, 0, bytes);
    this['uniformPendingDisposal'].push(buffer);
    return buffer;
  }

  /** One dispatch in the open pass; submits as often as tfjs's own programs do. */
  record(
    used: readonly DataId[],
    pipeline: GPUComputePipeline,
    bindGroup: GPUBindGroup,
    [x, y]: readonly [number, number],
  ): void {
    for (const id of used) this['commandQueueOwnedIds'].add(id);
    this.ensureCommandEncoderReady();
    this['computePassEncoder'] ??= this['commandEncoder'].beginComputePass();
    const pass = this['computePassEncoder'];
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(x, y);
    this['dispatchCountInPass']++;
    if (Number(tf.env().get('WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE')) <= this['dispatchCountInPass']) {
      this.endComputePassEncoder();
      this.submitQueue();
    }
  }
}

/**
 * Asks for a device with the limits that tfjs asks for.
 *
 * @throws BackendUnavailableError where there is no WebGPU, no adapter, or no device.
 */
export async function startBackend(): Promise<DiffWebGPUBackend> {
  const gpu = (globalThis.navigator as { gpu?: GPU } | undefined)?.gpu;
  if (!gpu) {
    throw new BackendUnavailableError(
      "webgpu: needs navigator.gpu, which this environment does not have. Use a browser with WebGPU over https or localhost, or another backend: useBackend('auto').",
    );
  }
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) {
    throw new BackendUnavailableError(
      "webgpu: needs a GPU adapter, but navigator.gpu.requestAdapter() found none (blocked driver, or no GPU). Use another backend: useBackend('auto').",
    );
  }
  const { limits, features } = adapter;
  const wanted = ['timestamp-query', 'bgra8unorm-storage'] as const;
  const device = await adapter.requestDevice({
    requiredFeatures: wanted.filter((name) => features.has(name)),
    requiredLimits: {
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
      maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
      maxBufferSize: limits.maxBufferSize,
      maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
    },
  });
  return new DiffWebGPUBackend(device, adapter.info);
}
