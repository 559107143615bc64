/** Page: learn it. */
import type { JSX } from 'preact';
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { drawFrame, paletteOf } from '../../ui/draw-frame.ts';
import { Check, Formula, Select, Slider, Whole } from '../../ui/fields.tsx';
import { LinePlot } from '../../ui/line-plot.tsx';
import { RunControls } from '../../ui/run-controls.tsx';
import { useRun } from '../../ui/use-run.ts';
import { useTheme } from '../../ui/use-theme.ts';
import { choice, number, useUrlState } from '../../url-state.ts';
import type { PageProps } from '../index.ts';
import { drawnPoints } from '../noise-and-back/drawn-points.ts';
import { EXTENT, SHAPES } from '../noise-and-back/options.ts';
import { FIELD_SIGMA, type LearnArgs, type LearnResult, SNAPSHOTS, type Snapshot } from './options.ts';

const fields = {
  shape: choice(SHAPES, 'Swiss roll'),
  drawn: drawnPoints,
  width: number(96, { min: 16, max: 256, whole: true }),
  training: number(1500, { min: 100, max: 10_000, whole: true }),
  steps: number(18, { min: 4, max: 100, whole: true }),
  count: number(1000, { min: 100, max: 5000, whole: true }),
  seed: number(7, { min: 0, max: 2 ** 32 - 1, whole: true }),
  at: number(1, { min: 0, max: 1 }),
  field: choice(['on', 'off'], 'on'),
};

const SIDE = 720;

export default function Learn({ backend }: PageProps): JSX.Element {
  const [values, change] = useUrlState(fields);
  const [snapshots, setSnapshots] = useState<readonly Snapshot[]>([]);
  const [result, setResult] = useState<LearnResult>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useTheme();
  const { state, start, cancel } = useRun<LearnArgs, Snapshot, LearnResult>('learn');

  const run = useCallback(() => {
    const arrived: Snapshot[] = [];
    setSnapshots([]);
    setResult(undefined);
    const { shape, drawn, width, training, steps, count, seed } = values;
    start(
      { shape, drawn, width, trainingSteps: training, samplerSteps: steps, count, seed },
      {
        update: (snapshot) => {
          arrived.push(snapshot);
          setSnapshots([...arrived]);
          return {
            progress: snapshot.step / training,
            message:
              snapshot.step === 0
                ? 'An untrained network draws this.'
                : `Step ${snapshot.step} of ${training}, loss ${snapshot.loss.toFixed(3)}`,
          };
        },
        done: (value) => {
          setResult(value);
          return `${value.parameters} weights learned in ${value.seconds.toFixed(0)} s on ${backend}, pictures included.`;
        },
      },
    );
  }, [values, start, backend]);

  const shown = snapshots[Math.round(values.at * (snapshots.length - 1))];
  useEffect(() => {
    if (!canvas.current) return;
    const points = shown?.points ?? new Float32Array(values.drawn.flat());
    const arrows = values.field === 'on' ? shown?.arrows : undefined;
    drawFrame(canvas.current, { points, arrows, extent: EXTENT, density: false }, paletteOf(canvas.current));
  }, [shown, values.field, values.drawn, theme]);

  const learned = useMemo(() => snapshots.filter(({ step }) => step > 0), [snapshots]);
  const x = useMemo(() => learned.map(({ step }) => step), [learned]);
  const curves = useMemo(
    () => [{ name: 'denoising loss', values: learned.map(({ loss }) => loss) }],
    [learned],
  );

  return (
    <div class="split">
      <section class="controls" aria-label="Controls">
        <Select label="Data" value={values.shape} options={SHAPES} onChange={(shape) => change({ shape })} />
        {values.shape === 'drawn' && (
          <p class="hint">
            {values.drawn.length} points. Draw them on <a href="#/noise?shape=drawn">the first page</a> and
            take their part of its address, drawn=…, into this one.
          </p>
        )}
        <Slider
          label="Width of the network"
          value={values.width}
          min={16}
          max={256}
          step={16}
          onChange={(width) => change({ width })}
        />
        <Slider
          label="Training steps"
          value={values.training}
          min={100}
          max={10_000}
          step={100}
          onChange={(training) => change({ training })}
        />
        <Slider
          label="Sampler steps"
          value={values.steps}
          min={4}
          max={100}
          step={1}
          onChange={(steps) => change({ steps })}
        />
        <Slider
          label="Particles"
          value={values.count}
          min={100}
          max={5000}
          step={100}
          onChange={(count) => change({ count })}
        />
        <Whole
          label="Seed"
          value={values.seed}
          min={0}
          max={2 ** 32 - 1}
          onChange={(seed) => change({ seed })}
        />
        <RunControls state={state} label="Learn" onRun={run} onCancel={cancel} />
      </section>
      <section class="view" aria-label="Picture">
        <canvas
          ref={canvas}
          width={SIDE}
          height={SIDE}
          role="img"
          aria-label={`What the network draws${shown ? ` after ${shown.step} steps` : ''}`}
        />
        <Slider
          label="Training"
          value={values.at}
          min={0}
          max={1}
          step={1 / SNAPSHOTS}
          shown={shown ? `step ${shown.step}` : 'not begun'}
          onChange={(at) => change({ at })}
        />
        <Check
          label={`learned score field at σ = ${FIELD_SIGMA}`}
          value={values.field === 'on'}
          onChange={(on) => change({ field: on ? 'on' : 'off' })}
        />
        <p class="measure">
          Energy distance to fresh data: <strong>{result?.distance.toExponential(1) ?? '–'}</strong>, between
          two draws of the data: <strong>{result?.floor.toExponential(1) ?? '–'}</strong>
        </p>
        {x.length > 1 && <LinePlot x={x} xLabel="training step" yLabel="loss" curves={curves} />}
        <Formula>
          The network D sees x = x₀ + σξ and learns to name x₀: it minimises E λ(σ)|D(x, σ) − x₀|². The best
          answer is E[x₀ | x], and (D − x)/σ² is then the score ∇log p<sub>σ</sub>(x). What it draws comes
          from noise by Heun's method on dx/dσ = (x − D)/σ.
        </Formula>
      </section>
    </div>
  );
}
