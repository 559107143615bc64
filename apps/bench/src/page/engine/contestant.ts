/** The worker of one contestant. It answers one request after the other and does nothing in between. */
import { CannotRun, createSession, type Session } from '../../suite/session.ts';
import { caseOf } from '../../suite/suite.ts';
import { asCannot, tfjsContestant } from '../../suite/tfjs-contestant.ts';
import { start } from './libraries.ts';
import type { Answers, Reply, Request } from './protocol.ts';

let session: Session | undefined;

async function answer(request: Request): Promise<Answers[Request['do']]> {
  if (request.do === 'hello') {
    const introduction = await start[request.contestant]();
    session = createSession(tfjsContestant());
    return introduction;
  }
  if (!session) throw new Error('the first request must be hello');
  if (request.do === 'prepare') return session.prepare(caseOf(request.case));
  if (request.do === 'time') return session.time(request.repetitions, request.bursts);
  session.finish();
  return {};
}

self.onmessage = async ({ data }: MessageEvent<Request>) => {
  let reply: Reply<Answers[Request['do']]>;
  try {
    reply = { ok: await answer(data) };
  } catch (thrown) {
    const error = asCannot(thrown);
    const message = error instanceof Error ? error.message : String(error);
    reply = error instanceof CannotRun ? { cannot: message } : { error: message };
  }
  self.postMessage(reply);
};
