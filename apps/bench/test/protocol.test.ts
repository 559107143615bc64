/** The coordinator's side of the conversation, with contestants that behave and ones that do not. */
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type ContestantProcess, startContestant } from '../src/node/contestant-process.ts';
import { lineReader } from '../src/node/protocol.ts';

describe('lineReader', () => {
  it('puts lines together however the text is cut', () => {
    const text = '{"a":1}\n\n{"b":"ü"}\n{"c"';
    for (let size = 1; size <= text.length; size++) {
      const lines: string[] = [];
      const read = lineReader((line) => lines.push(line));
      for (let i = 0; i < text.length; i += size) read(text.slice(i, i + size));
      expect(lines).toEqual(['{"a":1}', '{"b":"ü"}']);
    }
  });
});

/** Answers with `answer(request)`; noise on standard output must not matter. */
const script = (answer: string): string => `
  const { writeSync } = require('node:fs');
  console.log('a banner {"id":0,"ok":{}}');
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const request = JSON.parse(line);
    const reply = (${answer})(request);
    if (reply) writeSync(3, JSON.stringify({ id: request.id, ...reply }) + '\\n');
  });`;

let contestant: ContestantProcess | undefined;
afterEach(() => contestant?.end());

function start(answer: string): ContestantProcess {
  contestant = startContestant({ program: process.execPath, args: ['-e', script(answer)] });
  return contestant;
}

const LONG = 20_000;

describe('a contestant process', () => {
  it('answers requests, each its own', async () => {
    const { ask } = start('({ repetitions }) => ({ ok: { milliseconds: repetitions } })');
    const times = [1, 2, 3].map((repetitions) => ask({ do: 'time', repetitions, bursts: 1 }, LONG));
    expect((await Promise.all(times)).map(({ milliseconds }) => milliseconds)).toEqual([1, 2, 3]);
  });

  it('says what it cannot do, and what failed', async () => {
    const { ask } = start("(r) => r.do === 'hello' ? { cannot: 'no such kernel' } : { error: 'boom' }");
    await expect(ask({ do: 'hello' }, LONG)).rejects.toMatchObject({
      kind: 'cannot',
      message: 'no such kernel',
    });
    await expect(ask({ do: 'finish' }, LONG)).rejects.toMatchObject({ kind: 'error', message: 'boom' });
  });

  it('is stopped when it takes too long', async () => {
    const trace = join(mkdtempSync(join(tmpdir(), 'slow-')), 'late');
    const process = start(
      `() => void setTimeout(() => require('node:fs').writeFileSync(${JSON.stringify(trace)}, ''), 1000)`,
    );
    await expect(process.ask({ do: 'hello' }, 300)).rejects.toMatchObject({
      kind: 'slow',
      message: 'it takes more than 0.3 s',
    });
    expect(process.alive).toBe(false);
    await expect(process.ask({ do: 'finish' }, LONG)).rejects.toMatchObject({ kind: 'ended' });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(existsSync(trace)).toBe(false);
  });

  it('tells how it ended, with its last words', async () => {
    const process = start("() => { process.stderr.write('first\\nout of luck\\n'); process.exit(3); }");
    await expect(process.ask({ do: 'hello' }, LONG)).rejects.toMatchObject({
      kind: 'ended',
      message: 'its process ended with code 3: out of luck',
    });
    expect(process.alive).toBe(false);
  });

  it('that does not exist says so', async () => {
    contestant = startContestant({ program: '/nowhere/python', args: [] });
    await expect(contestant.ask({ do: 'hello' }, LONG)).rejects.toMatchObject({ kind: 'ended' });
  });
});
