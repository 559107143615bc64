/** Page: handwritten digits. */
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { paletteOf } from '../../ui/draw-frame.ts';
import { Formula, Select, Several, Slider, Whole } from '../../ui/fields.tsx';
import { RunControls } from '../../ui/run-controls.tsx';
import { frameAt, Scrubber } from '../../ui/scrubber.tsx';
import { useFrames } from '../../ui/use-frames.ts';
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
  const [{ digit, w, steps, samplers, count, seed, at }, change] = useUrlState(fields);
  const args = useMemo<DigitsArgs>(
    () => ({ digit, guidance: w, steps, samplers, count, seed }),
    [digit, w, steps, samplers, count, seed],
  );
  const { state, frames, run, cancel } = useFrames<DigitsArgs, Frame, DigitsResult>('digits', {
    args,
    backend,
    count: samplers.length * (steps + 1),
    message: ({ sampler, step }) => `${sampler}, step ${step} of ${steps}`,
    done: ({ nfe, seconds }) => `${nfe} evaluations, ${seconds.toFixed(1)} s on ${backend}.`,
  });
  const rows = samplers.map((name) => {
    const own = frames.filter(({ sampler }) => sampler === name);
    return { name, frame: frameAt(own, at, steps + 1) };
  });
  const shown = rows.find(({ frame }) => frame)?.frame;

  return (
    <div class="split">
      <section class="controls" aria-label="Controls">
        <Select label="Digit" value={digit} options={DIGITS} onChange={(digit) => change({ digit })} />
        <Slider
          label="Guidance w"
          value={w}
          min={0}
          max={4}
          step={0.1}
          shown={w.toFixed(1)}
          onChange={(w) => change({ w })}
        />
        <Slider
          label="Steps"
          value={steps}
          min={2}
          max={100}
          step={1}
          onChange={(steps) => change({ steps })}
        />
        <Slider
          label="Images for each sampler"
          value={count}
          min={10}
          max={400}
          step={10}
          onChange={(count) => change({ count })}
        />
        <Several
          legend="Samplers, on the same noise"
          options={SAMPLERS}
          value={samplers}
          onChange={(chosen) => change({ samplers: chosen })}
        />
        <Whole label="Seed" value={seed} min={0} max={2 ** 32 - 1} onChange={(seed) => change({ seed })} />
        <RunControls state={state} label="Draw" onRun={run} onCancel={cancel} />
      </section>
      <section class="view" aria-label="Picture">
        <Scrubber
          label="Time"
          at={at}
          count={steps + 1}
          shown={shown && `step ${shown.step} of ${steps}, σ = ${shown.sigma.toPrecision(2)}`}
          onChange={(moment) => change({ at: moment })}
        />
        {rows.map(({ name, frame }) => (
          <figure key={name} class="sampled">
            <figcaption>{name}</figcaption>
            <Images frame={frame} />
          </figure>
        ))}
        <Formula>
          A small network D(x, σ, c), trained on 1,797 handwritten digits of 8 × 8 pixels, names the image x₀
          behind x = x₀ + σξ when it is told the digit c, so that (D − x)/σ² is the score. Samplers follow
          dx/dσ = (x − D)/σ down from σ = 80; DDPM, Euler ancestral and EDM stochastic add fresh noise on the
          way, and so end elsewhere. Guidance replaces D by (1 + w) D(x, σ, c) − w D(x, σ, ∅): clearer digits,
          less variety. An evaluation is one call of the guided D.
        </Formula>
      </section>
    </div>
  );
}
