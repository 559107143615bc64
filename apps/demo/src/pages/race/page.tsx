/** Page: samplers race. */
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { Formula, Several, Slider, Whole } from '../../ui/fields.tsx';
import { LinePlot } from '../../ui/line-plot.tsx';
import { RunControls } from '../../ui/run-controls.tsx';
import { useFrames } from '../../ui/use-frames.ts';
import { type Field, number, useUrlState } from '../../url-state.ts';
import type { PageProps } from '../index.ts';
import { type Arrival, BUDGETS, RACERS, type RaceArgs, type RaceResult, type Racer } from './options.ts';

/** The racers that are left out, by number, so that a new one takes part in old links. */
const absent: Field<readonly Racer[]> = {
  initial: [],
  read: (text) => {
    const names = RACERS.filter((_, i) => text.split('.').includes(String(i)));
    return names.length < RACERS.length ? names : undefined;
  },
  write: (names) => names.map((name) => RACERS.indexOf(name)).join('.'),
};

const fields = {
  without: absent,
  count: number(500, { min: 50, max: 5000, whole: true }),
  seed: number(7, { min: 0, max: 2 ** 32 - 1, whole: true }),
};

export default function Race({ backend }: PageProps): JSX.Element {
  const [{ without, count, seed }, change] = useUrlState(fields);
  const racers = useMemo(() => RACERS.filter((name) => !without.includes(name)), [without]);
  const args = useMemo<RaceArgs>(() => ({ racers, count, seed }), [racers, count, seed]);
  const {
    state,
    frames: arrivals,
    run,
    cancel,
  } = useFrames<RaceArgs, Arrival, RaceResult>('race', {
    args,
    backend,
    count: BUDGETS.length * racers.length,
    message: ({ racer, nfe, error }) => `${racer}, ${nfe} evaluations: ${error.toExponential(1)}`,
    done: ({ seconds }) => `Done in ${seconds.toFixed(1)} s on ${backend}.`,
  });

  const curves = useMemo(
    () =>
      racers.map((name) => ({
        name,
        values: BUDGETS.map(
          (budget) => arrivals.find((a) => a.racer === name && a.budget === budget)?.error ?? null,
        ),
      })),
    [racers, arrivals],
  );

  return (
    <div class="split">
      <section class="controls" aria-label="Controls">
        <Several
          legend="Who races"
          options={RACERS}
          value={racers}
          onChange={(racing) => change({ without: RACERS.filter((name) => !racing.includes(name)) })}
        />
        <Slider
          label="Particles"
          value={count}
          min={50}
          max={5000}
          step={50}
          onChange={(count) => change({ count })}
        />
        <Whole label="Seed" value={seed} min={0} max={2 ** 32 - 1} onChange={(seed) => change({ seed })} />
        <RunControls state={state} label="Race" onRun={run} onCancel={cancel} />
      </section>
      <section class="view" aria-label="Picture">
        <LinePlot
          x={BUDGETS}
          xLabel="model evaluations"
          yLabel="distance from the exact flow"
          curves={curves}
          logarithmic
        />
        <Formula>
          Eight Gaussians of deviation 0.2 on a circle of radius 2, seen through σ(t) = t, from σ = 80 down to
          0.01 on Karras’s grid. All samplers of the probability flow dX/dt = −σ ∇log p<sub>t</sub>(X) start
          from the same noise; the distance is the root mean square, over the particles, from where the exact
          flow ends. Both axes are logarithmic: once its steps are small enough, a method of order k falls
          with slope −k, until float32 rounding stops it. Methods of two stages, like Heun, pay two
          evaluations a step.
        </Formula>
      </section>
    </div>
  );
}
