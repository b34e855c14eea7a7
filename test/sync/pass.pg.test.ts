// The pass against the simulator and a real Postgres: what is at the source is in the tables.

import { expect, test } from 'vitest';
import { World } from '../world.ts';

test('stores everything, then nothing again', async () => {
  await using world = await World.open({ conversations: 300, days: 40 });
  await world.pass('new', 'open', 'lookback');
  expect(await world.differences()).toEqual([]);
  const written = await world.rowsWritten();

  const counts = await world.pass('new', 'open', 'lookback', 'reconcile');
  expect(counts).toMatchObject({ fetched: 0, changed: 0 });
  expect(await world.rowsWritten()).toBe(written);
});
