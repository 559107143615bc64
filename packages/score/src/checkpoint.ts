/**
 * Checkpoints of network models, as safetensors: `weights.<name>` for each variable of the network, `average.<name>`
 * for their average, `adam.first` and `adam.second` for the optimiser's moments, and in the metadata, as JSON, the
 * architecture (network, process, preconditioning) and where the run stood. Floats keep their bits, unless F16 is asked for.
 */
import { DomainError, FormatError, requireOneOf, shown } from '@diff/core';
import { type LinearProcess, processFromConfig } from '@diff/sde';
import * as tf from '@tensorflow/tfjs-core';
import { broken, FORMAT, gathered, hasAverage, isFields, opened, parsed } from './checkpoint-format.ts';
import type { Network, NetworkConfig } from './network.ts';
import { networkFromConfig } from './network-config.ts';
import { type NetworkModel, precondition } from './precondition.ts';
import { PRECONDITIONINGS, type Preconditioning } from './preconditioning.ts';
import { type SafetensorsEntry, writeSafetensors } from './safetensors.ts';
import type { TrainingState } from './training-state.ts';

export interface SaveCheckpointOptions {
  readonly model: NetworkModel;
  /** Where training stood; without it, only the network's present weights are saved. */
  readonly training?: TrainingState;
  /** How weights alone (without `training`) are stored; 'F16' halves the file and keeps 11 bits of each. Default 'F32'. */
  readonly dtype?: 'F32' | 'F16';
  /** Strings of your own, beside the checkpoint's (which begin with 'diff.'). */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** The pieces of a row of all weights, by name. */
function pieces(network: Network, prefix: string, row: Float32Array): Record<string, SafetensorsEntry> {
  const out: Record<string, SafetensorsEntry> = {};
  let start = 0;
  for (const [name, variable] of Object.entries(network.variables)) {
    const data = row.slice(start, start + variable.size);
    out[`${prefix}.${name}`] = { dtype: 'F32', shape: variable.shape, data };
    start += variable.size;
  }
  return out;
}

async function presentWeights(
  network: Network,
  dtype: 'F32' | 'F16',
): Promise<Record<string, SafetensorsEntry>> {
  const out: Record<string, SafetensorsEntry> = {};
  for (const [name, variable] of Object.entries(network.variables)) {
    out[`weights.${name}`] = {
      dtype,
      shape: variable.shape,
      data: Float32Array.from(await variable.data()),
    };
  }
  return out;
}

/**
 * Writes a model, and where its training stood, as the bytes of a safetensors file.
 *
 * @returns bytes; the same model gives the same bytes.
 * @throws DomainError for metadata names that begin with 'diff.'.
 * @example
 * ```ts
 * import { key } from '@diff/core';
 * import { loadCheckpoint, mlp, precondition, saveCheckpoint } from '@diff/score';
 * import { edm } from '@diff/sde';
 * import '@tensorflow/tfjs-backend-cpu';
 * const model = precondition({ network: mlp({ eventShape: [2], width: 8, key: key(1) }), process: edm() });
 * const bytes = await saveCheckpoint({ model, metadata: { data: 'two moons' } });
 * const { model: again, metadata } = loadCheckpoint(bytes);
 * ```
 */
export async function saveCheckpoint({
  model,
  training,
  dtype = 'F32',
  metadata = {},
}: SaveCheckpointOptions): Promise<Uint8Array> {
  requireOneOf('saveCheckpoint', 'dtype', dtype, ['F32', 'F16']);
  if (training && dtype !== 'F32') {
    throw new DomainError(
      `saveCheckpoint: dtype must be 'F32' where a run is to go on, got '${dtype}'. Leave out \`training\`.`,
    );
  }
  for (const name of Object.keys(metadata)) {
    if (name.startsWith('diff.')) {
      throw new DomainError(
        `saveCheckpoint: names in metadata must not begin with 'diff.', got ${shown(name)}. Rename it.`,
      );
    }
  }
  const { network, process, preconditioning, name } = model;
  const architecture = {
    name,
    network: network.config,
    process: process.config,
    preconditioning: { name: preconditioning.name, sigmaData: preconditioning.sigmaData },
  };
  const flat = (data: Float32Array): SafetensorsEntry => ({ dtype: 'F32', shape: [data.length], data });
  const tensors = training
    ? {
        ...pieces(network, 'weights', training.parameters),
        ...(training.average ? pieces(network, 'average', training.average) : {}),
        'adam.first': flat(training.first),
        'adam.second': flat(training.second),
      }
    : await presentWeights(network, dtype);
  return writeSafetensors(tensors, {
    'diff.format': FORMAT,
    'diff.model': JSON.stringify(architecture),
    ...(training
      ? {
          'diff.training': JSON.stringify({
            step: training.step,
            settings: training.settings,
            history: training.history,
          }),
        }
      : {}),
    ...metadata,
  });
}

export interface LoadCheckpointOptions {
  /** Needed when the checkpoint's network is your own ('custom'); its variables are overwritten. */
  readonly network?: Network;
  /** Needed when the checkpoint's process is your own ('custom'). */
  readonly process?: LinearProcess;
  /** Needed when the checkpoint's preconditioning is your own. */
  readonly preconditioning?: Preconditioning;
  /** Which weights; default the averaged ones where there are any. */
  readonly weights?: 'average' | 'last';
}

export interface LoadedCheckpoint {
  readonly model: NetworkModel;
  /** Training steps done, where the checkpoint is one of a run. */
  readonly step?: number;
  /** The strings given to `saveCheckpoint`. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Builds the model of a checkpoint and loads its weights.
 *
 * @throws FormatError for bytes that are not a checkpoint, or one of another architecture.
 * @example
 * ```ts
 * import { key } from '@diff/core';
 * import { loadCheckpoint, mlp, precondition, saveCheckpoint } from '@diff/score';
 * import { edm } from '@diff/sde';
 * import * as tf from '@tensorflow/tfjs-core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const network = mlp({ eventShape: [2], width: 8, key: key(1) });
 * const bytes = await saveCheckpoint({ model: precondition({ network, process: edm() }) });
 * const { model } = loadCheckpoint(bytes);
 * const denoised = await model.denoise(tf.zeros([4, 2]), 0.5);
 * ```
 */
export function loadCheckpoint(bytes: Uint8Array, options: LoadCheckpointOptions = {}): LoadedCheckpoint {
  const file = opened(bytes);
  const description = parsed(file.metadata, 'diff.model');
  const { name, network: networkConfig, process: processConfig, preconditioning: rule } = description;
  if (typeof name !== 'string' || !isFields(rule) || typeof rule.sigmaData !== 'number') {
    throw broken("'diff.model' must tell name, network, process and preconditioning", description);
  }
  const choice = options.preconditioning ?? PRECONDITIONINGS.find((p) => p === rule.name);
  if (!choice) {
    throw broken('the preconditioning must be a built-in one', rule.name, 'Pass yours as `preconditioning`.');
  }
  const process =
    options.process ?? rebuilt('process', () => processFromConfig(processConfig as LinearProcess['config']));
  const network =
    options.network ??
    rebuilt('network', () => networkFromConfig(networkConfig as NetworkConfig, file.tensors));
  try {
    const which = options.weights ?? (hasAverage(file) ? 'average' : 'last');
    const row = gathered(file, which === 'average' ? 'average' : 'weights', network);
    let start = 0;
    for (const variable of Object.values(network.variables)) {
      const values = row.slice(start, start + variable.size);
      tf.tidy(() => variable.assign(tf.tensor(values, variable.shape, 'float32')));
      start += variable.size;
    }
    const model = rebuilt('model', () =>
      precondition({ network, process, preconditioning: choice, sigmaData: rule.sigmaData as number, name }),
    );
    const step = Object.hasOwn(file.metadata, 'diff.training')
      ? parsed(file.metadata, 'diff.training').step
      : undefined;
    const metadata = Object.fromEntries(
      Object.entries(file.metadata).filter(([n]) => !n.startsWith('diff.')),
    );
    return { model, metadata, ...(typeof step === 'number' ? { step } : {}) };
  } catch (error) {
    if (!options.network) tf.dispose(Object.values(network.variables));
    throw error;
  }
}

/** What `build` makes; its complaint becomes a FormatError, for here the options come out of a file. */
function rebuilt<T>(what: string, build: () => T): T {
  try {
    return build();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new FormatError(
      `loadCheckpoint: the ${what} must be one that can be rebuilt, got a description that fails (${reason}). Pass your own as an option, or mend the file.`,
      { cause: error },
    );
  }
}
