/** Page: learn it. */
import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { Check, Formula, Select, Slider, Whole } from '../../ui/fields.tsx';
import { LinePlot } from '../../ui/line-plot.tsx';
import { RunControls } from '../../ui/run-controls.tsx';
import { frameAt, Scrubber } from '../../ui/scrubber.tsx';
import { useFrames } from '../../ui/use-frames.ts';
import { choice, number, useUrlState } from '../../url-state.ts';
import type { PageProps } from '../index.ts';
import { drawnPoints, joinStrokes } from '../noise-and-back/drawn-points.ts';
import { SHAPES } from '../noise-and-back/options.ts';
import { Picture } from '../noise-and-back/picture.tsx';
import { FIELD_SIGMA, type LearnArgs, type LearnResult, SNAPSHOTS, type Snapshot } from './options.ts';

const fields = {
  shape: choice(SHAPES, 'Swiss roll'),
  drawn: drawnPoints,
  width: number(96, { min: 16, max: 256, whole: true }),
  training: number(1500, { min: 10, max: 10_000, whole: true }),
  steps: number(18, { min: 4, max: 100, whole: true }),
  count: number(1000, { min: 100, max: 5000, whole: true }),
  seed: number(7, { min: 0, max: 2 ** 32 - 1, whole: true }),
  at: number(1, { min: 0, max: 1 }),
  field: choice(['on', 'off'], 'on'),
};

export default function Learn({ backend }: PageProps): JSX.Element {
  const [values, change] = useUrlState(fields);
  const { shape, drawn, width, training, steps, count, seed, at } = values;
  const args = useMemo<LearnArgs>(
    () => ({ shape, drawn, width, trainingSteps: training, samplerSteps: steps, count, seed }),
    [shape, drawn, width, training, steps, count, seed],
  );
  const every = Math.ceil(training / SNAPSHOTS);
  const pictures = 1 + Math.ceil(training / every);
  const { state, frames, result, run, cancel } = useFrames<LearnArgs, Snapshot, LearnResult>('learn', {
    args,
    backend,
    byItself: false,
    count: pictures,
    message: ({ step, loss }) =>
      step === 0
        ? 'An untrained network draws this.'
        : `Step ${step} of ${training}, loss ${loss.toFixed(3)}`,
    done: ({ parameters, seconds }) =>
      `${parameters.toLocaleString('en')} weights learned in ${seconds.toFixed(0)} s on ${backend}, pictures included.`,
  });
  // What was drawn after the network had learned is shown until it learns that.
  const [strokes, setStrokes] = useState(true);
  const shown = strokes && shape === 'drawn' ? undefined : frameAt(frames, at, pictures);
  const points = useMemo(
    () => shown?.points ?? new Float32Array(shape === 'drawn' ? drawn.flat() : []),
    [shown, shape, drawn],
  );
  useEffect(() => {
    if (state.busy) setStrokes(false);
  }, [state.busy]);
  const draw = (points: typeof drawn): void => {
    setStrokes(!state.busy);
    change({ drawn: points });
  };

  const learned = useMemo(() => frames.filter(({ step }) => step > 0), [frames]);
  const x = useMemo(() => learned.map(({ step }) => step), [learned]);
  const curves = useMemo(
    () => [{ name: 'denoising loss', values: learned.map(({ loss }) => loss) }],
    [learned],
  );

  return (
    <div class="split">
      <section class="controls" aria-label="Controls">
        <Select label="Data" value={shape} options={SHAPES} onChange={(value) => change({ shape: value })} />
        {shape === 'drawn' && (
          <div class="field hint">
            Draw with mouse or finger on the picture, in as many strokes as you like.
            <button type="button" disabled={drawn.length === 0} onClick={() => draw([])}>
              Clear the drawing
            </button>
          </div>
        )}
        <Slider
          label="Width of the network"
          value={width}
          min={16}
          max={256}
          step={16}
          onChange={(value) => change({ width: value })}
        />
        <Slider
          label="Training steps"
          value={training}
          min={100}
          max={10_000}
          step={100}
          onChange={(value) => change({ training: value })}
        />
        <Slider
          label="Sampler steps"
          value={steps}
          min={4}
          max={100}
          step={1}
          onChange={(value) => change({ steps: value })}
        />
        <Slider
          label="Particles"
          value={count}
          min={100}
          max={5000}
          step={100}
          onChange={(value) => change({ count: value })}
        />
        <Whole
          label="Seed"
          value={seed}
          min={0}
          max={2 ** 32 - 1}
          onChange={(value) => change({ seed: value })}
        />
        <RunControls
          state={state.message ? state : { ...state, message: 'Press Learn: a network starts from nothing.' }}
          label="Learn"
          onRun={run}
          onCancel={cancel}
        />
      </section>
      <section class="view" aria-label="Picture">
        <Picture
          label={`What the network draws${shown ? ` after ${shown.step} steps` : ''}`}
          points={points}
          arrows={values.field === 'on' ? shown?.arrows : undefined}
          density={false}
          drawable={shape === 'drawn'}
          drawn={drawn}
          onDraw={cancel}
          onStroke={(stroke) => draw(joinStrokes(drawn, stroke))}
        />
        <Scrubber
          label="Training"
          at={at}
          count={pictures}
          shown={shown && `after step ${shown.step}`}
          onChange={(moment) => change({ at: moment })}
        />
        <Check
          label={`learned score field, σ∇log p, at σ = ${FIELD_SIGMA}`}
          value={values.field === 'on'}
          onChange={(on) => change({ field: on ? 'on' : 'off' })}
        />
        <p class="measure">
          Energy distance to fresh data: <strong>{result?.distance.toExponential(1) ?? '–'}</strong>, between
          two draws of the data: <strong>{result?.floor.toExponential(1) ?? '–'}</strong>
        </p>
        {x.length > 1 && <LinePlot x={x} xLabel="training step" yLabel="loss" curves={curves} />}
        <Formula>
          The network D sees x = x₀ + σξ, ξ standard normal, and learns to name x₀: it minimises E λ(σ)|D(x,
          σ) − x₀|² over data x₀, noise ξ and noise levels σ. The best answer is E[x₀ | x], and (D − x)/σ² is
          then the score ∇log p<sub>σ</sub>(x); arrows show σ times it. With λ scaled so that a network that
          knows nothing scores about 1, the loss cannot fall to 0: x does not tell all of x₀. What the network
          draws comes from noise by Heun’s method on dx/dσ = (x − D)/σ, from σ = 20 down to 0.
        </Formula>
      </section>
    </div>
  );
}
