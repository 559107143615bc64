/**
 * A process out of its JSON: the inverse of `process.config`, for checkpoints and for moving between machines.
 */
import { FormatError, shown } from '@diff/core';
import { contractive } from './contractive.ts';
import { edm } from './edm.ts';
import { flowMatching } from './flow-matching.ts';
import { ornsteinUhlenbeck } from './ornstein-uhlenbeck.ts';
import type { LinearProcess, ProcessConfig } from './process.ts';
import { subVariancePreserving } from './sub-variance-preserving.ts';
import { varianceExploding } from './variance-exploding.ts';
import { variancePreserving } from './variance-preserving.ts';

/**
 * The process that a config names.
 *
 * @param config what `process.config` gave, perhaps after a round trip through JSON text.
 * @throws FormatError for an unknown type and for 'custom' (functions have no JSON); DomainError for bad numbers.
 * @example
 * ```ts
 * import { processFromConfig, variancePreserving } from '@diff/sde';
 * const text = JSON.stringify(variancePreserving().config);
 * const process = processFromConfig(JSON.parse(text));
 * ```
 */
export function processFromConfig(config: ProcessConfig): LinearProcess {
  const type: unknown = config?.type;
  switch (config?.type) {
    case 'ou':
      return ornsteinUhlenbeck(config);
    case 've':
      return varianceExploding(config);
    case 'edm':
      return edm(config);
    case 'flow':
      return flowMatching(config);
    case 'vp':
      return variancePreserving(config);
    case 'subvp':
      return subVariancePreserving(config);
    case 'cvp':
      return contractive(config);
    case 'custom':
      throw new FormatError(
        `processFromConfig: config must name a process with a closed form, got type 'custom'. Build it again with fromAlphaSigma and pass the process itself.`,
      );
    default:
      throw new FormatError(
        `processFromConfig: config.type must be one of 'ou', 've', 'edm', 'flow', 'vp', 'subvp', 'cvp', got ${shown(type)}. Pass what process.config gave.`,
      );
  }
}
