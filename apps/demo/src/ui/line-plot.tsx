/** Curves over one axis, drawn by uPlot, with the numbers beside them for those who do not see the picture. */
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useTheme } from './use-theme.ts';

export interface Curve {
  readonly name: string;
  /** One value for each x; null where there is none. */
  readonly values: readonly (number | null)[];
  /** A line with its points (the default), a dashed line without, or large points alone. */
  readonly look?: Look;
}

type Look = 'line' | 'dashes' | 'dots';

const LOOKS: Readonly<Record<Look, uPlot.Series>> = {
  line: { width: 2, points: { show: true, size: 5 } },
  dashes: { width: 2, dash: [6, 4], points: { show: false } },
  dots: { width: 0, points: { show: true, size: 12, width: 3 } },
};

const tickLabel = (v: number | null): string =>
  v === null ? '' : v !== 0 && (Math.abs(v) < 1e-3 || Math.abs(v) >= 1e4) ? v.toExponential(0) : String(v);

/** m·10^k within the range, for m = 1 … 9. */
function logarithmicSplits(from: number, to: number): number[] {
  const first = Math.floor(Math.log10(from));
  return Array.from({ length: 9 * (Math.ceil(Math.log10(to)) - first + 1) }, (_, i) =>
    Number(`${1 + (i % 9)}e${first + Math.floor(i / 9)}`),
  ).filter((v) => v >= from && v <= to);
}

/** Which of them have a line and a number: powers of ten, and where these are few their doubles and halves too. */
function labelled(splits: readonly number[]): (number | null)[] {
  const leading = (v: number): string => v.toExponential()[0]!;
  const few = splits.filter((v) => leading(v) === '1').length < 3;
  return splits.map((v) => ((few ? '125' : '1').includes(leading(v)) ? v : null));
}

/** A logarithmic axis that ends where the data end. */
const tight = (_: uPlot, from: number | null, to: number | null): [number, number] =>
  from !== null && to !== null && from > 0 ? [from / 1.1, to * 1.1] : [1, 10];

/** Distinguishable in light and dark, and by people who do not see all colours (Okabe and Ito, 2008). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#8c6bb1', '#a0a0a0'];

export function LinePlot({
  x,
  xLabel,
  yLabel,
  curves,
  logarithmic = false,
  spanGaps = false,
}: {
  readonly x: readonly number[];
  readonly xLabel: string;
  readonly yLabel: string;
  readonly curves: readonly Curve[];
  /** Both axes. */
  readonly logarithmic?: boolean;
  /** Draw on over places where a curve has no value. */
  readonly spanGaps?: boolean;
}): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const drawn = useRef<uPlot | undefined>(undefined);
  const theme = useTheme();
  /** What makes another plot; other values are put into the one that is there. */
  const names = curves.map(({ name, look = 'line' }) => `${look} ${name}`).join('\n');
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const style = getComputedStyle(element);
    const colour = (name: string): string => style.getPropertyValue(name).trim();
    const filter = (_: uPlot, splits: number[]): (number | null)[] => labelled(splits);
    const logs = logarithmic
      ? {
          splits: (_: uPlot, __: number, from: number, to: number) => logarithmicSplits(from, to),
          filter,
          ticks: { filter },
        }
      : {};
    const axis = {
      stroke: colour('--soft'),
      grid: { stroke: colour('--line'), width: 1, ...(logarithmic ? { filter } : {}) },
      ...logs,
    };
    const distr = logarithmic ? 3 : 1;
    const plot = new uPlot(
      {
        width: element.clientWidth,
        height: Math.min(420, Math.max(260, element.clientWidth * 0.6)),
        scales: { x: { time: false, distr, ...(logarithmic ? { range: tight } : {}) }, y: { distr } },
        axes: [
          { ...axis, label: xLabel, values: (_, ticks) => ticks.map(tickLabel) },
          { ...axis, label: yLabel, size: 72, values: (_, ticks) => ticks.map(tickLabel) },
        ],
        legend: { live: false },
        cursor: { show: false },
        series: [
          {},
          ...curves.map(({ name, look = 'line' }, i) => ({
            label: name,
            stroke: COLOURS[i % COLOURS.length]!,
            spanGaps,
            ...LOOKS[look],
          })),
        ],
      },
      [[]],
      element,
    );
    drawn.current = plot;
    const resize = new ResizeObserver(() =>
      plot.setSize({ width: element.clientWidth, height: plot.height }),
    );
    resize.observe(element);
    return () => {
      resize.disconnect();
      plot.destroy();
    };
  }, [xLabel, yLabel, names, logarithmic, spanGaps, theme]);

  useEffect(() => {
    drawn.current?.setData([[...x], ...curves.map(({ values }) => [...values])] as uPlot.AlignedData);
  }, [x, curves, xLabel, yLabel, names, logarithmic, spanGaps, theme]);

  return (
    <figure class="plot">
      <div
        ref={place}
        role="img"
        aria-label={`${yLabel} against ${xLabel}: ${curves.map(({ name }) => name).join(', ')}`}
      />
      <details>
        <summary>The numbers</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
        <section class="scroll" tabIndex={0} aria-label={`${yLabel} against ${xLabel}`}>
          <table>
            <thead>
              <tr>
                <th scope="col">{xLabel}</th>
                {curves.map(({ name }) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {x.map((value, row) => (
                <tr key={value}>
                  <th scope="row">{value}</th>
                  {curves.map(({ name, values }) => (
                    <td key={name}>{values[row]?.toExponential(2) ?? ''}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </details>
    </figure>
  );
}
