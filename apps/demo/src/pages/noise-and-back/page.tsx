/** Page 1: noise and back. */
import type { JSX } from 'preact';
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Check, Formula, Slider } from '../../ui/fields.tsx';
import { RunControls } from '../../ui/run-controls.tsx';
import { useRun } from '../../ui/use-run.ts';
import { useUrlState } from '../../url-state.ts';
import type { PageProps } from '../index.ts';
import { Controls } from './controls.tsx';
import { DistancePlot } from './distance-plot.tsx';
import { joinStrokes } from './drawn-points.ts';
import { fields } from './fields.ts';
import type { NoiseAndBackArgs, NoiseAndBackResult, NoiseAndBackUpdate } from './options.ts';
import { Picture } from './picture.tsx';
import { frameAt, frameCount, heard, progressOf, type View } from './view.ts';
import './page.css';

/** Milliseconds without a change after which the run starts anew: a slider is dragged over many values. */
const SETTLED = 250;

const EXACT =
  'The score is exact: the data are 500 points, each blurred into a Gaussian of deviation 0.05, and so is every ' +
  'smoothing of them. Where the way back leaves the way forward, the sampler takes too few steps. Choose the learned ' +
  'score to see how much of it a network finds out.';
const LEARNED =
  'A network has learned this score from noised points, by naming the clean ones. Where it is off, the way back ' +
  'leaves the way forward: samples stray between the parts of the data, and their distance stays above the floor; ' +
  'with the exact score only the sampler’s own error is left. More training brings the two together, except at the ' +
  'smallest t: there the exact score pulls to each of the 500 points, and the network smooths over them. One ' +
  'network serves every process, since it sees x/α and σ/α alone.';

export default function NoiseAndBack({ backend }: PageProps): JSX.Element {
  const [values, change] = useUrlState(fields);
  const [view, setView] = useState<View>();
  const { state, start, cancel } = useRun<NoiseAndBackArgs, NoiseAndBackUpdate, NoiseAndBackResult>(
    'noise-and-back',
  );

  const { shape, drawn, score, training, process, sampler, grid, steps, b, count, seed } = values;
  const args = useMemo<NoiseAndBackArgs>(
    () => ({ shape, drawn, score, training, process, sampler, grid, steps, noiseLevel: b, count, seed }),
    [shape, drawn, score, training, process, sampler, grid, steps, b, count, seed],
  );

  const ran = useRef<{ readonly backend: string; readonly args?: NoiseAndBackArgs }>({ backend: '' });
  /** Whose news are wanted; a drawing ends the run that is under way, and its last news come too late. */
  const wanted = useRef(0);
  const run = useCallback(() => {
    const mine = ++wanted.current;
    ran.current = { backend, args };
    // The view of the run before stays until this one has something to show.
    let own: View | undefined;
    start(args, {
      update: (news) => {
        own = heard(own, news)!;
        const now = own;
        if (mine === wanted.current) setView((before) => (news.kind === 'start' ? (before ?? now) : now));
        return progressOf(args, own);
      },
      done: ({ nfe, seconds, learned }) => {
        const network = learned
          ? ` ${learned.weights} weights ${learned.kept ? 'kept from before, trained' : 'trained'} in ${learned.seconds.toFixed(1)} s on ${learned.backend}.`
          : '';
        return `${nfe} evaluations, ${seconds.toFixed(1)} s on ${backend}.${network}`;
      },
    });
  }, [args, start, backend]);

  // The picture follows the controls: what somebody opens shows its samples without being asked, a change starts the
  // run anew (and ends the one that is under way, training too), and so does another backend.
  useEffect(() => {
    const before = ran.current;
    if (backend === '' || (before.backend === backend && before.args === args)) return undefined;
    const timer = setTimeout(
      () => {
        if (ran.current === before) run();
      },
      before.backend === backend ? SETTLED : 0,
    );
    return () => clearTimeout(timer);
  }, [run, backend, args]);

  const shown = view && frameAt(view, values.at);
  const floor = view?.start.floor;
  const strokes = useMemo(() => new Float32Array(drawn.flat()), [drawn]);
  const last = view ? frameCount(view.start) - 1 : 1;
  const { points, arrows } = shown ?? view?.lesson ?? { points: strokes, arrows: undefined };
  const learns = view?.lesson !== undefined && state.busy;
  const moment = shown ? ` at time ${shown.t.toPrecision(3)}` : learns ? ', the network learns' : '';

  return (
    <div class="split noise-and-back">
      <section class="controls" aria-label="Controls">
        <Controls values={values} change={change} />
        <RunControls state={state} onRun={run} onCancel={cancel} />
      </section>
      <section class="view" aria-label="Picture">
        <div class="stage">
          <div>
            <Picture
              label={`${count} particles of ${shape}${moment}`}
              points={points}
              arrows={values.field === 'on' ? arrows : undefined}
              density={values.density === 'on'}
              drawable={shape === 'drawn'}
              drawn={drawn}
              onDraw={() => {
                wanted.current++;
                cancel();
              }}
              onStroke={(stroke) => {
                setView(undefined);
                change({ drawn: joinStrokes(drawn, stroke) });
              }}
            />
            <Slider
              label={shown ? (shown.forward ? 'Forward: time' : 'Back: time') : 'Time'}
              value={shown ? Math.round(values.at * last) : 0}
              min={0}
              max={last}
              step={1}
              disabled={!shown}
              shown={shown ? `t = ${shown.t.toPrecision(3)}` : learns ? 'the network learns' : '–'}
              onChange={(moment) => change({ at: Number((moment / last).toFixed(4)) })}
            />
            <div class="row">
              <Check
                label={`${score} score field`}
                value={values.field === 'on'}
                onChange={(on) => change({ field: on ? 'on' : 'off' })}
              />
              <Check
                label="density"
                value={values.density === 'on'}
                onChange={(on) => change({ density: on ? 'on' : 'off' })}
              />
            </div>
          </div>
          <div class="meter">
            <dl class="measure">
              <div>
                <dt>Energy distance to the data</dt>
                <dd>{shown?.distance.toExponential(1) ?? '–'}</dd>
              </div>
              <div>
                <dt>Floor, data to data</dt>
                <dd>{floor ? `${floor.value.toExponential(1)} ± ${floor.spread.toExponential(0)}` : '–'}</dd>
              </div>
              {score === 'learned' && (
                <div>
                  <dt>Learned score is off by</dt>
                  <dd>
                    {shown?.scoreError === undefined ? '–' : `${(100 * shown.scoreError).toFixed(1)} %`}
                  </dd>
                </div>
              )}
            </dl>
            {view && <DistancePlot start={view.start} frames={view.frames} shown={shown} />}
          </div>
        </div>
        <p class="hint">{score === 'learned' ? LEARNED : EXACT}</p>
        <Formula>
          dX = f(t) X dt + g(t) dB turns data into noise. dY = (−f Y + ½(1 + b²) g² ∇log p<sub>t</sub>(Y)) ds
          + b g dB brings noise back, with the same law at every time for every b: b = 0 is the probability
          flow, b = 1 the reverse SDE. Arrows show σ∇log p<sub>t</sub>, and everything is divided by √(α² +
          σ²) to stay in the picture.
        </Formula>
      </section>
    </div>
  );
}
