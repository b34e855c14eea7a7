// The long-lived worker's rhythm: what wakes it, and what a failed pass is followed by. Ports and clock are arguments;
// nothing here waits for real time.

import { expect, test } from 'vitest';
import { noFilters } from '../../src/config/config.ts';
import { createHeartbeat } from '../../src/status/heartbeat.ts';
import { type Api, createContext, type Store } from '../../src/sync/context.ts';
import { keepEverything } from '../../src/sync/keep.ts';
import { noMask } from '../../src/sync/mask.ts';
import { createLog } from '../../src/worker/log.ts';
import { keepInSync } from '../../src/worker/worker.ts';

test('a pass that fails is said once, and tried again at the next tick only', async () => {
  const stop = new AbortController();
  const ticks: (() => void)[] = [];
  let asked = 0;
  let askedAgain = Promise.withResolvers<void>();
  const api = {
    async proveBounds() {
      asked += 1;
      askedAgain.resolve();
      throw new Error('the key is refused');
    },
  } as unknown as Api;
  const context = createContext({
    api,
    store: { maskStored: async () => false } as unknown as Store,
    settings: {
      history: 0,
      start: 0,
      lookbackSeconds: 0,
      refreshSeconds: [],
      maxConcurrency: 32,
      status: null,
      filters: noFilters,
      mask: noMask,
      generation: 1,
      allowMassDelete: false,
      keep: keepEverything,
      eraseBefore: null,
      memoryBytes: Number.POSITIVE_INFINITY,
    },
    watcher: { stored() {}, completed() {}, async recentDone() {}, warn() {} },
  });
  const lines: string[] = [];
  const working = keepInSync({
    context,
    schedules: { new: 'new', lookback: 'lookback', reconcile: 'reconcile' },
    signal: stop.signal,
    log: createLog({ level: 'info', destination: { write: (line) => void lines.push(line) } }),
    heartbeat: createHeartbeat(60_000),
    record: (work) => work(),
    startCron: (_expression, tick) => {
      ticks.push(tick);
      return { stop() {}, next: () => undefined };
    },
  });
  await askedAgain.promise;
  // Whatever would follow at once has followed after a turn of the event loop.
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(asked).toBe(1);
  expect(lines).toHaveLength(1);

  askedAgain = Promise.withResolvers();
  ticks[0]?.();
  await askedAgain.promise;
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(asked).toBe(2);
  expect(lines).toHaveLength(2);

  stop.abort(new Error('told to end'));
  await expect(working).rejects.toThrow('told to end');
});
