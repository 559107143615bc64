/** Which plots there are: one for each family of samplers, on the ring, and one of steps against dimension. */
import { DIMENSIONS, type Scaling } from './dimension-scaling.ts';
import type { Catalogue, Measured, Point } from './measure.ts';
import { logLogPlot, type Series } from './plots.ts';
import { FAMILIES } from './registry.ts';
import { specimen } from './specimen.ts';

interface Drawing {
  readonly file: string;
  readonly title: string;
  readonly svg: string;
}

const LONGEST = 58;
/** Where the axis of evaluations begins. */
const FEWEST = 4;

/** Curves that are the same within rounding are one, under the first name. */
function seriesOf(measured: readonly Measured[], points: (m: Measured) => readonly Point[]): Series[] {
  const found: { name: string; curve: readonly Point[]; others: number }[] = [];
  for (const m of measured) {
    const curve = points(m);
    if (curve.length === 0) continue;
    const same = found.find(
      (f) =>
        f.curve.length === curve.length &&
        curve.every(({ nfe, error }, i) => {
          const other = f.curve[i]!;
          return nfe === other.nfe && Math.abs(error / other.error - 1) < 1e-3;
        }),
    );
    const { call } = m.entry;
    if (same) same.others++;
    else found.push({ name: call.length > LONGEST ? specimen(m.entry).name : call, curve, others: 0 });
  }
  return found.map(({ name, curve, others }) => ({
    name: others > 0 ? `${name} and ${others} more` : name,
    points: curve
      .filter(({ nfe }) => nfe >= FEWEST)
      .map(({ nfe, error }) => ({ x: nfe, y: Math.min(error, 1e4) })),
  }));
}

export function cataloguePlots({ measured, ring }: Catalogue): Drawing[] {
  return FAMILIES.flatMap((family) => {
    const members = measured.filter(({ entry }) => entry.family === family);
    const flow = members.every(({ entry }) => !specimen(entry).stochastic);
    const series = seriesOf(members, (m) => (flow ? m.ring.flow : m.ring.law));
    if (series.length === 0) return [];
    const title = `${family[0]!.toUpperCase()}${family.slice(1)}`;
    const orders = flow ? [...new Set(members.map(({ entry }) => specimen(entry).order))].sort() : [1, 2];
    return [
      {
        file: `${family.toLowerCase().replace(/[^a-z]+/g, '-')}.svg`,
        title,
        svg: logLogPlot({
          title,
          x: 'model evaluations',
          y: flow ? 'distance from the exact flow (rms)' : 'sliced W₂ to the exact law',
          series,
          rates: orders.map((order) => ({ name: `order ${order}`, slope: -order })),
          corner: { x: 10, y: flow ? 1 : 0.4 },
          floor: flow ? { name: 'float32', y: ring.flow } : { name: 'two exact samples', y: ring.law },
          ticks: flow ? [FEWEST, 10, 20, 50, 100, 280] : [FEWEST, 10, 20, 50, 100],
        }),
      },
    ];
  });
}

export function dimensionPlot(scalings: readonly Scaling[]): Drawing {
  const title = 'W₂ ≤ 0.1 on Gaussian data';
  const series = scalings.map(({ name, nfe, slope }) => ({
    name: `${name}: slope ${slope.toFixed(2)}`,
    points: nfe.map((y, i) => ({ x: DIMENSIONS[i]!, y })),
  }));
  return {
    file: 'dimension.svg',
    title,
    svg: logLogPlot({
      title,
      x: 'dimension d',
      y: 'model evaluations against the dimension',
      series,
      rates: [
        { name: 'd', slope: 1 },
        { name: '√d', slope: 1 / 2 },
      ],
      corner: { x: 1, y: 20 },
      ticks: [1, 2, 4, 8, 16, 32, 64, 128, 256],
    }),
  };
}
