import { createPacer } from '@diff/core';
import { describe, expect, it, vi } from 'vitest';

const busy = (milliseconds: number): void => {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
};

describe('createPacer', () => {
  it('gives the event loop a turn once the budget is spent, and not before', async () => {
    let turns = 0;
    const count = (): void => {
      turns++;
    };
    const pacer = createPacer({ budget: 20 });
    setImmediate(count);
    await pacer.turn();
    expect(turns).toBe(0);
    busy(25);
    await pacer.turn();
    await pacer.turn();
    expect(turns).toBe(1);
  });

  it('does so where there is no setImmediate, as in browsers', async () => {
    const { setImmediate: own } = globalThis;
    vi.stubGlobal('setImmediate', undefined);
    try {
      const pacer = createPacer({ budget: 5 });
      let turns = 0;
      const channel = new MessageChannel();
      channel.port1.onmessage = (): void => {
        turns++;
        channel.port1.close();
      };
      channel.port2.postMessage(null);
      busy(10);
      await pacer.turn();
      await new Promise<void>((resolve) => own(resolve));
      expect(turns).toBe(1);
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it('rejects with the reason of an aborted signal', async () => {
    const controller = new AbortController();
    const pacer = createPacer({ signal: controller.signal });
    await pacer.turn();
    controller.abort(new Error('enough'));
    await expect(pacer.turn()).rejects.toThrow('enough');
  });

  it('lets an abort in that happens while it waits', async () => {
    const controller = new AbortController();
    const pacer = createPacer({ signal: controller.signal, budget: 5 });
    setImmediate(() => controller.abort());
    busy(10);
    await expect(pacer.turn()).rejects.toThrow('aborted');
  });

  it('refuses a budget that is no duration', () => {
    expect(() => createPacer({ budget: 0 })).toThrow(
      'createPacer: budget must be a positive finite number, got 0.',
    );
  });
});
