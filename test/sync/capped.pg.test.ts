// A list that ends silently after so many items: everything is stored all the same, or its window says why not.

import { expect, test } from 'vitest';
import { createCounts } from '../../src/sync/context.ts';
import { preview } from '../../src/sync/once.ts';
import { World } from '../world.ts';

async function count(world: World, of: string): Promise<number> {
  const { rows } = await world.pool.query<{ count: number }>(`select count(*)::int as count from ${of}`);
  return rows[0]?.count ?? Number.NaN;
}

test.each([
  [100, null],
  [100, 100],
  [37, 10],
])('after %i items, in pages of %s: all is stored, listed again and verified', async (listCap, servedPageSize) => {
  await using world = await World.open({
    conversations: 500,
    days: 30,
    switches: { listCap, servedPageSize },
    settings: { refreshSeconds: [] },
  });
  expect((await world.sync()).incomplete).toEqual([]);
  expect(await world.differences()).toEqual([]);
  await world.restart();
  expect(await world.sync({ reconcile: true })).toMatchObject({ fetched: 0, deleted: 0, incomplete: [] });
  await world.restart();
  const context = await world.context();
  const { listed } = await preview({ ...context, counts: createCounts() }, 'reconcile', AbortSignal.timeout(150_000));
  expect(listed).toBe(500);
  expect(await world.verify('full')).toMatchObject({ checked: 500, findings: [] });
});

test('one second has more than the list shows: its window stays pending and says so, all others are listed', async () => {
  await using world = await World.open({ conversations: 200, days: 30, switches: { listCap: 50, servedPageSize: 20 } });
  const createdAt = new Date(world.nowMs - 5 * 86_400_000).toISOString();
  for (let more = 0; more < 60; more += 1) world.source.create({ createdAt, status: 'CLOSED' });
  const { incomplete } = await world.sync();
  const said = 'the list ends silently after 50 items, and one second has as many';
  expect(incomplete).toEqual([`backfill: ${said}`]);
  const { rows } = await world.pool.query('select error from twilio_sync.windows where completed_at is null');
  expect(rows).toEqual([{ error: said }]);
  // Once it shows them all, so do the tables.
  world.simulator.turn({ listCap: null });
  expect((await world.sync()).incomplete).toEqual([]);
  expect(await world.differences()).toEqual([]);
});

test('2,500 in one second, honestly paged, are all listed', async () => {
  await using world = await World.open({ conversations: 20, days: 10 });
  const createdAt = new Date(world.nowMs - 5 * 86_400_000).toISOString();
  const details = { createdAt, status: 'CLOSED', participants: [], communications: [] };
  for (let more = 0; more < 2_500; more += 1) world.source.create(details);
  expect((await world.sync()).incomplete).toEqual([]);
  expect(await count(world, 'twilio.conversations')).toBe(2_520);
});

test('begins to end early when all is stored: nothing is deleted, and what comes then is listed by the second reconcile', async () => {
  await using world = await World.open({ conversations: 400, days: 30, switches: { servedPageSize: 50 } });
  await world.sync({ reconcile: true });
  world.simulator.turn({ listCap: 60 });
  const { id } = world.source.create({ createdAt: new Date(world.nowMs - 20 * 86_400_000).toISOString() });
  await world.sync({ reconcile: true });
  expect((await world.sync({ reconcile: true })).incomplete).toEqual([]);
  expect(await count(world, 'twilio.conversations where deleted_at is not null')).toBe(0);
  expect(await count(world, `twilio.conversations where id = '${id}'`)).toBe(1);
  expect(await world.differences()).toEqual([]);
});

test('a tick that finds nothing new costs no more once its totals are proved', async () => {
  await using world = await World.open({ conversations: 300, days: 10 });
  await world.sync();
  const ticks: number[] = [];
  for (let tick = 0; tick < 3; tick += 1) {
    world.simulator.requests.reset();
    world.nowMs += 60_000;
    const context = await world.context();
    context.requests.openFromStart = false;
    await world.pass('new');
    ticks.push(world.simulator.requests.byEndpoint.list);
  }
  expect(ticks).toEqual([1, 1, 1]);
});
