// What playing seeds has found in the program, each made small and sure.

import { expect, test } from 'vitest';
import { pass } from '../../src/sync/pass.ts';
import { World } from '../world.ts';

const day = 86_400_000;

test('a reconcile that was cut short says nothing of what has changed since: the next one lists everything again', async () => {
  await using world = await World.open({ conversations: 60, days: 100 });
  await world.sync();
  const context = await world.context();
  const stop = new AbortController();
  const { load } = context.store;
  context.requested.add('reconcile');
  context.store = {
    ...context.store,
    async load(changes, mark, now) {
      const loaded = await load(changes, mark, now);
      // The newest month is listed, and more is not.
      if (mark?.window.sweep === 'reconcile' && mark.cursor < now - 32 * 86_400) stop.abort(new Error('stopped'));
      return loaded;
    },
  };
  await expect(pass(context, stop.signal)).rejects.toThrow('stopped');
  await world.restart();
  const old = world.source.all().find(({ createdAt }) => {
    const agoMs = world.nowMs - Date.parse(createdAt);
    return agoMs > 10 * day && agoMs < 25 * day;
  });
  world.source.addResult(old?.id ?? '', { silent: true });
  await world.sync({ reconcile: true });
  expect(await world.differences()).toEqual([]);
});
