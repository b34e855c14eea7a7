// What goes wrong, and what must not follow from it: one bad conversation costs no other, one bad window stops no other,
// and nothing is believed to be deleted that only was not shown.

import { describe, expect, test } from 'vitest';
import { World } from '../world.ts';

const minute = 60_000;
const day = 24 * 60 * minute;

async function quarantine(world: World) {
  const { rows } = await world.pool.query<{ conversation_id: string; reason: string; attempts: number }>(
    'select conversation_id, reason, attempts from twilio_sync.quarantine order by conversation_id',
  );
  return rows;
}

async function deleted(world: World): Promise<number> {
  const { rows } = await world.pool.query<{ count: number }>(
    'select count(*)::int as count from twilio.conversations where deleted_at is not null',
  );
  return rows[0]?.count ?? 0;
}

describe('the deletion brake', () => {
  test.each([
    ['nothing', 200],
    ['half', 200],
  ] as const)('holds where the list suddenly shows %s', async (lists, conversations) => {
    await using world = await World.open({ conversations, days: 60 });
    await world.sync();
    world.simulator.turn({ lists });
    world.simulator.requests.reset();
    const counts = await world.pass('lookback', 'reconcile');
    expect(counts.incomplete).toEqual([expect.stringMatching(/^reconcile: .* none was checked/)]);
    // The lookback's few are within what may really be deleted: looked at, and found to be there.
    expect(world.simulator.requests.detailIds().length).toBeLessThanOrEqual(20);
    // Also for a process that has just started, and has nothing to prove a bound by.
    await world.restart();
    expect((await world.pass('reconcile')).incomplete).toHaveLength(1);
    expect(await deleted(world)).toBe(0);
    world.simulator.turn({ lists: 'all' });
    expect((await world.pass('reconcile')).incomplete).toEqual([]);
    expect(await world.differences()).toEqual([]);
  });

  test('lets few deletions through, and many when told to', async () => {
    await using world = await World.open({ conversations: 200, days: 60 });
    await world.sync();
    for (const id of world.source.ids().slice(0, 10)) world.source.remove(id);
    await world.pass('reconcile');
    expect(await deleted(world)).toBe(10);
    for (const id of world.source.ids().slice(0, 100)) world.source.remove(id);
    expect((await world.pass('reconcile')).incomplete).toHaveLength(1);
    expect(await deleted(world)).toBe(10);
    await world.restart({ settings: { allowMassDelete: true } });
    expect((await world.pass('reconcile')).incomplete).toEqual([]);
    expect(await deleted(world)).toBe(110);
    expect(await world.differences()).toEqual([]);
  });

  test('a conversation that is not listed but still there is not deleted, and asked for ever more rarely', async () => {
    await using world = await World.open({ conversations: 20, days: 2, settings: { refreshSeconds: [] } });
    await world.sync();
    world.simulator.turn({ lists: 'half' });
    world.simulator.requests.reset();
    await world.pass('lookback');
    const asked = world.simulator.requests.detailIds();
    expect(asked.length).toBeGreaterThan(3);
    world.nowMs += 15 * minute;
    await world.pass('lookback');
    expect(world.simulator.requests.detailIds()).toEqual(asked);
    world.nowMs += day;
    await world.pass('lookback');
    expect(world.simulator.requests.detailIds()).toHaveLength(2 * asked.length);
    expect(await deleted(world)).toBe(0);
  });
});

describe('filters', () => {
  test('narrowed and widened again: nothing is deleted, everything is listed anew', async () => {
    await using world = await World.open({ conversations: 150, days: 40 });
    await world.sync();
    const voice = world.source.all().filter(({ channels }) => channels?.includes('VOICE')).length;
    expect(voice).toBeGreaterThan(10);
    await world.restart({ filters: { channels: ['VOICE'] } });
    world.simulator.requests.reset();
    expect(await world.sync({ reconcile: true })).toMatchObject({ incomplete: [], fetched: 0 });
    expect(world.simulator.requests.listQueries().every((query) => query.get('channels') === 'VOICE')).toBe(true);
    await world.restart({ filters: {} });
    expect(await world.sync({ reconcile: true })).toMatchObject({ incomplete: [], fetched: 0 });
    expect(await deleted(world)).toBe(0);
    expect(await world.differences()).toEqual([]);
  });

  test('by operator, which no column tells: what it no longer shows is not missed', async () => {
    await using world = await World.open({ conversations: 150, days: 40 });
    await world.sync();
    await world.restart({ filters: { operatorIds: ['intelligence_operator_nobody_has'] } });
    expect(await world.sync({ reconcile: true })).toMatchObject({ incomplete: [], fetched: 0 });
    expect(await deleted(world)).toBe(0);
  });

  test('only what they let through is stored', async () => {
    await using world = await World.open({
      conversations: 100,
      days: 40,
      filters: { status: 'CLOSED' },
      settings: { status: 'CLOSED' },
    });
    world.source.create({ status: 'ACTIVE', createdAt: new Date(world.nowMs - 3_600_000).toISOString() });
    await world.sync();
    const closed = world.source.all().filter(({ status }) => status === 'CLOSED');
    expect(closed.length).toBeLessThanOrEqual(100);
    const { rows } = await world.pool.query('select id from twilio.conversations order by id');
    expect(rows.map(({ id }) => id)).toEqual(closed.map(({ id }) => id).sort());
  });
});

describe('quarantine', () => {
  test('a detail that cannot be had costs no other, and is tried again with growing waits', async () => {
    await using world = await World.open({ conversations: 30, days: 10 });
    const bad = world.source.ids()[7] ?? '';
    world.simulator.faults.add({ on: 'detail', id: bad, fault: { kind: 'status', status: 500 } });
    const counts = await world.sync();
    expect(counts.failed).toBe(1);
    expect(await quarantine(world)).toEqual([
      { conversation_id: bad, reason: expect.stringContaining('500'), attempts: 1 },
    ]);
    expect(await world.differences()).not.toEqual([]);
    world.simulator.requests.reset();
    await world.sync({ reconcile: true });
    expect(world.simulator.requests.detailIds()).toEqual([]);
    world.nowMs += 2 * minute;
    await world.pass();
    expect(await quarantine(world)).toMatchObject([{ attempts: 2 }]);
    // At once when its list item changes, and then it is well again.
    world.simulator.faults.clear();
    world.source.say(bad, 'Hello?');
    await world.pass('reconcile');
    expect(await quarantine(world)).toEqual([]);
    expect(await world.differences()).toEqual([]);
  });

  test('its previous whole version stays', async () => {
    await using world = await World.open({ conversations: 30, days: 10 });
    await world.sync();
    const before = await world.differences();
    const bad = world.source.ids()[3] ?? '';
    const whole = world.source.get(bad);
    world.source.put({ ...whole, name: 'Changed', communications: [{ id: 5 as unknown as string }] });
    await world.sync({ reconcile: true });
    expect(await quarantine(world)).toMatchObject([
      { conversation_id: bad, reason: expect.stringContaining('communications.0.id') },
    ]);
    world.source.put(whole);
    expect(await world.differences()).toEqual(before);
  });

  test('listed again, it is no longer missing: a passing 404 does not mark it deleted', async () => {
    await using world = await World.open({ conversations: 8, days: 4 });
    await world.sync();
    const [id = ''] = world.source.ids();
    world.source.say(id, 'Not to be had yet');
    const fault = world.simulator.faults.add({ on: 'detail', id, fault: { kind: 'status', status: 500 } });
    await world.pass('reconcile');
    await world.pool.query(
      `insert into twilio_sync.due (conversation_id, reason, due_at) values ($1, 'missing', 'infinity')`,
      [id],
    );
    await world.pass('reconcile');
    fault.remove();
    world.simulator.faults.add({ on: 'detail', id, fault: { kind: 'status', status: 404 }, times: 1 });
    await world.pool.query('update twilio_sync.due set due_at = to_timestamp(0) where conversation_id = $1', [id]);
    await world.pass('new');
    const deleted = await world.pool.query('select from twilio.conversations where deleted_at is not null');
    expect(deleted.rowCount).toBe(0);
    world.nowMs += 60_000;
    await world.sync();
    expect(await world.differences()).toEqual([]);
  });

  test('a conversation that Postgres refuses stands alone in the end', async () => {
    await using world = await World.open({ conversations: 60, days: 10 });
    const bad = world.source.ids()[20] ?? '';
    world.source.put({ ...world.source.get(bad), channelIds: ['x'.repeat(3000)] });
    const counts = await world.sync();
    expect(await quarantine(world)).toEqual([
      { conversation_id: bad, reason: 'channelIds: a key of 3044 bytes, at most 2600 can be stored', attempts: 1 },
    ]);
    expect(counts.changed).toBe(59);
  });

  test('a detail that is cut every time is its own trouble', async () => {
    await using world = await World.open({ conversations: 30, days: 10 });
    const [cut = '', reset = ''] = world.source.ids();
    world.simulator.faults.add({ on: 'detail', id: cut, fault: { kind: 'truncate', how: 'length' } });
    world.simulator.faults.add({ on: 'detail', id: reset, fault: { kind: 'reset', at: 'body' } });
    const counts = await world.sync();
    expect((await quarantine(world)).map(({ conversation_id }) => conversation_id)).toEqual([cut, reset].sort());
    expect(counts.changed).toBe(28);
  });

  test("an API that gives no detail at all is the pass's trouble, not theirs", async () => {
    await using world = await World.open({ conversations: 30, days: 10 });
    await world.sync();
    for (const id of world.source.ids()) world.source.say(id, 'More');
    world.simulator.faults.add({ on: 'detail', fault: { kind: 'status', status: 503 } });
    await expect(world.sync({ reconcile: true })).rejects.toThrow('the API answers 503');
    expect(await quarantine(world)).toEqual([]);
    world.simulator.faults.clear();
    await world.sync();
    expect(await world.differences()).toEqual([]);
  });

  test('an item without an id is kept in sight under its hash', async () => {
    await using world = await World.open({ conversations: 30, days: 10 });
    const { id: _id, ...nameless } = world.source.get(world.source.ids()[5] ?? '');
    world.source.put(nameless as typeof nameless & { id: string });
    await world.sync();
    expect(await quarantine(world)).toEqual([
      { conversation_id: expect.stringMatching(/^item:/), reason: expect.stringContaining('id'), attempts: 1 },
    ]);
  });

  test('a body past 8 MB is fetched alone; one past 64 MB is not held', async () => {
    await using world = await World.open({ conversations: 20, days: 10 });
    const [large = '', huge = ''] = world.source.ids();
    world.simulator.faults.add({ on: 'detail', id: large, fault: { kind: 'huge', bytes: 12_000_000 } });
    world.simulator.faults.add({ on: 'detail', id: huge, fault: { kind: 'huge', bytes: 100_000_000 } });
    await world.sync();
    expect(await quarantine(world)).toEqual([
      { conversation_id: huge, reason: 'the detail is larger than 64 MB', attempts: 1 },
    ]);
    const { rows } = await world.pool.query(
      'select length(extra::text) as bytes from twilio.conversations where id = $1',
      [large],
    );
    expect(rows[0]?.bytes).toBeGreaterThan(12_000_000);
  });
});

describe('windows', () => {
  test('too wide for the server: shorter slices are asked for', async () => {
    await using world = await World.open({
      conversations: 100,
      days: 10,
      settings: { start: Date.UTC(2026, 5, 1) / 1000 },
    });
    world.simulator.faults.add({ on: 'list', widerThanSeconds: 3 * 3600, fault: { kind: 'status', status: 504 } });
    await world.sync();
    expect(await world.differences()).toEqual([]);
  });

  test('one that cannot be listed stays pending, is reported, and stops no other', async () => {
    await using world = await World.open({ conversations: 100, days: 60 });
    await world.sync();
    for (const id of world.source.ids()) world.source.say(id, 'More');
    // Five attempts a request, and a request for each of three restarts.
    world.simulator.faults.add({ on: 'list', fault: { kind: 'status', status: 500 }, times: 20 });
    const counts = await world.pass('reconcile');
    expect(counts.incomplete).toEqual([expect.stringMatching(/^reconcile: .*500/)]);
    expect(counts.changed).toBeGreaterThan(40);
    const { rows } = await world.pool.query(
      'select failures, error from twilio_sync.windows where completed_at is null',
    );
    expect(rows).toEqual([{ failures: 1, error: expect.stringContaining('500') }]);
    expect((await world.pass()).incomplete).toEqual([]);
    expect(await world.differences()).toEqual([]);
  });
});
