/**
 * A contestant in a process of its own. Between requests it blocks on its standard input, so that it takes nothing
 * from the one that is being timed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { Refusal } from '../suite/contender.ts';
import { type Answers, lineReader, type Reply, type Request } from './protocol.ts';

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface ContestantProcess {
  /** Sends a request; after `limit` milliseconds the process is killed and the promise rejects. */
  ask<T extends Request>(request: T, limit: number): Promise<Answers[T['do']]>;
  /** Is it still there? */
  readonly alive: boolean;
  end(): void;
}

interface Pending {
  resolve(value: never): void;
  reject(reason: Refusal): void;
}

export function startContestant({ program, args, env }: Command): ContestantProcess {
  const child: ChildProcess = spawn(program, [...args], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
    // An interrupt at the terminal is for the coordinator, which ends its contestants itself.
    detached: process.platform !== 'win32',
  });
  const pending = new Map<number, Pending>();
  let ended: string | undefined;
  let complaints = '';
  let next = 0;

  const close = (reason: string): void => {
    ended ??= reason;
    for (const { reject } of pending.values()) reject(new Refusal('ended', ended));
    pending.clear();
  };
  child.on('error', (error) => close(`it could not be started: ${error.message}`));
  child.on('exit', (code, signal) => {
    const last = complaints.trim().split('\n').at(-1) ?? '';
    close(`its process ended with ${signal ?? `code ${code}`}${last ? `: ${last}` : ''}`);
  });
  child.stdin!.on('error', () => close('its process no longer listens'));
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-4000);
  });
  const replies = child.stdio[3] as Readable;
  replies.setEncoding('utf8').on(
    'data',
    lineReader((line) => {
      const reply = JSON.parse(line) as Reply<never>;
      const waiting = pending.get(reply.id);
      if (!waiting) return;
      pending.delete(reply.id);
      if ('ok' in reply) waiting.resolve(reply.ok);
      else if ('cannot' in reply) waiting.reject(new Refusal('cannot', reply.cannot));
      else waiting.reject(new Refusal('error', reply.error));
    }),
  );

  return {
    get alive() {
      return ended === undefined;
    },
    ask(request, limit) {
      if (ended !== undefined) return Promise.reject(new Refusal('ended', ended));
      const id = next++;
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          pending.delete(id);
          ended = `stopped after ${limit / 1000} s`;
          child.kill('SIGKILL');
          reject(new Refusal('slow', `it takes more than ${limit / 1000} s`));
        }, limit);
        const settled =
          <V>(then: (value: V) => void) =>
          (value: V): void => {
            clearTimeout(timer);
            then(value);
          };
        pending.set(id, { resolve: settled(resolve), reject: settled(reject) });
        child.stdin!.write(`${JSON.stringify({ id, ...request })}\n`);
      });
    },
    end() {
      ended ??= 'it was ended';
      child.kill('SIGKILL');
    },
  };
}
