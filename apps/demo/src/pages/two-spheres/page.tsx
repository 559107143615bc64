/** Page: conditional generation on two spheres. */
import type { JSX } from 'preact';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { paletteOf } from '../../ui/draw-frame.ts';
import { Check, Formula, Select, Slider, Whole } from '../../ui/fields.tsx';
import { RunControls } from '../../ui/run-controls.tsx';
import { useRun } from '../../ui/use-run.ts';
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
  const [frames, setFrames] = useState<readonly Frame[]>([]);
  const [result, setResult] = useState<TwoSpheresResult>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useTheme();
  const { state, start, cancel } = useRun<TwoSpheresArgs, Frame, TwoSpheresResult>('two-spheres');

  const run = useCallback(() => {
    const arrived: Frame[] = [];
    setResult(undefined);
    start(
      {
        class: values.class,
        guidance: values.w,
        noiseLevel: values.b,
        steps: values.steps,
        count: values.count,
        seed: values.seed,
      },
      {
        update: (frame) => {
          arrived.push(frame);
          setFrames([...arrived]);
          const step = arrived.length - 1;
          return { progress: step / values.steps, message: `Step ${step} of ${values.steps}` };
        },
        done: (value) => {
          setResult(value);
          return `${value.nfe} evaluations, ${value.seconds.toFixed(1)} s on ${backend}.`;
        },
      },
    );
  }, [values, start, backend]);

  const ranOn = useRef('');
  useEffect(() => {
    if (backend === ranOn.current) return;
    ranOn.current = backend;
    run();
  }, [run, backend]);

  const shown = frames[Math.round(values.at * (frames.length - 1))];
  useEffect(() => {
    if (!canvas.current) return;
    drawSpheres(canvas.current, shown?.points ?? new Float32Array(0), values, paletteOf(canvas.current));
  }, [shown, values, theme]);

  useEffect(() => {
    if (values.spin === 'off') return;
    const timer = setInterval(() => change({ turn: wrap(values.turn + 0.03) }), 40);
    return () => clearInterval(timer);
  }, [values.spin, values.turn, change]);

  const grip = useRef<{ readonly x: number; readonly y: number } | undefined>(undefined);
  const drag = (event: PointerEvent): void => {
    if (!grip.current) return;
    const [dx, dy] = [event.clientX - grip.current.x, event.clientY - grip.current.y];
    grip.current = { x: event.clientX, y: event.clientY };
    const tilt = Math.min(Math.PI / 2, Math.max(-Math.PI / 2, values.tilt + dy / 150));
    change({ turn: wrap(values.turn - dx / 150), tilt: round(tilt) });
  };

  return (
    <div class="split">
      <section class="controls" aria-label="Controls">
        <Select
          label="Condition"
          value={values.class}
          options={CLASSES}
          onChange={(c) => change({ class: c })}
        />
        <Slider
          label="Guidance w"
          value={values.w}
          min={0}
          max={4}
          step={0.1}
          disabled={values.class === 'either'}
          shown={values.w.toFixed(1)}
          onChange={(w) => change({ w })}
        />
        <Slider
          label="Noise level b"
          value={values.b}
          min={0}
          max={2}
          step={0.1}
          shown={values.b.toFixed(1)}
          onChange={(b) => change({ b })}
        />
        <Slider
          label="Steps"
          value={values.steps}
          min={2}
          max={200}
          step={1}
          onChange={(steps) => change({ steps })}
        />
        <Slider
          label="Particles"
          value={values.count}
          min={100}
          max={10_000}
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
        <RunControls state={state} onRun={run} onCancel={cancel} />
      </section>
      <section class="view" aria-label="Picture">
        <canvas
          ref={canvas}
          width={SIDE}
          height={SIDE}
          class="turnable"
          role="img"
          aria-label={`${values.count} particles in space, ${values.class}${shown ? `, at time ${shown.t.toPrecision(3)}` : ''}`}
          onPointerDown={(e) => {
            e.currentTarget.setPointerCapture(e.pointerId);
            grip.current = { x: e.clientX, y: e.clientY };
          }}
          onPointerMove={drag}
          onPointerUp={() => {
            grip.current = undefined;
          }}
        />
        <Slider
          label="Time"
          value={values.at}
          min={0}
          max={1}
          step={0.005}
          shown={shown ? `t = ${shown.t.toPrecision(3)}` : '–'}
          onChange={(at) => change({ at })}
        />
        <Slider
          label="Turn"
          value={values.turn}
          min={-3.14}
          max={3.14}
          step={0.01}
          shown={`${Math.round((values.turn * 180) / Math.PI)}°`}
          onChange={(turn) => change({ turn })}
        />
        <Check
          label="turn by itself"
          value={values.spin === 'on'}
          onChange={(on) => change({ spin: on ? 'on' : 'off' })}
        />
        <p class="measure">
          |x| at the end:{' '}
          <strong>{result ? `${result.radius.toFixed(4)} ± ${result.spread.toFixed(4)}` : '–'}</strong>. The
          spheres have radius 1 and 2.
        </p>
        <Formula>
          Class 0 is uniform on the sphere of radius 1, class 1 on that of radius 2. Under the
          Ornstein–Uhlenbeck process dX = −X dt + √2 dB the score of each class is exact: E[X₀ | x] = r L(κ)
          x/|x| with κ = α r |x|/σ² and L(κ) = coth κ − 1/κ. Guidance runs on (1 + w) s(x, c) − w s(x, ∅),
          which is not the score of any of the two: watch the radius as w grows.
        </Formula>
      </section>
    </div>
  );
}
