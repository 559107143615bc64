/** Page 1: noise and back. */
import type { JSX } from 'preact';
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { drawFrame, paletteOf } from '../../ui/draw-frame.ts';
import { Check, Formula, Select, Slider, Whole } from '../../ui/fields.tsx';
import { RunControls } from '../../ui/run-controls.tsx';
import { useRun } from '../../ui/use-run.ts';
import { useTheme } from '../../ui/use-theme.ts';
import { choice, number, useUrlState } from '../../url-state.ts';
import { drawnPoints, readPoints, writePoints } from './drawn-points.ts';
import type { Frame, NoiseAndBackResult } from './job.ts';
import { EXTENT, GRIDS, type NoiseAndBackArgs, PROCESSES, SAMPLERS, SHAPES } from './options.ts';

const fields = {
  shape: choice(SHAPES, 'eight Gaussians'),
  drawn: drawnPoints,
  process: choice(PROCESSES, 'VP'),
  sampler: choice(
    SAMPLERS.map(({ name }) => name),
    'DDIM to DDPM',
  ),
  grid: choice(GRIDS, 'log-SNR'),
  steps: number(30, { min: 2, max: 200, whole: true }),
  b: number(1, { min: 0, max: 2 }),
  count: number(1500, { min: 100, max: 10_000, whole: true }),
  seed: number(7, { min: 0, max: 2 ** 32 - 1, whole: true }),
  at: number(1, { min: 0, max: 1 }),
  field: choice(['on', 'off'], 'on'),
  density: choice(['on', 'off'], 'off'),
};

const SIDE = 720;

export default function NoiseAndBack({ backend }: { readonly backend: string }): JSX.Element {
  const [values, change] = useUrlState(fields);
  const [frames, setFrames] = useState<readonly Frame[]>([]);
  const [result, setResult] = useState<NoiseAndBackResult>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useTheme();
  const { state, start, cancel } = useRun<NoiseAndBackArgs, Frame, NoiseAndBackResult>('noise-and-back');
  const takesNoise = SAMPLERS.find(({ name }) => name === values.sampler)!.takesNoise;

  const args = useMemo<NoiseAndBackArgs>(
    () => ({
      shape: values.shape,
      drawn: values.drawn,
      process: values.process,
      sampler: values.sampler,
      grid: values.grid,
      steps: values.steps,
      noiseLevel: values.b,
      count: values.count,
      seed: values.seed,
    }),
    [values],
  );

  const run = useCallback(() => {
    const arrived: Frame[] = [];
    setFrames([]);
    setResult(undefined);
    start(args, {
      update: (frame) => {
        arrived.push(frame);
        setFrames([...arrived]);
        const back = arrived.filter(({ forward }) => !forward).length;
        return {
          progress: arrived.length / (FORWARD_AND_BACK + args.steps),
          message: frame.forward ? 'Data turn into noise …' : `Step ${back - 1} of ${args.steps}`,
        };
      },
      done: (value) => {
        setResult(value);
        return `${value.nfe} evaluations, ${value.seconds.toFixed(1)} s on ${backend}.`;
      },
    });
  }, [args, start, backend]);

  // A view that somebody opens shows its samples without being asked, and again on another backend.
  const ranOn = useRef('');
  useEffect(() => {
    if (backend === ranOn.current) return;
    ranOn.current = backend;
    run();
  }, [run, backend]);

  const shown = frames[Math.round(values.at * (frames.length - 1))];
  useEffect(() => {
    if (!canvas.current) return;
    const palette = paletteOf(canvas.current);
    const picture = shown
      ? { points: shown.points, arrows: values.field === 'on' ? shown.arrows : undefined }
      : { points: new Float32Array(values.drawn.flat()) };
    drawFrame(canvas.current, { ...picture, extent: EXTENT, density: values.density === 'on' }, palette);
  }, [shown, values.field, values.density, values.drawn, theme]);

  const drawing = useRef<(readonly [number, number])[] | undefined>(undefined);
  const pointAt = (event: PointerEvent): readonly [number, number] => {
    const box = canvas.current!.getBoundingClientRect();
    const scale = (v: number): number => (2 * v - 1) * EXTENT;
    return [scale((event.clientX - box.left) / box.width), -scale((event.clientY - box.top) / box.height)];
  };
  const draw = (event: PointerEvent): void => {
    if (!drawing.current) return;
    drawing.current.push(pointAt(event));
    drawFrame(
      canvas.current!,
      { points: new Float32Array(drawing.current.flat()), extent: EXTENT, density: false },
      paletteOf(canvas.current!),
    );
  };
  const finish = (): void => {
    if (!drawing.current) return;
    const drawn = drawing.current;
    drawing.current = undefined;
    // Through the address and back, so that what runs is what the address says.
    if (drawn.length > 2) change({ shape: 'drawn', drawn: readPoints(writePoints(drawn)) ?? [] });
  };

  return (
    <div class="split">
      <section class="controls" aria-label="Controls">
        <Select label="Data" value={values.shape} options={SHAPES} onChange={(shape) => change({ shape })} />
        {values.shape === 'drawn' && <p class="hint">Draw with mouse or finger on the picture.</p>}
        <Select
          label="Forward process"
          value={values.process}
          options={PROCESSES}
          onChange={(process) => change({ process })}
        />
        <Select
          label="Sampler"
          value={values.sampler}
          options={SAMPLERS.map(({ name }) => name)}
          onChange={(sampler) => change({ sampler })}
        />
        <Select label="Time grid" value={values.grid} options={GRIDS} onChange={(grid) => change({ grid })} />
        <Slider
          label="Steps"
          value={values.steps}
          min={2}
          max={200}
          step={1}
          onChange={(steps) => change({ steps })}
        />
        <Slider
          label="Noise level b"
          value={values.b}
          min={0}
          max={2}
          step={0.1}
          disabled={!takesNoise}
          shown={takesNoise ? values.b.toFixed(1) : 'always 0 here'}
          onChange={(b) => change({ b })}
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
          role="img"
          aria-label={`${values.count} particles of ${values.shape}${shown ? ` at time ${shown.t.toPrecision(3)}` : ''}`}
          class={values.shape === 'drawn' ? 'drawable' : ''}
          onPointerDown={(e) => {
            if (values.shape !== 'drawn') return;
            cancel();
            e.currentTarget.setPointerCapture(e.pointerId);
            drawing.current = [pointAt(e)];
          }}
          onPointerMove={draw}
          onPointerUp={finish}
        />
        <Slider
          label={shown?.forward ? 'Forward: time' : 'Back: time'}
          value={values.at}
          min={0}
          max={1}
          step={0.005}
          shown={shown ? `t = ${shown.t.toPrecision(3)}` : '–'}
          onChange={(at) => change({ at })}
        />
        <div class="row">
          <Check
            label="score field"
            value={values.field === 'on'}
            onChange={(on) => change({ field: on ? 'on' : 'off' })}
          />
          <Check
            label="density"
            value={values.density === 'on'}
            onChange={(on) => change({ density: on ? 'on' : 'off' })}
          />
        </div>
        <p class="measure">
          Energy distance to fresh data:{' '}
          <strong>{(result?.distance ?? shown?.distance)?.toExponential(1) ?? '–'}</strong>, between two draws
          of the data: <strong>{result?.floor.toExponential(1) ?? '–'}</strong>
        </p>
        <Formula>
          dX = f(t) X dt + g(t) dB turns data into noise. dY = (−f Y + ½(1 + b²) g² ∇log p<sub>t</sub>(Y)) ds
          + b g dB brings noise back, with the same law at every time for every b: b = 0 is the probability
          flow, b = 1 the reverse SDE. The score ∇log p<sub>t</sub> is exact here; arrows show σ∇log p
          <sub>t</sub>, and everything is divided by √(α² + σ²) to stay in the picture.
        </Formula>
      </section>
    </div>
  );
}

/** Pictures besides the steps: the way forward, and the noise that the way back starts from. */
const FORWARD_AND_BACK = 26;
