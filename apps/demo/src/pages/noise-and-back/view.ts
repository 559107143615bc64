/** What the page has heard of a run. */
import type { Frame, Lesson, NoiseAndBackArgs, NoiseAndBackUpdate } from './options.ts';

export interface View {
  readonly start: Extract<NoiseAndBackUpdate, { kind: 'start' }>;
  /** While the network learns. */
  readonly lesson?: Lesson;
  readonly frames: readonly Frame[];
}

/** The view after some news; a run tells its start first. */
export function heard(view: View | undefined, news: NoiseAndBackUpdate): View | undefined {
  if (news.kind === 'start') return { start: news, frames: [] };
  if (!view) return undefined;
  const { start, frames } = view;
  return news.kind === 'lesson' ? { start, lesson: news, frames: [] } : { start, frames: [...frames, news] };
}

/** Frames that the run will have in all. */
export const frameCount = ({ forward, back }: View['start']): number => forward.length + back.length;

/** Training's share of the progress bar. */
const TRAINING = 0.8;

export function progressOf(
  args: NoiseAndBackArgs,
  { start, lesson, frames }: View,
): { readonly progress: number; readonly message: string } {
  if (lesson) {
    const loss = lesson.step > 0 ? `, loss ${lesson.loss.toFixed(3)}` : '';
    const message = `Training: step ${lesson.step} of ${args.training}${loss}`;
    return { progress: (TRAINING * lesson.step) / args.training, message };
  }
  const before = args.score === 'learned' ? TRAINING : 0;
  const progress = before + (1 - before) * (frames.length / frameCount(start));
  const back = frames.length - start.forward.length;
  const message = back > 0 ? `Step ${back - 1} of ${args.steps}` : 'Data turn into noise …';
  return { progress, message };
}
