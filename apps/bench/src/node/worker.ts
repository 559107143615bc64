/**
 * The process of a JavaScript contestant: `node worker.js <library>`. Reads requests, answers on file descriptor 3.
 */
import { writeSync } from 'node:fs';
import { CannotRun, createSession, type Session } from '../suite/session.ts';
import { caseOf } from '../suite/suite.ts';
import { asCannot } from '../suite/tfjs-contestant.ts';
import { isLibrary, startLibrary } from './libraries.ts';
import { type Answers, lineReader, type Request } from './protocol.ts';
import { readInputs } from './raw-files.ts';

const library = process.argv[2] ?? '';
if (!isLibrary(library)) throw new RangeError(`worker: no library is called '${library}'.`);

let session: Session | undefined;

function cpuClock(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function answer(request: Request): Promise<Answers[keyof Answers]> {
  if (request.do === 'hello') {
    const started = await startLibrary(library as Parameters<typeof startLibrary>[0]);
    session = started.session((contestant) => createSession(contestant, cpuClock));
    return started.hello;
  }
  if (!session) throw new Error('the first request must be hello');
  switch (request.do) {
    case 'prepare':
      return { digest: await session.prepare(caseOf(request.case), await readInputs(request.inputs)) };
    case 'time':
      return session.time(request.repetitions, request.bursts);
    case 'finish':
      session.finish();
      return { peakBytes: process.resourceUsage().maxRSS * 1024 };
  }
}

function reply(message: object): void {
  let rest = Buffer.from(`${JSON.stringify(message)}\n`);
  while (rest.length > 0) rest = rest.subarray(writeSync(3, rest));
}

let turn = Promise.resolve();
const read = lineReader((line) => {
  const { id, ...request } = JSON.parse(line) as Request & { id: number };
  turn = turn.then(async () => {
    try {
      reply({ id, ok: await answer(request as Request) });
    } catch (thrown) {
      const error = asCannot(thrown);
      const message = error instanceof Error ? error.message : String(error);
      reply(error instanceof CannotRun ? { id, cannot: message } : { id, error: message });
    }
  });
});
process.stdin.setEncoding('utf8').on('data', read);
process.stdin.on('end', () => process.exit());
