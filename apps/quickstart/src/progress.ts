/**
 * One live line per task in a terminal, a plain line now and then in a log.
 */
import { Presets, SingleBar } from 'cli-progress';

export interface Task {
  update(done: number, note?: string): void;
  end(): void;
}

/** Starts a progress line for `total` steps of something. */
export function startTask(title: string, total: number): Task {
  const bar = new SingleBar(
    {
      format: `${title.padEnd(22)} {bar} {percentage}% {value}/{total}  {duration_formatted}  {note}`,
      stream: process.stdout,
      noTTYOutput: true,
      notTTYSchedule: 5000,
      hideCursor: true,
      barsize: 24,
      forceRedraw: true,
    },
    Presets.shades_grey,
  );
  bar.start(total, 0, { note: '' });
  return {
    update: (done, note = ''): void => bar.update(done, { note }),
    end: (): void => bar.stop(),
  };
}
