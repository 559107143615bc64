/** Page 1: noise and back. */
import type { JSX } from 'preact';
import { useCallback, useMemo, useRef, useState } from 'preact/hooks';
import { Check, Formula } from '../../ui/fields.tsx';
import { RunControls } from '../../ui/run-controls.tsx';
import { frameAt, Scrubber } from '../../ui/scrubber.tsx';
import { useFollowing } from '../../ui/use-following.ts';
import { useRun } from '../../ui/use-run.ts';
import { useUrlState } from '../../url-state.ts';
import type { PageProps } from '../index.ts';
import { Controls } from './controls.tsx';
import { DistancePlot } from './distance-plot.tsx';
import { joinStrokes } from './drawn-points.ts';
import { fields } from './fields.ts';
import type { NoiseAndBackArgs, NoiseAndBackResult, NoiseAndBackUpdate } from './options.ts';
import { Picture } from './picture.tsx';
import { frameCount, heard, progressOf, type View } from './view.ts';
import './page.css';

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

  /** Whose news are wanted; a drawing ends the run that is under way, and its last news come too late. */
  const wanted = useRef(0);
  const begin = useCallback(() => {
    const mine = ++wanted.current;
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

  const run = useFollowing(args, backend, begin);

  const frames = view ? frameCount(view.start) : 0;
  const shown = view && frameAt(view.frames, values.at, frames);
  const floor = view?.start.floor;
  const strokes = useMemo(() => new Float32Array(drawn.flat()), [drawn]);
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
            <Scrubber
              label={
                shown
                  ? shown.forward
                    ? 'Forward: time'
                    : 'Back: time'
                  : learns
                    ? 'Time: training first'
                    : 'Time'
              }
              at={values.at}
              count={frames}
              shown={shown && `t = ${shown.t.toPrecision(3)}`}
              onChange={(at) => change({ at })}
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
