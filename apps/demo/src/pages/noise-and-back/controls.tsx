/** What the user may change of a run. */
import type { JSX } from 'preact';
import { Select, Slider, Whole } from '../../ui/fields.tsx';
import { drawnPoints } from './drawn-points.ts';
import type { Values } from './fields.ts';
import { GRIDS, PROCESSES, SAMPLERS, SCORES, SHAPES } from './options.ts';

export function Controls({
  values,
  change,
}: {
  readonly values: Values;
  change(some: Partial<Values>): void;
}): JSX.Element {
  const takesNoise = SAMPLERS.find(({ name }) => name === values.sampler)!.takesNoise;
  return (
    <>
      <Select label="Data" value={values.shape} options={SHAPES} onChange={(shape) => change({ shape })} />
      {values.shape === 'drawn' && (
        <div class="field hint">
          Draw on the picture with mouse or finger: lines, or single points by tapping.
          <button
            type="button"
            disabled={values.drawn.length === 0}
            onClick={() => change({ drawn: drawnPoints.initial })}
          >
            Clear the drawing
          </button>
        </div>
      )}
      <Select label="Score" value={values.score} options={SCORES} onChange={(score) => change({ score })} />
      {values.score === 'learned' && (
        <Slider
          label="Training steps"
          value={values.training}
          min={50}
          max={5000}
          step={50}
          onChange={(training) => change({ training })}
        />
      )}
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
    </>
  );
}
