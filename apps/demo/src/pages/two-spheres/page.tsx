/** Page: conditional generation on two spheres. */
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { paletteOf } from '../../ui/draw-frame.ts';
import { Check, Formula, Select, Slider, Whole } from '../../ui/fields.tsx';
import { RunControls } from '../../ui/run-controls.tsx';
import { frameAt, Scrubber } from '../../ui/scrubber.tsx';
import { useFrames } from '../../ui/use-frames.ts';
import { useTheme } from '../../ui/use-theme.ts';
import { choice, number, useUrlState } from '../../url-state.ts';
import type { PageProps } from '../index.ts';
import { drawSpheres } from './draw-spheres.ts';
import { CLASSES, type Frame, type TwoSpheresArgs, type TwoSpheresResult } from './options.ts';

const fields = {
  class: choice(CLASSES, 'inner sphere'),
  w: number(0, { min: 0, max: 4 }),
  b: number(1, { min: 0, max: 2 }),
  steps: number(40, { min: 2, max: 200, whole: true }),
  count: number(1500, { min: 100, max: 10_000, whole: true }),
  seed: number(7, { min: 0, max: 2 ** 32 - 1, whole: true }),
  at: number(1, { min: 0, max: 1 }),
  turn: number(0.6, { min: -Math.PI, max: Math.PI }),
  tilt: number(0.4, { min: -Math.PI / 2, max: Math.PI / 2 }),
  spin: choice(['on', 'off'], 'off'),
};

const SIDE = 720;
const round = (v: number): number => Math.round(100 * v) / 100;
const wrap = (angle: number): number => round(Math.atan2(Math.sin(angle), Math.cos(angle)));

export default function TwoSpheres({ backend }: PageProps): JSX.Element {
  const [values, change] = useUrlState(fields);
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useTheme();
  const { class: kind, w, b, steps, count, seed, at, turn, tilt, spin } = values;
  const args = useMemo<TwoSpheresArgs>(
    () => ({ class: kind, guidance: w, noiseLevel: b, steps, count, seed }),
    [kind, w, b, steps, count, seed],
  );
  const { state, frames, result, run, cancel } = useFrames<TwoSpheresArgs, Frame, TwoSpheresResult>(
    'two-spheres',
    {
      args,
      backend,
      count: steps + 1,
      message: (_, index) => `Step ${index} of ${steps}`,
      done: ({ nfe, seconds }) => `${nfe} evaluations, ${seconds.toFixed(1)} s on ${backend}.`,
    },
  );

  const shown = frameAt(frames, at, steps + 1);
  useEffect(() => {
    if (canvas.current) drawSpheres(canvas.current, shown, { turn, tilt }, paletteOf(canvas.current));
  }, [shown, turn, tilt, theme]);

  useEffect(() => {
    if (spin === 'off') return;
    const timer = setInterval(() => change({ turn: wrap(turn + 0.03) }), 40);
    return () => clearInterval(timer);
  }, [spin, turn, change]);

  const grip = useRef<{ readonly x: number; readonly y: number } | undefined>(undefined);
  const drag = (event: PointerEvent): void => {
    if (!grip.current) return;
    const [dx, dy] = [event.clientX - grip.current.x, event.clientY - grip.current.y];
    grip.current = { x: event.clientX, y: event.clientY };
    const tilted = Math.min(Math.PI / 2, Math.max(-Math.PI / 2, tilt + dy / 150));
    change({ turn: wrap(turn - dx / 150), tilt: round(tilted) });
  };
  const release = (): void => {
    grip.current = undefined;
  };

  return (
    <div class="split">
      <section class="controls" aria-label="Controls">
        <Select label="Condition" value={kind} options={CLASSES} onChange={(c) => change({ class: c })} />
        <Slider
          label="Guidance w"
          value={w}
          min={0}
          max={4}
          step={0.1}
          disabled={kind === 'either'}
          shown={w.toFixed(1)}
          onChange={(value) => change({ w: value })}
        />
        <Slider
          label="Noise level b"
          value={b}
          min={0}
          max={2}
          step={0.1}
          shown={b.toFixed(1)}
          onChange={(value) => change({ b: value })}
        />
        <Slider
          label="Steps"
          value={steps}
          min={2}
          max={200}
          step={1}
          onChange={(steps) => change({ steps })}
        />
        <Slider
          label="Particles"
          value={count}
          min={100}
          max={10_000}
          step={100}
          onChange={(count) => change({ count })}
        />
        <Whole label="Seed" value={seed} min={0} max={2 ** 32 - 1} onChange={(seed) => change({ seed })} />
        <RunControls state={state} onRun={run} onCancel={cancel} />
      </section>
      <section class="view" aria-label="Picture">
        <canvas
          ref={canvas}
          width={SIDE}
          height={SIDE}
          class="turnable"
          role="img"
          aria-label={`${count} particles in space, ${kind}${shown ? `, at time ${shown.t.toPrecision(3)}` : ''}`}
          onPointerDown={(e) => {
            e.currentTarget.setPointerCapture(e.pointerId);
            grip.current = { x: e.clientX, y: e.clientY };
          }}
          onPointerMove={drag}
          onPointerUp={release}
          onPointerCancel={release}
        />
        <Scrubber
          label="Time"
          at={at}
          count={steps + 1}
          shown={shown && `t = ${shown.t.toPrecision(3)}`}
          onChange={(moment) => change({ at: moment })}
        />
        <Slider
          label="Turn"
          value={turn}
          min={-3.14}
          max={3.14}
          step={0.01}
          shown={`${Math.round((turn * 180) / Math.PI)}°`}
          onChange={(angle) => change({ turn: angle })}
        />
        <Slider
          label="Tilt"
          value={tilt}
          min={-1.57}
          max={1.57}
          step={0.01}
          shown={`${Math.round((tilt * 180) / Math.PI)}°`}
          onChange={(angle) => change({ tilt: angle })}
        />
        <Check
          label="turn by itself"
          value={spin === 'on'}
          onChange={(on) => change({ spin: on ? 'on' : 'off' })}
        />
        <p class="measure">
          |x| at the end, mean ± standard deviation:{' '}
          <strong>{result ? `${result.radius.toFixed(4)} ± ${result.spread.toFixed(4)}` : '–'}</strong>. The
          spheres (dashed) have radius 1 and 2; at t = 0.0001 a noise of σ = 0.014 is left.
        </p>
        <Formula>
          Class 0 is uniform on the sphere of radius 1, class 1 on that of radius 2. Under the
          Ornstein–Uhlenbeck process dX = −X dt + √2 dB, where X<sub>t</sub> = α X₀ + σξ with α = e
          <sup>−t</sup> and σ² = 1 − e<sup>−2t</sup>, the score of each class is exact: s = (α E[X₀ | x] −
          x)/σ² with E[X₀ | x] = r L(κ) x/|x|, κ = α r |x|/σ² and L(κ) = coth κ − 1/κ. Guidance runs on (1 +
          w) s(x, c) − w s(x, ∅), which is the score of neither: watch the radius as w grows. Any noise level
          b ends in the same law, at b = 0 without fresh noise.
        </Formula>
      </section>
    </div>
  );
}
