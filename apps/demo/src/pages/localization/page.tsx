/** Page: stochastic localization. */
import type { JSX } from 'preact';
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { paletteOf } from '../../ui/draw-frame.ts';
import { Formula, Select, Slider, Whole } from '../../ui/fields.tsx';
import { LinePlot } from '../../ui/line-plot.tsx';
import { RunControls } from '../../ui/run-controls.tsx';
import { useRun } from '../../ui/use-run.ts';
import { useTheme } from '../../ui/use-theme.ts';
import { choice, number, useUrlState } from '../../url-state.ts';
import type { PageProps } from '../index.ts';
import { SHAPES } from '../noise-and-back/options.ts';
import { drawMeasure } from './draw-measure.ts';
import type { LocalizationArgs, LocalizationResult, Measure, Moment } from './options.ts';

/** The drawn one belongs to the first page. */
const MEASURES = SHAPES.filter((shape) => shape !== 'drawn');

const fields = {
  shape: choice(MEASURES, 'moons'),
  points: number(400, { min: 20, max: 1000, whole: true }),
  paths: number(200, { min: 1, max: 1000, whole: true }),
  steps: number(80, { min: 10, max: 300, whole: true }),
  seed: number(7, { min: 0, max: 2 ** 32 - 1, whole: true }),
  at: number(0.6, { min: 0, max: 1 }),
};

const SIDE = 720;
const NONE = new Float32Array(0);

export default function Localization({ backend }: PageProps): JSX.Element {
  const [values, change] = useUrlState(fields);
  const [atoms, setAtoms] = useState<Float32Array>(NONE);
  const [moments, setMoments] = useState<readonly Moment[]>([]);
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useTheme();
  const { state, start, cancel } = useRun<LocalizationArgs, Measure | Moment, LocalizationResult>(
    'localization',
  );

  const run = useCallback(() => {
    const arrived: Moment[] = [];
    setMoments([]);
    const { shape, points, paths, steps, seed } = values;
    start(
      { shape, points, paths, steps, seed },
      {
        update: (news) => {
          if ('atoms' in news) {
            setAtoms(news.atoms);
            return { progress: 0, message: 'Starting …' };
          }
          arrived.push(news);
          setMoments([...arrived]);
          return { progress: arrived.length / steps, message: `s = ${news.s.toPrecision(3)}` };
        },
        done: ({ seconds }) => `Done in ${seconds.toFixed(1)} s on ${backend}.`,
      },
    );
  }, [values, start, backend]);

  const ranOn = useRef('');
  useEffect(() => {
    if (backend === ranOn.current) return;
    ranOn.current = backend;
    run();
  }, [run, backend]);

  const shown = moments[Math.round(values.at * (moments.length - 1))];
  useEffect(() => {
    if (canvas.current) drawMeasure(canvas.current, atoms, shown, paletteOf(canvas.current));
  }, [atoms, shown, theme]);

  const s = useMemo(() => moments.map((moment) => Number(moment.s.toPrecision(4))), [moments]);
  const curves = useMemo(
    () => [
      { name: 'E tr A', values: moments.map(({ trace }) => Math.max(trace, 1e-9)) },
      { name: 'd/s', values: moments.map((moment) => 2 / moment.s) },
    ],
    [moments],
  );

  return (
    <div class="split">
      <section class="controls" aria-label="Controls">
        <Select
          label="Measure"
          value={values.shape}
          options={MEASURES}
          onChange={(shape) => change({ shape })}
        />
        <Slider
          label="Points"
          value={values.points}
          min={20}
          max={1000}
          step={20}
          onChange={(points) => change({ points })}
        />
        <Slider
          label="Paths"
          value={values.paths}
          min={1}
          max={1000}
          step={1}
          onChange={(paths) => change({ paths })}
        />
        <Slider
          label="Steps"
          value={values.steps}
          min={10}
          max={300}
          step={1}
          onChange={(steps) => change({ steps })}
        />
        <Whole
          label="Seed"
          value={values.seed}
          min={0}
          max={2 ** 32 - 1}
          onChange={(seed) => change({ seed })}
        />
        <RunControls state={state} onRun={run} onCancel={cancel} />
      </section>
      <section class="view" aria-label="Picture">
        <canvas
          ref={canvas}
          width={SIDE}
          height={SIDE}
          role="img"
          aria-label={`The tilted measure on ${values.points} points${shown ? ` at s = ${shown.s.toPrecision(3)}` : ''}`}
        />
        <Slider
          label="Time"
          value={values.at}
          min={0}
          max={1}
          step={0.005}
          shown={shown ? `s = ${shown.s.toPrecision(3)}, t(s) = ${shown.t.toPrecision(3)}` : '–'}
          onChange={(at) => change({ at })}
        />
        <LinePlot x={s} xLabel="s" yLabel="trace of the covariance" curves={curves} logarithmic />
        <Formula>
          U<sub>s</sub> = s x* + B<sub>s</sub> tells more and more about one point x* of the measure. What is
          known of it at s is the tilted measure π<sub>s</sub> ∝ exp(⟨U<sub>s</sub>, x⟩ − (s/2)|x|²) π₀ with
          mean a<sub>s</sub>, and dU = a<sub>s</sub>(U) ds + dB makes U without knowing x*. Its covariance A
          <sub>s</sub> shrinks: E tr A<sub>s</sub> ≤ d/s. With the clock t(s) = ½ log(1 + 1/s), X =
          U/√(s(s+1)) is the reverse diffusion of the Ornstein–Uhlenbeck process, the same path seen from the
          other side.
        </Formula>
      </section>
    </div>
  );
}
