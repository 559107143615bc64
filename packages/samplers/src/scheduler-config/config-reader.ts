/**
 * Reads the options of one scheduler class out of parsed JSON: each by name, with its default and its type. Only own
 * properties count, so `__proto__` or `constructor` in the JSON are options like any other: unknown ones.
 *
 * Published files carry options of other classes along (a DDIM file read as Euler keeps `set_alpha_to_one`). Those are
 * left alone and listed in `ignored`; a name that no class has is an error.
 */
import { DomainError, FormatError, shown } from '@diff/core';

/** Options of any class that the file may carry along, besides those that the class itself reads. */
const ELSEWHERE = [
  'algorithm_type',
  'base_image_seq_len',
  'base_shift',
  'beta_end',
  'beta_schedule',
  'beta_start',
  'clip_sample',
  'clip_sample_range',
  'corrector_order',
  'disable_corrector',
  'dynamic_thresholding_ratio',
  'euler_at_final',
  'final_sigmas_type',
  'flow_shift',
  'interpolation_type',
  'invert_sigmas',
  'lambda_min_clipped',
  'lower_order_final',
  'max_image_seq_len',
  'max_shift',
  'noise_sampler_seed',
  'num_train_timesteps',
  'original_inference_steps',
  'predict_x0',
  'prediction_type',
  'predictor_order',
  'rescale_betas_zero_snr',
  'rho',
  's_churn',
  's_noise',
  's_tmax',
  's_tmin',
  'sample_max_value',
  'set_alpha_to_one',
  'shift',
  'shift_terminal',
  'sigma_data',
  'sigma_max',
  'sigma_min',
  'sigma_schedule',
  'skip_prk_steps',
  'snr_shift_scale',
  'solver_order',
  'solver_p',
  'solver_type',
  'steps_offset',
  'stochastic_sampling',
  'thresholding',
  'time_shift_type',
  'timestep_scaling',
  'timestep_spacing',
  'timestep_type',
  'trained_betas',
  'use_beta_sigmas',
  'use_dynamic_shifting',
  'use_exponential_sigmas',
  'use_flow_sigmas',
  'use_karras_sigmas',
  'use_lu_lambdas',
  'variance_type',
];

/** What a file says about itself. */
const ABOUT = ['_class_name', '_diffusers_version', '_name_or_path', '_use_default_values'];

interface Range {
  readonly min?: number;
  readonly max?: number;
}

export interface ConfigReader {
  /** The class that the file names. */
  readonly scheduler: string;
  /** For messages. */
  readonly where: string;
  number<T>(name: string, fallback: number | T, range?: Range): number | T;
  integer(name: string, fallback: number, least: number): number;
  flag(name: string, fallback: boolean): boolean;
  choice<T extends string>(name: string, fallback: T, choices: readonly T[]): T;
  /** A list of numbers; undefined where the file has none. */
  numbers(name: string): readonly number[] | undefined;
  /** Throws where an option that is not supported has another value than these. */
  only(name: string, values: readonly unknown[], hint: string): void;
  /** Throws for a setting that cannot be. */
  refuse(requirement: string, got: string, hint: string): never;
  /** Throws for names that no class has; returns those that only other classes have. */
  finish(): readonly string[];
}

/** The config as an object: an object itself, or JSON text, in which Python's Infinity and NaN may stand. */
export function parseConfig(where: string, json: unknown): Readonly<Record<string, unknown>> {
  let value = json;
  if (typeof json === 'string') {
    // Strings are matched first, so that the words are replaced outside of strings only.
    const text = json.replace(/"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g, (m) => (m.startsWith('"') ? m : `"${m}"`));
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw new FormatError(
        `${where}: the config must be JSON, got text that is not: ${cause instanceof Error ? cause.message : ''}. Pass the text of a scheduler_config.json.`,
        { cause },
      );
    }
  }
  const prototype: unknown =
    typeof value === 'object' && value !== null ? Object.getPrototypeOf(value) : undefined;
  if (typeof value !== 'object' || value === null || (prototype !== Object.prototype && prototype !== null)) {
    throw new FormatError(
      `${where}: the config must be a plain object or JSON text, got ${shown(value)}. Pass what a scheduler_config.json holds.`,
    );
  }
  return value as Readonly<Record<string, unknown>>;
}

/** A reader of one parsed config. */
export function configReader(
  where: string,
  scheduler: string,
  config: Readonly<Record<string, unknown>>,
): ConfigReader {
  const read = new Set<string>();
  const title = `${where}: ${scheduler}`;

  /** The value of an own property; undefined for none and for null, which Python's None becomes. */
  function value(name: string): unknown {
    read.add(name);
    const found = Object.hasOwn(config, name) ? config[name] : undefined;
    return found === null ? undefined : found;
  }

  function wrong(name: string, wanted: string, got: unknown): never {
    throw new FormatError(
      `${title}.${name} must be ${wanted}, got ${shown(got)}. Correct the config, or leave it out for the default.`,
    );
  }

  return {
    scheduler,
    where: title,
    number(name, fallback, { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = {}) {
      const got = value(name);
      if (got === undefined) return fallback;
      const infinite = { Infinity: Number.POSITIVE_INFINITY, '-Infinity': Number.NEGATIVE_INFINITY };
      const x = got === 'Infinity' || got === '-Infinity' ? infinite[got] : got;
      const fine = typeof x === 'number' && x >= min && x <= max;
      if (!fine || (!Number.isFinite(x) && min > Number.NEGATIVE_INFINITY)) {
        const lower = Number.isFinite(min) ? ` of at least ${min}` : '';
        const upper = Number.isFinite(max) ? `${lower ? ' and' : ''} at most ${max}` : '';
        return wrong(name, `a number${lower}${upper}`, got);
      }
      return x;
    },
    integer(name, fallback, least) {
      const got = value(name) ?? fallback;
      if (typeof got !== 'number' || !Number.isSafeInteger(got) || got < least) {
        return wrong(name, `an integer of at least ${least}`, got);
      }
      return got;
    },
    flag(name, fallback) {
      const got = value(name) ?? fallback;
      return typeof got === 'boolean' ? got : wrong(name, 'true or false', got);
    },
    choice(name, fallback, choices) {
      const got = value(name) ?? fallback;
      const found = choices.find((c) => c === got);
      return found ?? wrong(name, `one of ${choices.map((c) => `'${c}'`).join(', ')}`, got);
    },
    numbers(name) {
      const got = value(name);
      if (got === undefined) return undefined;
      const ok = Array.isArray(got) && got.every((x: unknown) => typeof x === 'number' && Number.isFinite(x));
      return ok ? (got as readonly number[]) : wrong(name, 'a list of numbers', got);
    },
    only(name, values, hint) {
      const got = value(name);
      if (got !== undefined && !values.includes(got)) {
        throw new DomainError(
          `${title}.${name} must be ${values.map(shown).join(' or ')}, got ${shown(got)}. ${hint}`,
        );
      }
    },
    refuse(requirement, got, hint) {
      throw new DomainError(`${title}: ${requirement}, got ${got}. ${hint}`);
    },
    finish() {
      const others = Object.keys(config).filter((name) => !read.has(name) && !ABOUT.includes(name));
      const unknown = others.filter((name) => !ELSEWHERE.includes(name));
      if (unknown.length > 0) {
        throw new FormatError(
          `${title} must have options that are known, got '${unknown.join("', '")}'. Those of this class are ${[...read].sort().join(', ')}.`,
        );
      }
      return Object.freeze(others);
    },
  };
}
