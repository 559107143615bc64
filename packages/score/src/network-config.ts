/**
 * Networks from their JSON description. A description may come from a stranger's file, so the weights that it asks
 * for must be in that file before anything is allocated.
 */
import { DomainError, key, shown } from '@diff/core';
import { mlp } from './mlp.ts';
import type { Network, NetworkConfig } from './network.ts';

/** Is every number that decides the size of an MLP backed by tensors of the file? */
function fits(
  config: NetworkConfig,
  tensors: ReadonlyMap<string, { readonly data: { readonly length: number } }>,
): boolean {
  const total = [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
  const { width, blocks, fourierFeatures, classes, eventShape } = config;
  const event = Array.isArray(eventShape)
    ? eventShape.reduce((a, b) => Number(a) * Number(b), 1)
    : Number.NaN;
  const needed =
    Number(width) *
    (Number(event) * 2 + Number(fourierFeatures) + Number(classes) + 2 * Number(blocks) * Number(width));
  return needed <= total;
}

/**
 * A network of the described architecture, its weights not yet loaded.
 *
 * @param tensors those of the checkpoint.
 * @throws DomainError for a type that cannot be rebuilt or a size that the tensors do not have.
 */
export function networkFromConfig(
  config: NetworkConfig,
  tensors: ReadonlyMap<string, { readonly data: { readonly length: number } }>,
): Network {
  if (config?.type !== 'mlp') {
    throw new DomainError(
      `networkFromConfig: type must be 'mlp', got ${shown(config?.type)}. Build your network yourself and pass it as an option.`,
    );
  }
  const { type, ...options } = config;
  if (!fits(config, tensors)) {
    throw new DomainError(
      `networkFromConfig: the file must hold the weights of its ${type}, got fewer numbers than that. Fetch the file again.`,
    );
  }
  return mlp({ ...(options as Omit<Parameters<typeof mlp>[0], 'key'>), key: key(0) });
}
