/** Growth curves: how times and memory follow n, d and the number of steps. */
import { logLogSlope, type Slope } from '../statistics/log-log-slope.ts';
import { median } from '../statistics/quantile.ts';
import type { Results } from '../suite/results.ts';

interface GrowthPoint {
  readonly value: number;
  /** Median, in milliseconds. */
  readonly time: number;
  readonly peakBytes?: number;
}

export interface GrowthCurve {
  readonly curve: string;
  readonly axis: string;
  readonly contestant: string;
  readonly label: string;
  readonly points: readonly GrowthPoint[];
  /** Absent with fewer than three points. */
  readonly fit?: Slope;
  /** The exponent over the upper half of the points, where overhead no longer counts. */
  readonly upperSlope?: number;
}

/** The curves of a run, one for each quantity, axis and contestant. */
export function growthCurves({ cases, contestants }: Results): readonly GrowthCurve[] {
  const keys = [...new Set(cases.flatMap(({ curve }) => (curve ? [`${curve.curve}\n${curve.axis}`] : [])))];
  return keys.flatMap((key) => {
    const [curve, axis] = key.split('\n') as [string, string];
    const members = cases
      .filter((c) => c.curve?.curve === curve && c.curve.axis === axis)
      .sort((a, b) => a.curve!.value - b.curve!.value);
    return contestants.flatMap(({ id, label }): GrowthCurve[] => {
      const points = members.flatMap((member): GrowthPoint[] => {
        const cell = member.cells[id];
        if (cell?.status !== 'timed') return [];
        const { peakBytes } = cell;
        const time = median(cell.samples);
        return [{ value: member.curve!.value, time, ...(peakBytes !== undefined && { peakBytes }) }];
      });
      if (points.length === 0) return [];
      const pairs = points.map(({ value, time }) => ({ x: value, y: time }));
      const upper = pairs.slice(-Math.max(2, Math.ceil(pairs.length / 2)));
      const fitted = pairs.length >= 3;
      return [
        {
          curve,
          axis,
          contestant: id,
          label,
          points,
          ...(fitted && { fit: logLogSlope(pairs), upperSlope: logLogSlope(upper).slope }),
        },
      ];
    });
  });
}
