/**
 * What a run leaves behind: digits.png (or samples.csv for a table), report.html, metrics.json.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FormatError } from '@diff/core';
import type { Estimate } from '@diff/metrics';
import type { Dataset } from './dataset.ts';
import { take } from './dataset.ts';
import type { Drawn } from './draw.ts';
import { imageGrid } from './image-grid.ts';
import type { Learned } from './learn.ts';
import type { Measured } from './measure.ts';
import type { Options } from './options.ts';
import { lossPlot, scatterPlot } from './plots.ts';
import { embeddedPng, type ReportSection, renderReport } from './report.ts';

export interface Outcome {
  readonly options: Options;
  readonly backend: string;
  readonly train: Dataset;
  readonly held: Dataset;
  readonly learned: Learned;
  readonly runs: readonly { readonly drawn: Drawn; readonly measured: Measured }[];
  readonly floor: Measured;
  readonly film: { readonly frames: Float32Array; readonly columns: number };
}

const SHOWN = 10;
const SECONDS_DIGITS = 2;

/** The figures of a run. Apart from the keys that end in Seconds or Milliseconds they are a function of the settings. */
export function figures({ options, backend, learned, runs, floor }: Outcome): Record<string, unknown> {
  const rounded = (seconds: number): number => Number(seconds.toFixed(SECONDS_DIGITS));
  const of = ({ drawn, measured }: Outcome['runs'][number]): Record<string, unknown> => ({
    sampler: drawn.sampler,
    nfe: drawn.nfe,
    sampleSeconds: rounded(drawn.seconds),
    energyDistance: measured.energyDistance.value,
    energyDistanceError: measured.energyDistance.standardError,
    ...(measured.classAccuracy && { classAccuracy: measured.classAccuracy.value }),
    nearestTrain: measured.nearestTrain.value,
    precision: measured.precision.value,
    recall: measured.recall.value,
  });
  const [chosen, ...others] = runs.map(of);
  return {
    backend,
    seed: options.seed,
    epochs: options.epochs,
    trainingSteps: learned.steps,
    trainSeconds: rounded(learned.seconds),
    stepMilliseconds: rounded((1000 * learned.seconds) / learned.steps),
    parameters: learned.parameters,
    steps: options.steps,
    guidance: options.guidance,
    ...chosen,
    energyFloor: floor.energyDistance.value,
    energyFloorError: floor.energyDistance.standardError,
    nearestTrainFloor: floor.nearestTrain.value,
    ...(floor.classAccuracy && { classAccuracyReal: floor.classAccuracy.value }),
    precisionReal: floor.precision.value,
    recallReal: floor.recall.value,
    others,
  };
}

/** The first rows of every class, in order of class. */
function firstOfEachClass(data: Dataset, count: number): Dataset {
  const rows = Array.from({ length: data.classes }, (_, c) => c).flatMap((c) => {
    const found: number[] = [];
    for (let i = 0; i < data.n && found.length < count; i++) if (data.labels?.[i] === c) found.push(i);
    return found;
  });
  return take(data, rows);
}

function picture(outcome: Outcome, run: Outcome['runs'][number]): Uint8Array {
  const { held } = outcome;
  const rows = held.classes || SHOWN;
  const some = (data: Dataset): Float32Array =>
    data.classes > 0 ? firstOfEachClass(data, SHOWN).values : data.values;
  return imageGrid(
    [
      { values: some(run.drawn.data), columns: SHOWN },
      { values: some(held), columns: SHOWN },
    ],
    { side: held.side!, rows },
  );
}

function sections(outcome: Outcome): ReportSection[] {
  const { held, learned, runs, film } = outcome;
  const loss: ReportSection = {
    title: 'Learning',
    text:
      `Weighted denoising loss over ${learned.steps} steps (${learned.seconds.toFixed(0)} s), on the training half as it goes ` +
      'and on the held-out half with the averaged weights. The loss does not tend to 0: noise cannot be undone exactly.',
    figure: lossPlot(learned.history.training, learned.history.validation),
  };
  if (!held.side) {
    return [
      ...runs.map(({ drawn }) => ({
        title: `Drawn by ${drawn.sampler}`,
        text: `Real rows in grey, drawn rows in blue; ${drawn.nfe} network evaluations, ${drawn.seconds.toFixed(1)} s.`,
        figure: scatterPlot(held.values, drawn.data.values, held.d),
      })),
      loss,
    ];
  }
  return [
    ...runs.map((run) => ({
      title: `Drawn by ${run.drawn.sampler}`,
      text: `Left: new images. Right: real ones from the held-out half. ${run.drawn.nfe} network evaluations, ${run.drawn.seconds.toFixed(1)} s for all ${run.drawn.data.n}.`,
      figure: embeddedPng(picture(outcome, run), 'Drawn images on the left, real ones on the right'),
    })),
    {
      title: 'How noise becomes images',
      text: 'Each row starts as noise on the left and ends as an image on the right; states are shown at the contrast of the data.',
      figure: embeddedPng(
        imageGrid([{ values: film.frames, columns: film.columns }], {
          side: held.side,
          rows: film.frames.length / (held.d * film.columns),
        }),
        'States from noise to image',
      ),
    },
    loss,
  ];
}

function shownEstimate({ value, standardError }: Estimate): string {
  return `${value.toPrecision(4)}${standardError === undefined ? '' : ` ± ${standardError.toPrecision(2)}`}`;
}

function html(outcome: Outcome): string {
  const { options, backend, train, held, learned, runs, floor } = outcome;
  const named: [string, (m: Measured) => Estimate | undefined][] = [
    ['energy distance to held-out rows', (m): Estimate => m.energyDistance],
    ['nearest row of the training half, median', (m): Estimate => m.nearestTrain],
    ['class accuracy, 1 nearest neighbour', (m): Estimate | undefined => m.classAccuracy],
    ['precision', (m): Estimate => m.precision],
    ['recall', (m): Estimate => m.recall],
  ];
  return renderReport({
    title: `New ${held.name}`,
    summary:
      `A residual network of ${learned.parameters.toLocaleString('en')} weights learnt the score of ${train.n} rows, and ` +
      `drew new ones. Everything below is compared with ${held.n} rows that training never saw.`,
    sections: sections(outcome),
    metrics: {
      head: ['', ...runs.map(({ drawn }) => drawn.sampler), 'real rows'],
      rows: named.flatMap(([name, of]) => {
        const cells = [...runs.map(({ measured }) => of(measured)), of(floor)];
        return cells.every((c) => c !== undefined) ? [[name, ...cells.map(shownEstimate)]] : [];
      }),
      note:
        'The last column is what real rows give: the training half against the held-out half. Nothing can be expected to ' +
        'do much better. A nearest-row distance far below it would mean that training rows were copied. ± is one bootstrap standard error.',
    },
    settings: {
      seed: options.seed,
      backend,
      epochs: options.epochs,
      'training steps': learned.steps,
      'sampling steps': options.steps,
      guidance: held.classes > 0 ? options.guidance : 'none, the data has no classes',
      data: held.name,
    },
  });
}

/** Writes everything; returns the paths. */
export async function writeOutputs(outcome: Outcome): Promise<readonly string[]> {
  const { options, runs, held } = outcome;
  const file = (name: string): string => join(options.out, name);
  const written: [string, string | Uint8Array][] = [
    [file('metrics.json'), `${JSON.stringify(figures(outcome), null, 2)}\n`],
    [file('report.html'), html(outcome)],
  ];
  const first = runs[0]!;
  if (held.side) written.push([file('digits.png'), picture(outcome, first)]);
  else {
    const { values, d, labels } = first.drawn.data;
    const lines = Array.from({ length: values.length / d }, (_, i) =>
      [
        ...values.subarray(i * d, (i + 1) * d),
        ...(labels ? [held.classNames?.[labels[i]!] ?? labels[i]!] : []),
      ].join(','),
    );
    written.push([file('samples.csv'), `${lines.join('\n')}\n`]);
  }
  try {
    await mkdir(options.out, { recursive: true });
    for (const [path, content] of written) await writeFile(path, content);
  } catch (error) {
    throw new FormatError(
      `--out: the folder must be writable, got ${(error as Error).message}. Name another folder.`,
    );
  }
  return written.map(([path]) => path);
}
