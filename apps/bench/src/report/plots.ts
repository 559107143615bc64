/** The report's plots as SVG text, drawn by Observable Plot on a document of linkedom's. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { pairedRatio } from '../statistics/paired-ratio.ts';
import {
  baselineOf,
  type CaseResult,
  type ContestantResult,
  type Results,
  samplesOf,
} from '../suite/results.ts';
import type { GrowthCurve } from './growth.ts';
import { shownRatio, shownTime } from './shown.ts';

const { document } = parseHTML('<!doctype html><html><body></body></html>');
/** Told apart on white and on black. */
const COLOURS: Readonly<Record<string, string>> = {
  'simd-relaxed': '#2f7fd0',
  'simd-256': '#3d3fa8',
  'simd-base': '#8fbbe8',
  'simd-threads': '#14b8c4',
  'tfjs-wasm': '#e07b1f',
  'tfjs-cpu': '#b8956a',
  onnx: '#9b6fd0',
  'jax-js': '#4c9f70',
  'torch-1': '#d64545',
  'torch-2': '#f0908f',
};
const OTHERS = ['#c9a227', '#7d8597', '#b0489b', '#6b8e23'];

function svg(options: Plot.PlotOptions): string {
  const figure = Plot.plot({ document, style: { background: 'transparent' }, ...options });
  const drawings = figure.tagName.toLowerCase() === 'svg' ? [figure] : [...figure.querySelectorAll('svg')];
  for (const drawing of drawings) drawing.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return figure.outerHTML;
}

function colours(contestants: readonly ContestantResult[]): Plot.ScaleOptions {
  let others = 0;
  return {
    legend: true,
    domain: contestants.map(({ label }) => label),
    range: contestants.map(({ id }) => COLOURS[id] ?? OTHERS[others++ % OTHERS.length]!),
  } as Plot.ScaleOptions;
}

interface Dot {
  readonly title: string;
  readonly label: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Contestants that are compared: all but yardsticks, in the environments' order. */
export function compared({ contestants }: Results): readonly ContestantResult[] {
  return contestants.filter(({ absent, yardstick }) => absent === undefined && !yardstick);
}

/** How many times slower than the baseline everybody is, case by case, with intervals; undefined with nothing to show. */
export function ratioPlot(results: Results, cases: readonly CaseResult[]): string | undefined {
  const people = compared(results);
  const dots = cases.flatMap((result) =>
    people.flatMap((contestant): Dot[] => {
      const ratio = pairedRatio(
        samplesOf(result, contestant.id),
        samplesOf(result, baselineOf(contestant.id, results.baseline)),
      );
      return ratio ? [{ title: result.title, label: contestant.label, ...ratio }] : [];
    }),
  );
  if (dots.length === 0) return undefined;
  const titles = cases.map(({ title }) => title);
  return svg({
    width: 960,
    height: 60 + 24 * titles.length,
    marginLeft: 330,
    marginRight: 20,
    x: { type: 'log', grid: true, label: 'times the time of simd →', tickFormat: '~g', inset: 12 },
    y: { domain: titles, label: null },
    color: colours(people),
    marks: [
      Plot.ruleX([1], { strokeDasharray: '3,3', strokeOpacity: 0.6 }),
      Plot.ruleY(dots, {
        x1: 'low',
        x2: 'high',
        y: 'title',
        stroke: 'label',
        strokeOpacity: 0.5,
        strokeWidth: 3,
      }),
      Plot.dot(dots, {
        x: 'value',
        y: 'title',
        fill: 'label',
        r: 4.5,
        title: (d: Dot) =>
          `${d.label}: ×${shownRatio(d.value)} (${shownRatio(d.low)} to ${shownRatio(d.high)})`,
      }),
    ],
  });
}

/** Time against size, both logarithmic, one line for each contestant. */
export function growthPlot(results: Results, curves: readonly GrowthCurve[]): string {
  const points = curves.flatMap(({ label, points: given }) => given.map((point) => ({ ...point, label })));
  return svg({
    width: 640,
    height: 360,
    marginLeft: 70,
    x: { type: 'log', grid: true, label: `${curves[0]!.axis} →`, tickFormat: '~s' },
    y: { type: 'log', grid: true, label: '↑ time', tickFormat: (t: number) => shownTime(t), ticks: 5 },
    color: colours(compared(results)),
    marks: [
      Plot.line(points, { x: 'value', y: 'time', stroke: 'label' }),
      Plot.dot(points, { x: 'value', y: 'time', fill: 'label', r: 3 }),
    ],
  });
}

/** Samples round by round, to show how quiet the machine was: the baseline's, as multiples of each case's least. */
export function quietnessPlot(results: Results): string | undefined {
  const rows = results.cases.flatMap((result) => {
    const samples = samplesOf(result, results.baseline);
    if (samples.length < 2) return [];
    const least = Math.min(...samples);
    return samples.map((sample) => ({ multiple: sample / least, group: result.group }));
  });
  if (rows.length === 0) return undefined;
  return svg({
    width: 640,
    height: 200,
    x: { type: 'log', label: 'sample / least sample of its case →', tickFormat: '~g' },
    y: { grid: true, label: '↑ samples' },
    marks: [Plot.rectY(rows, Plot.binX({ y: 'count' }, { x: 'multiple', thresholds: 40 })), Plot.ruleY([0])],
  });
}
