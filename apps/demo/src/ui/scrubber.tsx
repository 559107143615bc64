/** Looking back over the frames of a run: a slider that moves from frame to frame, and a button that plays them. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Slider } from './fields.tsx';

/** Playing takes about this long, whatever the number of frames, ms. */
const LENGTH = 4000;

/** The frame at a share of the way over `count` frames, or the last that is there. */
export function frameAt<Frame>(frames: readonly Frame[], at: number, count: number): Frame | undefined {
  return frames[Math.min(frames.length - 1, Math.round(at * (count - 1)))];
}

export function Scrubber({
  label,
  at,
  count,
  shown,
  onChange,
}: {
  readonly label: string;
  /** The moment shown, as a share of the way: 0 … 1. */
  readonly at: number;
  /** Frames of the whole run. */
  readonly count: number;
  /** What the moment is; absent while there is none. */
  readonly shown: string | undefined;
  onChange(at: number): void;
}): JSX.Element {
  const [playing, setPlaying] = useState(false);
  const last = Math.max(1, count - 1);
  const frame = Math.round(at * last);
  const show = (index: number): void => onChange(Number((index / last).toFixed(4)));
  useEffect(() => {
    if (!playing) return undefined;
    if (frame >= last) {
      setPlaying(false);
      return undefined;
    }
    const timer = setTimeout(() => show(frame + 1), LENGTH / last);
    return () => clearTimeout(timer);
  }, [playing, frame, last]);
  const play = (): void => {
    if (!playing && frame >= last) show(0);
    setPlaying(!playing);
  };
  return (
    <div class="scrubber">
      <button type="button" onClick={play} disabled={shown === undefined}>
        {playing ? 'Pause' : 'Play'}
      </button>
      <Slider
        label={label}
        value={frame}
        min={0}
        max={last}
        step={1}
        disabled={shown === undefined}
        shown={shown ?? '–'}
        onChange={(index) => {
          setPlaying(false);
          show(index);
        }}
      />
    </div>
  );
}
