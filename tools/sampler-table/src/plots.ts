/**
 * The plots of the catalogue as SVG text, drawn by Observable Plot on a document of linkedom's. They are shown as images,
 * on light and on dark pages: no background, and text in a colour that follows the reader's scheme.
 */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

export interface Series {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface LogLogPlot {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly Series[];
  /** Dashed lines of these slopes through the point where they start. */
  readonly rates: readonly { readonly name: string; readonly slope: number }[];
  /** Where the rates start. */
  readonly corner: { readonly x: number; readonly y: number };
  /** A horizontal line below which nothing can be seen. */
  readonly floor?: { readonly name: string; readonly y: number };
  readonly ticks: readonly number[];
}

const { document } = parseHTML('<!doctype html><html><body></body></html>');
const WIDTH = 900;
const HEIGHT = 380;
const MARGIN = { marginLeft: 56, marginRight: 350, marginTop: 38, marginBottom: 40 };
/** Of middle lightness, to be told from white and from black. */
const COLOURS = [
  '#2f81d6',
  '#e0702a',
  '#2e9e5b',
  '#d1495b',
  '#8a6bd1',
  '#a0703c',
  '#d25fae',
  '#7d8590',
  '#a9a023',
  '#17a2b0',
];
const SCHEME = '<style>svg{color:#57606a}@media (prefers-color-scheme:dark){svg{color:#9da7b3}}</style>';

/** Names at their curves' ends, moved apart so that each can be read. */
function labels(series: readonly Series[], least: number, most: number): number[] {
  const gap = (Math.log(most / least) / (HEIGHT - MARGIN.marginTop - MARGIN.marginBottom)) * 14;
  const order = series
    .map((_, i) => i)
    .sort((i, j) => series[i]!.points.at(-1)!.y - series[j]!.points.at(-1)!.y);
  const at = new Array<number>(series.length);
  let below = Math.log(least) - gap;
  for (const i of order) {
    below = Math.max(below + gap, Math.min(Math.log(most), Math.log(series[i]!.points.at(-1)!.y)));
    at[i] = below;
  }
  // Those pushed out above come down again.
  let above = Math.log(most) + gap;
  for (const i of order.reverse()) {
    above = Math.min(above - gap, at[i]!);
    at[i] = above;
  }
  return at.map(Math.exp);
}

/** Where the axis is marked: powers of ten, or, where these are few, 1, 2 and 5 times them. */
function powers(least: number, most: number): number[] {
  const factors = Math.log10(most / least) > 2.5 ? [1] : [1, 2, 5];
  const [first, last] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most))];
  const all = Array.from({ length: last - first + 1 }, (_, i) => factors.map((f) => f * 10 ** (first + i)));
  return all.flat().filter((v) => v >= least && v <= most);
}

function axisNumber(v: number): string {
  return v >= 0.01 && v <= 1000 ? `${Number(v.toPrecision(3))}` : v.toExponential(0);
}

/** Curves in double logarithmic axes, each named at its end. */
export function logLogPlot({ title, x, y, series, rates, corner, floor, ticks }: LogLogPlot): string {
  const all = series.flatMap((s) => s.points.map((p) => p.y));
  const least = Math.min(...all, floor?.y ?? Number.POSITIVE_INFINITY) / 1.4;
  const most = Math.max(...all) * 1.2;
  const [left, right] = [ticks[0]!, ticks.at(-1)!];
  const places = labels(series, least, most);
  const colour = (i: number): string => COLOURS[i % COLOURS.length]!;
  const rateLines = rates.map(({ name, slope }) => {
    // Cut where it leaves the frame.
    const bound = slope < 0 ? least : most;
    const reach = Math.min(right, corner.x * (bound / corner.y) ** (1 / slope));
    return { name, line: [corner, { x: reach, y: corner.y * (reach / corner.x) ** slope }] };
  });
  const figure = Plot.plot({
    document,
    style: { background: 'transparent' },
    width: WIDTH,
    height: HEIGHT,
    ...MARGIN,
    x: {
      type: 'log',
      label: x,
      labelAnchor: 'center',
      domain: [left, right],
      ticks: [...ticks],
      tickFormat: (v: number) => `${v}`,
    },
    y: {
      type: 'log',
      label: null,
      domain: [least, most],
      grid: true,
      ticks: powers(least, most),
      tickFormat: axisNumber,
    },
    marks: [
      Plot.text([`${title}: ${y}`], {
        frameAnchor: 'top-left',
        textAnchor: 'start',
        dx: -48,
        dy: -30,
        fontSize: 13,
        fontWeight: 'bold',
      }),
      ...rateLines.flatMap(({ name, line }) => [
        Plot.line(line, {
          x: 'x',
          y: 'y',
          stroke: 'currentColor',
          strokeOpacity: 0.5,
          strokeDasharray: '3,4',
        }),
        Plot.text(line.slice(1), { x: 'x', y: 'y', text: () => name, dx: -4, dy: -6, textAnchor: 'end' }),
      ]),
      ...(floor
        ? [
            Plot.ruleY([floor.y], { stroke: 'currentColor', strokeDasharray: '1,3' }),
            Plot.text([floor], { x: () => left, y: 'y', text: 'name', dx: 4, dy: -6, textAnchor: 'start' }),
          ]
        : []),
      ...series.flatMap((s, i) => [
        Plot.line(s.points, { x: 'x', y: 'y', stroke: colour(i), strokeWidth: 1.6 }),
        Plot.dot(s.points, { x: 'x', y: 'y', r: 2, fill: colour(i) }),
        Plot.text([{ x: right, y: places[i]! }], {
          x: 'x',
          y: 'y',
          text: () => s.name,
          dx: 12,
          textAnchor: 'start',
          fill: colour(i),
        }),
      ]),
    ],
  });
  figure.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  const text: string = figure.outerHTML;
  const rounded = text.replace(/="[^"]*"/g, (attribute) =>
    attribute.replace(/\d+\.\d{2,}/g, (v) => String(Number(Number(v).toFixed(1)))),
  );
  return `${rounded.replace(/>/, `>${SCHEME}`)}\n`;
}
