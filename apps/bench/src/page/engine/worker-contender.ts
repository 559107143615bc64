/**
 * A contestant in a worker of its own: a build of simd is chosen once per worker, and one that takes too long can be
 * stopped only by ending its worker. The next case then starts another.
 */
import { type Contender, Refusal } from '../../suite/contender.ts';
import type { Invited } from '../../suite/run-here.ts';
import type { ContestantId } from './contestants.ts';
import type { Answers, Reply, Request } from './protocol.ts';

const HELLO_LIMIT = 60_000;

export interface WorkerContender extends Pick<Invited, 'introduce'> {
  readonly contender: Contender;
  end(): void;
}

/** @param signal ends the worker, and whatever it does, when it aborts. */
export function workerContender(id: ContestantId, signal: AbortSignal): WorkerContender {
  let worker: Worker | undefined;
  let started = false;

  const end = (): void => {
    worker?.terminate();
    worker = undefined;
    started = false;
  };

  function ask<T extends Request>(request: T, limit: number): Promise<Answers[T['do']]> {
    if (signal.aborted) return Promise.reject(new Refusal('ended', 'the run was cancelled'));
    worker ??= new Worker(new URL('./contestant.ts', import.meta.url), { type: 'module', name: id });
    const asked = worker;
    return new Promise((resolve, reject) => {
      const stop = (refusal: Refusal): void => {
        settle();
        end();
        reject(refusal);
      };
      const cancel = (): void => stop(new Refusal('ended', 'the run was cancelled'));
      const timer = setTimeout(
        () => stop(new Refusal('slow', `it takes more than ${limit / 1000} s`)),
        Math.min(limit, 2 ** 31 - 1),
      );
      const settle = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', cancel);
      };
      signal.addEventListener('abort', cancel);
      asked.onerror = (event) => {
        event.preventDefault();
        stop(new Refusal('ended', `its worker ended: ${event.message || 'the browser gave no reason'}`));
      };
      asked.onmessage = ({ data }: MessageEvent<Reply<Answers[T['do']]>>) => {
        settle();
        if ('ok' in data) resolve(data.ok);
        else if ('cannot' in data) reject(new Refusal('cannot', data.cannot));
        else reject(new Refusal('error', data.error));
      };
      asked.postMessage(request);
    });
  }

  const introduce: WorkerContender['introduce'] = async () => {
    try {
      const introduction = await ask({ do: 'hello', contestant: id }, HELLO_LIMIT);
      started = true;
      return introduction;
    } catch (error) {
      end();
      throw error;
    }
  };

  return {
    introduce,
    end,
    contender: {
      id,
      async prepare(benchCase, limit) {
        if (!started) await introduce();
        return ask({ do: 'prepare', case: benchCase.id }, limit);
      },
      time: (plan, limit) => ask({ do: 'time', ...plan }, limit),
      finish: async (limit) => (started ? ask({ do: 'finish' }, limit) : {}),
    },
  };
}
