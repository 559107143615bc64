/** Page: samplers race. */
import type { JSX } from 'preact';
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Check, Formula, Slider, Whole } from '../../ui/fields.tsx';
import { LinePlot } from '../../ui/line-plot.tsx';
import { RunControls } from '../../ui/run-controls.tsx';
import { useRun } from '../../ui/use-run.ts';
import { type Field, number, useUrlState } from '../../url-state.ts';
import type { PageProps } from '../index.ts';
import { type Arrival, BUDGETS, RACERS, type RaceArgs, type RaceResult, type Racer } from './options.ts';

/** The racers that are left out, by number, so that a new one takes part in old links. */
const absent: Field<readonly Racer[]> = {
  initial: [],
  read: (text) => RACERS.filter((_, i) => text.split('.').includes(String(i))),
  write: (names) => names.map((name) => RACERS.indexOf(name)).join('.'),
};

const fields = {
  without: absent,
  count: number(500, { min: 50, max: 5000, whole: true }),
  seed: number(7, { min: 0, max: 2 ** 32 - 1, whole: true }),
};

export default function Race({ backend }: PageProps): JSX.Element {
  const [values, change] = useUrlState(fields);
  const [arrivals, setArrivals] = useState<readonly Arrival[]>([]);
  const { state, start, cancel } = useRun<RaceArgs, Arrival, RaceResult>('race');
  const racers = useMemo(() => RACERS.filter((name) => !values.without.includes(name)), [values.without]);

  const run = useCallback(() => {
    const arrived: Arrival[] = [];
    setArrivals([]);
    start(
      { racers, count: values.count, seed: values.seed },
      {
        update: (arrival) => {
          arrived.push(arrival);
          setArrivals([...arrived]);
          return {
            progress: arrived.length / (BUDGETS.length * racers.length),
            message: `${arrival.racer}, ${arrival.nfe} evaluations: ${arrival.error.toExponential(1)}`,
          };
        },
        done: ({ seconds }) => `Done in ${seconds.toFixed(1)} s on ${backend}.`,
      },
    );
  }, [racers, values.count, values.seed, start, backend]);

  const ranOn = useRef('');
  useEffect(() => {
    if (backend === ranOn.current) return;
    ranOn.current = backend;
    run();
  }, [run, backend]);

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
        <fieldset>
          <legend>Who races</legend>
          {RACERS.map((name) => (
            <Check
              key={name}
              label={name}
              value={!values.without.includes(name)}
              onChange={(on) =>
                change({
                  without: on ? values.without.filter((other) => other !== name) : [...values.without, name],
                })
              }
            />
          ))}
        </fieldset>
        <Slider
          label="Particles"
          value={values.count}
          min={50}
          max={5000}
          step={50}
          onChange={(count) => change({ count })}
        />
        <Whole
          label="Seed"
          value={values.seed}
          min={0}
          max={2 ** 32 - 1}
          onChange={(seed) => change({ seed })}
        />
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
          Eight Gaussians seen through σ(t) = t, from σ = 80 to 0.01 on Karras's grid. All samplers of the
          probability flow dX/dt = −σ ∇log p<sub>t</sub>(X) start from the same noise; the error is the root
          mean square distance from where the exact flow ends. A method of order k falls with slope −k, until
          float32 rounding stops it.
        </Formula>
      </section>
    </div>
  );
}
