/** Page: stochastic localization. */
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { paletteOf } from '../../ui/draw-frame.ts';
import { Formula, Select, Slider, Whole } from '../../ui/fields.tsx';
import { LinePlot } from '../../ui/line-plot.tsx';
import { RunControls } from '../../ui/run-controls.tsx';
import { frameAt, Scrubber } from '../../ui/scrubber.tsx';
import { useFrames } from '../../ui/use-frames.ts';
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

export default function Localization({ backend }: PageProps): JSX.Element {
  const [values, change] = useUrlState(fields);
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useTheme();
  const { shape, points, paths, steps, seed, at } = values;
  const args = useMemo<LocalizationArgs>(
    () => ({ shape, points, paths, steps, seed }),
    [shape, points, paths, steps, seed],
  );
  const { state, frames, run, cancel } = useFrames<LocalizationArgs, Measure | Moment, LocalizationResult>(
    'localization',
    {
      args,
      backend,
      count: steps + 1,
      message: (news) => ('s' in news ? `s = ${news.s.toPrecision(3)}` : 'Starting …'),
      done: ({ seconds }) => `Done in ${seconds.toFixed(1)} s on ${backend}.`,
    },
  );
  const measure = frames.find((frame): frame is Measure => 'atoms' in frame);
  const moments = useMemo(() => frames.filter((frame): frame is Moment => 's' in frame), [frames]);

  const shown = frameAt(moments, at, steps);
  useEffect(() => {
    if (!canvas.current || !measure) return;
    const path = shown ? moments.slice(0, moments.indexOf(shown) + 1) : [];
    drawMeasure(canvas.current, measure.atoms, path, paletteOf(canvas.current));
  }, [measure, moments, shown, theme]);

  const s = useMemo(() => moments.map((moment) => Number(moment.s.toPrecision(4))), [moments]);
  const curves = useMemo(
    () => [
      { name: 'E tr Aₛ over the paths', values: moments.map(({ trace }) => Math.max(trace, 1e-9)) },
      { name: 'the bound d/s', look: 'dashes' as const, values: moments.map((moment) => 2 / moment.s) },
    ],
    [moments],
  );

  return (
    <div class="split">
      <section class="controls" aria-label="Controls">
        <Select
          label="Measure"
          value={shape}
          options={MEASURES}
          onChange={(value) => change({ shape: value })}
        />
        <Slider
          label="Points"
          value={points}
          min={20}
          max={1000}
          step={20}
          onChange={(value) => change({ points: value })}
        />
        <Slider
          label="Paths"
          value={paths}
          min={1}
          max={1000}
          step={1}
          onChange={(value) => change({ paths: value })}
        />
        <Slider
          label="Steps"
          value={steps}
          min={10}
          max={300}
          step={1}
          onChange={(value) => change({ steps: value })}
        />
        <Whole
          label="Seed"
          value={seed}
          min={0}
          max={2 ** 32 - 1}
          onChange={(value) => change({ seed: value })}
        />
        <RunControls state={state} onRun={run} onCancel={cancel} />
      </section>
      <section class="view" aria-label="Picture">
        <canvas
          ref={canvas}
          width={SIDE}
          height={SIDE}
          role="img"
          aria-label={`The tilted measure on ${points} points${shown ? ` at s = ${shown.s.toPrecision(3)}` : ''}`}
        />
        <p class="hint">
          a: mean of the tilted measure; U/s: what has been observed; X: the diffusion, and the way that it
          has come. A disc’s area is the weight of its point.
        </p>
        <Scrubber
          label="Time"
          at={at}
          count={steps}
          shown={shown && `s = ${shown.s.toPrecision(3)}, t(s) = ${shown.t.toPrecision(3)}`}
          onChange={(moment) => change({ at: moment })}
        />
        <LinePlot x={s} xLabel="s" yLabel="trace of the covariance" curves={curves} logarithmic />
        <Formula>
          U<sub>s</sub> = s x* + B<sub>s</sub> tells more and more about one point x* of the measure. What is
          known of it at s is the tilted measure π<sub>s</sub> ∝ exp(⟨U<sub>s</sub>, x⟩ − (s/2)|x|²) π₀ with
          mean a<sub>s</sub>, and dU = a<sub>s</sub>(U) ds + dB makes U without knowing x*. Its covariance A
          <sub>s</sub> shrinks: E tr A<sub>s</sub> ≤ d/s, here with d = 2. With the clock t(s) = ½ log(1 +
          1/s), X<sub>t(s)</sub> = U<sub>s</sub>/√(s(s + 1)) is the Ornstein–Uhlenbeck process dX = −X dt + √2
          dB in reverse: as s grows from 0 to ∞, t falls from ∞, noise, to 0, data. U is made by Euler’s
          steps, s growing by the same factor in each.
        </Formula>
      </section>
    </div>
  );
}
