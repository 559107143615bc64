/** Page: handwritten digits. */
import type { JSX } from 'preact';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { paletteOf } from '../../ui/draw-frame.ts';
import { Check, Formula, Select, Slider, Whole } from '../../ui/fields.tsx';
import { RunControls } from '../../ui/run-controls.tsx';
import { useRun } from '../../ui/use-run.ts';
import { useTheme } from '../../ui/use-theme.ts';
import { choice, type Field, number, useUrlState } from '../../url-state.ts';
import type { PageProps } from '../index.ts';
import { drawDigits } from './draw-digits.ts';
import {
  DIGITS,
  type DigitsArgs,
  type DigitsResult,
  type Frame,
  SAMPLERS,
  type SamplerName,
} from './options.ts';

const chosen: Field<readonly SamplerName[]> = {
  initial: ['Heun', 'DDPM'],
  read: (text) => {
    const names = SAMPLERS.filter((_, i) => text.split('.').includes(String(i)));
    return names.length > 0 ? names : undefined;
  },
  write: (names) => names.map((name) => SAMPLERS.indexOf(name)).join('.'),
};

const fields = {
  digit: choice(DIGITS, 'all'),
  w: number(0.2, { min: 0, max: 4 }),
  steps: number(25, { min: 2, max: 100, whole: true }),
  samplers: chosen,
  count: number(40, { min: 10, max: 400, whole: true }),
  seed: number(7, { min: 0, max: 2 ** 32 - 1, whole: true }),
  at: number(1, { min: 0, max: 1 }),
};

const COLUMNS = 10;

function Images({ frame }: { readonly frame: Frame | undefined }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useTheme();
  useEffect(() => {
    if (canvas.current && frame) drawDigits(canvas.current, frame.pixels, COLUMNS, paletteOf(canvas.current));
  }, [frame, theme]);
  return (
    <canvas
      ref={canvas}
      class="images"
      role="img"
      aria-label={frame ? `Digits by ${frame.sampler} after step ${frame.step}` : 'No digits yet'}
    />
  );
}

export default function Digits({ backend }: PageProps): JSX.Element {
  const [values, change] = useUrlState(fields);
  const [frames, setFrames] = useState<readonly Frame[]>([]);
  const { state, start, cancel } = useRun<DigitsArgs, Frame, DigitsResult>('digits');

  const run = useCallback(() => {
    const arrived: Frame[] = [];
    setFrames([]);
    const { digit, w, steps, samplers, count, seed } = values;
    start(
      { digit, guidance: w, steps, samplers, count, seed },
      {
        update: (frame) => {
          arrived.push(frame);
          setFrames([...arrived]);
          return {
            progress: arrived.length / (samplers.length * (steps + 1)),
            message: `${frame.sampler}, step ${frame.step} of ${steps}`,
          };
        },
        done: ({ nfe, seconds }) => `${nfe} evaluations, ${seconds.toFixed(1)} s on ${backend}.`,
      },
    );
  }, [values, start, backend]);

  const ranOn = useRef('');
  useEffect(() => {
    if (backend === ranOn.current) return;
    ranOn.current = backend;
    run();
  }, [run, backend]);

  const rows = values.samplers.map((name) => {
    const own = frames.filter(({ sampler }) => sampler === name);
    return { name, frame: own[Math.round(values.at * values.steps)] ?? own.at(-1) };
  });
  const shown = rows[0]?.frame;

  return (
    <div class="split">
      <section class="controls" aria-label="Controls">
        <Select label="Digit" value={values.digit} options={DIGITS} onChange={(digit) => change({ digit })} />
        <Slider
          label="Guidance w"
          value={values.w}
          min={0}
          max={4}
          step={0.1}
          shown={values.w.toFixed(1)}
          onChange={(w) => change({ w })}
        />
        <Slider
          label="Steps"
          value={values.steps}
          min={2}
          max={100}
          step={1}
          onChange={(steps) => change({ steps })}
        />
        <Slider
          label="Images for each sampler"
          value={values.count}
          min={10}
          max={400}
          step={10}
          onChange={(count) => change({ count })}
        />
        <fieldset>
          <legend>Samplers, on the same noise</legend>
          {SAMPLERS.map((name) => (
            <Check
              key={name}
              label={name}
              value={values.samplers.includes(name)}
              onChange={(on) => {
                const samplers = SAMPLERS.filter((other) =>
                  other === name ? on : values.samplers.includes(other),
                );
                if (samplers.length > 0) change({ samplers });
              }}
            />
          ))}
        </fieldset>
        <Whole
          label="Seed"
          value={values.seed}
          min={0}
          max={2 ** 32 - 1}
          onChange={(seed) => change({ seed })}
        />
        <RunControls state={state} label="Draw" onRun={run} onCancel={cancel} />
      </section>
      <section class="view" aria-label="Picture">
        <Slider
          label="Time"
          value={values.at}
          min={0}
          max={1}
          step={0.01}
          shown={shown ? `step ${shown.step}, σ = ${shown.sigma.toPrecision(2)}` : '–'}
          onChange={(at) => change({ at })}
        />
        {rows.map(({ name, frame }) => (
          <figure key={name} class="sampled">
            <figcaption>{name}</figcaption>
            <Images frame={frame} />
          </figure>
        ))}
        <Formula>
          A small network D(x, σ, c), trained on 1,797 handwritten digits of 8 × 8 pixels, names the image
          behind x = x₀ + σξ. Samplers follow dx/dσ = (x − D)/σ down from σ = 80, some with fresh noise on the
          way. Guidance replaces D by (1 + w) D(x, σ, c) − w D(x, σ, ∅): clearer digits, less variety.
        </Formula>
      </section>
    </div>
  );
}
