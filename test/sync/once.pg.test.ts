// `sync --from`: one range, listed with as few requests as the server allows.

import { expect, test } from 'vitest';
import { preview, syncRange } from '../../src/sync/once.ts';
import { World } from '../world.ts';

const day = 86_400;

test('a server without bounds is read once, however long the range is', async () => {
  await using world = await World.open({ conversations: 60, days: 100, switches: { boundNames: 'none' } });
  const context = await world.context();
  const to = world.nowMs / 1000;
  const signal = AbortSignal.timeout(60_000);
  const requestsFor = async (days: number, list: typeof syncRange | typeof preview) => {
    world.simulator.requests.reset();
    await list(context, { from: to - days * day, to }, signal);
    return world.simulator.requests.byEndpoint.list;
  };
  await requestsFor(1, syncRange);
  const once = await requestsFor(1, syncRange);
  expect(await requestsFor(100, preview)).toBe(once);
  expect(await requestsFor(100, syncRange)).toBe(once);
  const { rows } = await world.pool.query('select count(*)::int as stored from twilio.conversations');
  expect(rows).toEqual([{ stored: 60 }]);
});
