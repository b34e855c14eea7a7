// Up to when the copy is whole, as dashboards are told it, along a copy's life: never more than was listed and stored.

import { expect, test } from 'vitest';
import { World } from '../world.ts';

const minute = 60_000;
const day = 24 * 60 * minute;

async function through(world: World): Promise<string | null> {
  const { rows } = await world.pool.query<{ at: Date | null }>('select twilio.data_complete_through() as at');
  return rows[0]?.at?.toISOString() ?? null;
}

const iso = (ms: number) => new Date(ms).toISOString();
const dayOf = (ms: number) => iso(ms).slice(0, 10);

/** Whole up to now: the API's clock, told in whole seconds, and the tests' waits are seconds behind it at most. */
async function expectInSync(world: World): Promise<void> {
  const behindMs = world.nowMs - Date.parse((await through(world)) ?? '');
  expect(behindMs).toBeGreaterThanOrEqual(0);
  expect(behindMs).toBeLessThan(10_000);
}

interface Day {
  listed: boolean;
  stored: number;
  open: number;
  quarantined: number;
  awaited: number;
  deleted: number;
}

async function coverage(world: World): Promise<Map<string, Day>> {
  const { rows } = await world.pool.query<Day & { day: string }>(
    `select day::text, listed_completely_at is not null as listed, stored::int, open::int, quarantined::int, awaited::int, deleted::int
     from twilio.coverage where day < (to_timestamp($1) at time zone 'UTC')::date`,
    [world.nowMs / 1000],
  );
  return new Map(rows.map(({ day: at, ...rest }) => [at, rest]));
}

const listed = async (world: World) => [...(await coverage(world)).values()].filter((each) => each.listed).length;

test('null while history is loaded, then up to the last listing', async () => {
  await using world = await World.open({ conversations: 200, days: 60 });
  expect(await through(world)).toBe(null);
  expect(await coverage(world)).toEqual(new Map());
  // The last ten minutes, in which nothing began, are listed; history gets no further than its first detail.
  world.simulator.faults.add({ on: 'detail', fault: { kind: 'status', status: 503 } });
  await expect(world.pass('new')).rejects.toThrow('no detail can be fetched');
  const { rows } = await world.pool.query('select from twilio_sync.windows where completed_at is not null');
  expect(rows).toHaveLength(1);
  expect(await through(world)).toBe(null);
  expect((await coverage(world)).size).toBe(120);
  expect(await listed(world)).toBe(0);
  world.simulator.faults.clear();
  // The first to fail are in quarantine for a minute.
  world.nowMs += 61_000;
  await world.sync();
  await expectInSync(world);
  expect(await listed(world)).toBe(120);
  const days = await coverage(world);
  const created = Map.groupBy(world.source.all(), ({ createdAt }) => createdAt.slice(0, 10));
  for (const [at, { stored }] of days) expect(stored, at).toBe(created.get(at)?.length ?? 0);
});

test('stays where it was while a listing fails, and while the worker is away', async () => {
  await using world = await World.open({ conversations: 50, days: 20 });
  await world.sync();
  const before = await through(world);
  world.nowMs += 2 * day;
  expect(await through(world)).toBe(before);
  world.simulator.faults.add({ on: 'list', widerThanSeconds: 700, fault: { kind: 'status', status: 500 } });
  expect((await world.pass('new')).incomplete).not.toEqual([]);
  expect(await through(world)).toBe(before);
  expect((await coverage(world)).get(dayOf(world.nowMs - day))).toMatchObject({ listed: false });
  world.simulator.faults.clear();
  await world.pass('new');
  await expectInSync(world);
  expect((await coverage(world)).get(dayOf(world.nowMs - day))).toMatchObject({ listed: true });
});

test('null again under other filters, and where history is to begin earlier', async () => {
  const start = Date.UTC(2026, 5, 15, 10) / 1000 - 40 * 86_400;
  await using world = await World.open({ conversations: 100, days: 60, settings: { start } });
  await world.sync();
  await expectInSync(world);
  expect(await listed(world)).toBe(40);
  await world.restart({ settings: { start: start - 20 * 86_400 } });
  await world.context();
  expect(await through(world)).toBe(null);
  expect(await listed(world)).toBe(39);
  await world.sync();
  await expectInSync(world);
  expect(await listed(world)).toBe(60);
  await world.restart({ filters: { channels: ['VOICE'] } });
  await world.context();
  expect(await through(world)).toBe(null);
  expect(await listed(world)).toBe(0);
  await world.sync();
  await expectInSync(world);
});

test('is held back by what was listed and is not stored, not by what is not there', async () => {
  await using world = await World.open({ conversations: 50, days: 20 });
  const [bad = '', ghost = '', unreadable = ''] = [20, 25, 30].map((place) => world.source.ids()[place]);
  const at = (id: string) => world.source.get(id).createdAt;
  const dayOfBad = at(bad).slice(0, 10);
  world.simulator.faults.add({ on: 'detail', id: bad, fault: { kind: 'status', status: 500 } });
  world.simulator.faults.add({ on: 'detail', id: ghost, fault: { kind: 'status', status: 404 } });
  // Its list item cannot be read, nor can its detail; the second it was created in can.
  world.source.put({ ...world.source.get(unreadable), updatedAt: 'yesterday' });
  await world.pass('new', 'lookback');
  const held = iso(Date.parse(`${at(bad).slice(0, 19)}Z`));
  expect(await through(world)).toBe(held);
  expect((await coverage(world)).get(dayOfBad)).toMatchObject({ listed: true, quarantined: 1 });

  world.simulator.faults.clear();
  world.simulator.faults.add({ on: 'detail', id: ghost, fault: { kind: 'status', status: 404 } });
  world.nowMs += 1.5 * minute;
  await world.pass('new');
  expect(await through(world)).toBe(iso(Date.parse(`${at(ghost).slice(0, 19)}Z`)));
  // Asked for four times, it counts as gone.
  for (let again = 0; again < 3; again += 1) {
    world.nowMs += 1.5 * minute;
    await world.pass('new');
  }
  expect(await through(world)).toBe(iso(Date.parse(`${at(unreadable).slice(0, 19)}Z`)));
  const { rows } = await world.pool.query('select conversation_id as id from twilio_sync.quarantine');
  expect(rows).toEqual([{ id: unreadable }]);

  world.source.put({ ...world.source.get(unreadable), updatedAt: at(unreadable) });
  await world.sync({ reconcile: true });
  await world.pass('new');
  await expectInSync(world);
});

test('counts by day what is stored, open, deleted, and in quarantine with an earlier version', async () => {
  await using world = await World.open({ conversations: 40, days: 10 });
  await world.sync();
  const [gone = '', worse = '', reopened = ''] = world.source.ids().slice(10);
  const dayOfId = (id: string) => world.source.get(id).createdAt.slice(0, 10);
  const [goneDay, worseDay, reopenedDay] = [gone, worse, reopened].map(dayOfId);
  const before = await coverage(world);
  world.source.remove(gone);
  world.source.say(worse, 'More');
  world.source.reopen(reopened);
  world.simulator.faults.add({ on: 'detail', id: worse, fault: { kind: 'status', status: 500 } });
  await world.sync({ reconcile: true });
  const after = await coverage(world);
  const sum = (days: Map<string, Day>, what: 'stored' | 'open' | 'quarantined' | 'awaited' | 'deleted') =>
    [...days.values()].reduce((total, each) => total + each[what], 0);
  expect(sum(after, 'stored')).toBe(sum(before, 'stored') - 1);
  expect(after.get(goneDay ?? '')?.deleted).toBe(1);
  expect(after.get(worseDay ?? '')).toMatchObject({ quarantined: 1, awaited: 0 });
  expect(after.get(reopenedDay ?? '')?.open).toBe((before.get(reopenedDay ?? '')?.open ?? 0) + 1);
  await world.pass('new');
  await expectInSync(world);
});

test('a conversation of a day to come has that day', async () => {
  await using world = await World.open({ conversations: 10, days: 5 });
  world.source.create({ createdAt: '2999-01-01T00:00:00Z' });
  await world.sync();
  await world.fetch(world.source.ids());
  const { rows } = await world.pool.query(
    `select day::text, listed_completely_at as at, stored::int from twilio.coverage where day > now()::date`,
  );
  expect(rows).toEqual([{ day: '2999-01-01', at: null, stored: 1 }]);
  await expectInSync(world);
});
