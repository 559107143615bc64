/**
 * The report's plots as SVG text, drawn by Observable Plot on a document of linkedom's.
 */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

interface LossPoint {
  readonly step: number;
  readonly loss: number;
}

const { document } = parseHTML('<!doctype html><html><body></body></html>');
const SIZE = { width: 640, height: 260, marginLeft: 56 };
const REAL = '#888';
const SAMPLE = '#3b82c4';

function svg(options: Plot.PlotOptions): string {
  const figure = Plot.plot({ document, style: { background: 'transparent' }, ...options });
  figure.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return figure.outerHTML;
}

/** Training and validation loss against the step, both axes logarithmic in what matters. */
export function lossPlot(training: readonly LossPoint[], validation: readonly LossPoint[]): string {
  return svg({
    ...SIZE,
    x: { label: 'training step', grid: true },
    y: { label: 'weighted denoising loss', type: 'log', grid: true, tickFormat: '~g' },
    color: { legend: false },
    marks: [
      Plot.line(training, { x: 'step', y: 'loss', stroke: SAMPLE, strokeOpacity: 0.6 }),
      Plot.line(validation, { x: 'step', y: 'loss', stroke: '#c2410c', strokeWidth: 2 }),
      Plot.text(validation.slice(-1), {
        x: 'step',
        y: 'loss',
        text: () => 'held out',
        dy: -10,
        textAnchor: 'end',
        fill: '#c2410c',
      }),
    ],
  });
}

/** The first two columns of real and of sampled rows. */
export function scatterPlot(real: Float32Array, samples: Float32Array, d: number): string {
  const points = (values: Float32Array): [number, number][] =>
    Array.from({ length: Math.min(1000, values.length / d) }, (_, i) => [
      values[i * d]!,
      d > 1 ? values[i * d + 1]! : 0,
    ]);
  if (d === 1) {
    const rows = [
      ...Array.from(real, (x) => ({ x, kind: 'real' })),
      ...Array.from(samples, (x) => ({ x, kind: 'sampled' })),
    ];
    return svg({
      ...SIZE,
      x: { label: 'column 1' },
      y: { label: 'share of rows', grid: true },
      fy: { label: null },
      marginRight: 64,
      color: { legend: true, domain: ['real', 'sampled'], range: [REAL, SAMPLE] },
      marks: [
        Plot.rectY(
          rows,
          Plot.binX<Plot.RectYOptions>({ y2: 'proportion-facet' }, { x: 'x', fy: 'kind', fill: 'kind' }),
        ),
      ],
    });
  }
  return svg({
    ...SIZE,
    height: 480,
    x: { label: 'column 1' },
    y: { label: 'column 2' },
    marks: [
      Plot.dot(points(real), { x: '0', y: '1', r: 1.8, fill: REAL, fillOpacity: 0.6 }),
      Plot.dot(points(samples), { x: '0', y: '1', r: 1.8, fill: SAMPLE, fillOpacity: 0.6 }),
    ],
  });
}
