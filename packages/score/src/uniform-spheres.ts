/**
 * The uniform law on one sphere, or on several: data on a manifold without a density, whose score is still exact
 * (two spheres in R³ are the standard picture of how samplers split mass). Any dimension d ≥ 1; circles are d = 2.
 */
import { requireFinite, requirePositive, ShapeError, shown } from '@diff/core';
import type { LinearProcess } from '@diff/sde';
import { defineExactModel, type ExactModel } from './exact-model.ts';
import { requireRows } from './gaussian-mixture.ts';
import { lawsByLabel } from './laws-by-label.ts';
import { normalizedWeights } from './mixture-weights.ts';
import type { PredictionKind } from './prediction-kind.ts';
import { type Sphere, sphereLaw } from './sphere-law.ts';

export interface UniformSpheresOptions {
  readonly process: LinearProcess;
  /** At least one, all in the same R^d. */
  readonly spheres: readonly Sphere[];
  /** Non-negative, any positive sum; default equal. */
  readonly weights?: readonly number[];
  /** A label ≥ 0 for each sphere; then the model takes conditions. */
  readonly labels?: readonly number[];
  /** What `predict` returns; default 'velocity'. */
  readonly kind?: PredictionKind;
  /** Default 'uniformSpheres'. */
  readonly name?: string;
}

/**
 * The exact model of a mixture of uniform laws on spheres.
 *
 * @returns an exact model with event shape [d]; it holds no tensors. At σ(t) = 0 it throws: spheres have no density.
 * @throws ShapeError, DomainError
 * @example
 * ```ts
 * import { uniformSpheres } from '@diff/score';
 * import { canonicalOu } from '@diff/sde';
 * import { key } from '@diff/core';
 * import '@tensorflow/tfjs-backend-cpu';
 * const twoSpheres = uniformSpheres({
 *   process: canonicalOu({ T: 5 }),
 *   spheres: [{ center: [-2, 0, 0], radius: 1 }, { center: [2, 0, 0], radius: 0.5 }],
 *   weights: [2, 1],
 * });
 * const points = await twoSpheres.sample(key(1), 500); // [500, 3]
 * const score = await twoSpheres.score(points, 0.1);
 * ```
 */
export function uniformSpheres({
  process,
  spheres,
  weights,
  labels,
  kind = 'velocity',
  name = 'uniformSpheres',
}: UniformSpheresOptions): ExactModel {
  if (!Array.isArray(spheres) || spheres.length === 0) {
    throw new ShapeError(
      `${name}: spheres must be a list of at least one sphere, got ${shown(spheres)}. Pass [{ center: [0, 0, 0], radius: 1 }].`,
    );
  }
  const d = requireRows(
    name,
    'the centers of spheres',
    spheres.map((s) => s.center),
  );
  spheres.forEach((s, k) => {
    requirePositive(name, `spheres[${k}].radius`, s.radius, 'For radius 0 use pointMasses.');
    s.center.forEach((c: number, j: number) => {
      requireFinite(name, `spheres[${k}].center[${j}]`, c);
    });
  });
  const normalized = normalizedWeights(name, weights, spheres.length);
  const some = (rows: readonly number[], own: Float64Array) =>
    sphereLaw(
      name,
      rows.map((k) => spheres[k]!),
      own,
    );
  return defineExactModel({
    process,
    name,
    kind,
    eventShape: [d],
    law: sphereLaw(name, spheres, normalized),
    ...(labels ? { lawOf: lawsByLabel(name, labels, normalized, some) } : {}),
  });
}

/**
 * The uniform law on one sphere; center default the origin of R³, radius default 1.
 *
 * @example
 * ```ts
 * import { key } from '@diff/core';
 * import { uniformSphere } from '@diff/score';
 * import { canonicalOu } from '@diff/sde';
 * import '@tensorflow/tfjs-backend-cpu';
 * const model = uniformSphere({ process: canonicalOu(), radius: 2 });
 * const score = await model.score(await model.sample(key(1), 10), 0.2);
 * ```
 */
export function uniformSphere({
  center = [0, 0, 0],
  radius = 1,
  name = 'uniformSphere',
  ...options
}: Omit<UniformSpheresOptions, 'spheres' | 'weights' | 'labels'> & Partial<Sphere>): ExactModel {
  return uniformSpheres({ ...options, name, spheres: [{ center, radius }] });
}
