// What the worker notes for itself stays as small as it was: a pass reads all of it, and there will be many passes.

import { expect, test } from 'vitest';
import { World } from '../world.ts';

const minute = 60_000;
const hour = 60 * minute;

test('day after day, what is noted of windows and sweeps that are done does not grow', async () => {
  await using world = await World.open({ conversations: 60, days: 70 });
  await world.pass('new', 'open', 'lookback', 'reconcile');
  const counts: number[] = [];
  for (let day = 0; day < 4; day += 1) {
    for (let tick = 0; tick < 6; tick += 1) {
      // Each tick another conversation is the oldest open one.
      const { id } = world.source.create({ createdAt: new Date(world.nowMs - hour).toISOString() });
      world.nowMs += 4 * hour;
      await world.pass('new', 'open', 'lookback');
      world.source.close(id);
    }
    await world.pass('new', 'open', 'lookback', 'reconcile');
    const { rows } = await world.pool.query('select sweep from twilio_sync.windows order by sweep');
    counts.push(rows.length);
  }
  expect(await world.differences()).toEqual([]);
  expect(new Set(counts).size, `windows after each day: ${counts.join(', ')}`).toBe(1);
});
