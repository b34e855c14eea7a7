// A list that cannot be had, whole or in part: what is pending does not pile up, what is new goes first once it can be had
// again, and nothing falls between a sweep and the one that replaces it.

import { expect, test } from 'vitest';
import type { Sweep } from '../../src/sync/model.ts';
import { pass } from '../../src/sync/pass.ts';
import { World } from '../world.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const unavailable = { on: 'list', fault: { kind: 'status', status: 503 } } as const;

/** Unfinished sweeps, by kind. */
async function unfinished(world: World): Promise<Partial<Record<Sweep, number>>> {
  const { rows } = await world.pool.query<{ sweep: Sweep; count: number }>(
    'select sweep, count(*)::int as count from twilio_sync.sweeps where ended_at is null group by sweep',
  );
  return Object.fromEntries(rows.map(({ sweep, count }) => [sweep, count]));
}

/** The kinds of the windows that were completed, in their order, each run of one kind once. */
const completed = (world: World) =>
  world.completed.map(({ sweep }) => sweep).filter((sweep, at, all) => sweep !== all[at - 1]);

async function whole(world: World): Promise<void> {
  expect(await world.differences()).toEqual([]);
  const { rows } = await world.pool.query<{ behind: number }>(
    'select $1::float8 - extract(epoch from twilio.data_complete_through())::float8 as behind',
    [world.nowMs / 1000],
  );
  expect(rows[0]?.behind).toBeLessThan(10);
}

test('eight hours without a list leave one unfinished sweep of each kind, and what is new is listed first after them', async () => {
  const settings = { start: Date.UTC(2026, 4, 25) / 1000 };
  await using world = await World.open({ conversations: 60, days: 20, settings });
  world.source.create({ status: 'ACTIVE', createdAt: new Date(world.nowMs - hour).toISOString() });
  await world.sync();
  world.simulator.faults.add(unavailable);
  for (let tick = 0; tick < 8; tick += 1) {
    world.nowMs += hour;
    await world.pass('new', 'open', 'lookback', ...(tick % 3 === 0 ? (['reconcile'] as const) : []));
    expect(await unfinished(world), `after tick ${tick}`).toEqual({ new: 1, open: 1, lookback: 1, reconcile: 1 });
  }
  world.source.create();
  world.nowMs += minute;
  world.simulator.faults.clear();
  world.completed.length = 0;
  await world.pass('new', 'open', 'lookback');
  expect(completed(world)).toEqual(['new', 'open', 'lookback', 'reconcile']);
  expect(await unfinished(world)).toEqual({});
  await whole(world);
});

test('an outage that begins before anything was listed leaves no history in pieces', async () => {
  await using world = await World.open({ conversations: 20, days: 10 });
  const { api } = await world.context();
  await api.proveBounds(0, AbortSignal.timeout(60_000));
  world.simulator.faults.add(unavailable);
  for (let tick = 0; tick < 12; tick += 1) {
    world.nowMs += 5 * minute;
    await world.pass('new', ...(tick % 3 === 0 ? (['lookback'] as const) : []));
  }
  expect(await unfinished(world)).toEqual({ new: 1, lookback: 1, backfill: 1 });
  world.simulator.faults.clear();
  await world.sync();
  await whole(world);
});

test('what a replaced sweep had not listed is history, listed or not; what it had is not listed again', async () => {
  await using world = await World.open({ conversations: 20, days: 10 });
  await world.sync();
  const away = world.nowMs;
  for (let days = 1; days <= 61; days += 1) {
    world.nowMs = away + days * day;
    world.source.create();
  }
  world.nowMs += minute;
  // Three windows of `new`: of the newest, all down to one second can be listed, of the next nothing.
  const bad = world.nowMs - 10.2 * day;
  const never = { fromMs: world.nowMs - 59 * day, toMs: world.nowMs - 31 * day };
  world.simulator.faults.add({ ...unavailable, meeting: { fromMs: bad, toMs: bad + 1 } });
  world.simulator.faults.add({ ...unavailable, meeting: never });
  for (let tick = 0; tick < 5; tick += 1) {
    await world.pass('new');
    world.nowMs += minute;
  }
  world.simulator.requests.reset();
  await world.pass('new');
  expect(await unfinished(world)).toMatchObject({ backfill: expect.any(Number) });
  const { rows } = await world.pool.query<{ from: number; to: number }>(
    `select extract(epoch from from_at)::float8 * 1000 as from, extract(epoch from cursor)::float8 * 1000 as to
     from twilio_sync.windows where completed_at is null order by cursor desc`,
  );
  const pending = (atMs: number) => rows.some(({ from, to }) => from <= atMs && atMs < to);
  expect([bad, never.fromMs, never.toMs - minute].map(pending)).toEqual([true, true, true]);
  expect([bad + hour, away + minute, world.nowMs - 5 * day].map(pending)).toEqual([false, false, false]);
  const asked = world.simulator.requests.listQueries().map((query) => Date.parse(query.get('createdAtBefore') ?? ''));
  expect(asked.filter((before) => before > bad + hour && before < world.nowMs - hour)).toEqual([]);
  world.simulator.faults.clear();
  await world.sync();
  await whole(world);
});

test('a sweep that gets on is finished before another of its kind, and says nothing of what has come since', async () => {
  await using world = await World.open({ conversations: 60, days: 2 });
  const stop = new AbortController();
  const context = await world.context();
  const { load } = context.store;
  context.store = {
    ...context.store,
    async load(...batch) {
      const loaded = await load(...batch);
      stop.abort(new Error('stopped'));
      return loaded;
    },
  };
  context.requests.sweeps.add('lookback');
  await expect(pass(context, stop.signal)).rejects.toThrow('stopped');
  await world.restart();
  const { id } = world.source.create();
  world.nowMs += minute;
  await world.pass('lookback');
  const { rows } = await world.pool.query('select from twilio.conversations where id = $1', [id]);
  expect(rows).toHaveLength(1);
  expect(await unfinished(world)).toEqual({});
});
