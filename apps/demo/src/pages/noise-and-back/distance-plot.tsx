/** Distance to the data at every moment, on both ways, over the floor. */
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { LinePlot } from '../../ui/line-plot.tsx';
import type { Frame } from './options.ts';
import type { View } from './view.ts';

export function DistancePlot({
  start,
  frames,
  shown,
}: {
  readonly start: View['start'];
  readonly frames: readonly Frame[];
  readonly shown: Frame | undefined;
}): JSX.Element {
  const x = useMemo(
    () => [...new Set([...start.forward, ...start.back])].sort((a, b) => a - b),
    [start.forward, start.back],
  );
  const curves = useMemo(() => {
    const along = (wanted: readonly Frame[]): readonly (number | null)[] => {
      const at = new Map(wanted.map(({ t, distance }) => [t, distance]));
      return x.map((t) => at.get(t) ?? null);
    };
    return [
      { name: 'forward', values: along(frames.filter(({ forward }) => forward)) },
      { name: 'back', values: along(frames.filter(({ forward }) => !forward)) },
      { name: 'floor', look: 'dashes', values: x.map(() => start.floor.value) },
      { name: 'shown', look: 'dots', values: along(shown ? [shown] : []) },
    ] as const;
  }, [x, start.floor, frames, shown]);
  return <LinePlot x={x} xLabel="time t" yLabel="energy distance" curves={curves} logarithmic spanGaps />;
}
