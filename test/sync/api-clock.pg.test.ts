// The API's time, where its answers tell it wrong: nothing is ever complete beyond what was listed, and nothing that is
// created meanwhile waits for a reconcile.

import { describe, expect, test } from 'vitest';
import { World } from '../world.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

async function latest(world: World): Promise<number> {
  const { rows } = await world.pool.query<{ at: number }>(
    'select extract(epoch from max(to_at))::float8 as at from twilio_sync.windows',
  );
  return rows[0]?.at ?? Number.NaN;
}

async function through(world: World): Promise<number> {
  const { rows } = await world.pool.query<{ at: number }>(
    'select extract(epoch from twilio.data_complete_through())::float8 as at',
  );
  return rows[0]?.at ?? Number.NaN;
}

async function stored(world: World, id: string): Promise<boolean> {
  const { rowCount } = await world.pool.query('select from twilio.conversations where id = $1', [id]);
  return rowCount === 1;
}

const create = (world: World, agoMs: number) =>
  world.source.create({ createdAt: new Date(world.nowMs - agoMs).toISOString() }).id;

describe.each([
  ['the first answer', 1],
  ['the second', 2],
  ['the third', 3],
  ['the last of a start', 4],
])('%s of a process is a day ahead', (_which, nth) => {
  test('nothing is complete tomorrow, and what is created meanwhile is listed as new', async () => {
    const settings = { lookbackSeconds: 3600 };
    await using world = await World.open({ conversations: 30, days: 5, settings });
    await world.sync();
    await world.restart();
    world.simulator.faults.add({ on: 'any', nth, fault: { kind: 'date', offsetMs: day } });
    await world.pass('new');
    expect(await latest(world)).toBeLessThanOrEqual(world.nowMs / 1000);
    expect(await through(world)).toBeLessThanOrEqual(world.nowMs / 1000);
    world.simulator.faults.clear();
    world.nowMs += 5 * hour;
    const ids = [create(world, 2 * hour), create(world, 3 * hour)];
    await world.pass('new', 'lookback');
    for (const id of ids) expect(await stored(world, id)).toBe(true);
    expect(await world.differences()).toEqual([]);
  });
});

test('an answer in mid-life that is a day ahead moves nothing', async () => {
  await using world = await World.open({ conversations: 30, days: 5, settings: { lookbackSeconds: 3600 } });
  await world.sync();
  const { api } = await world.context();
  for (const offsetMs of [day, -day, 2 * minute, -2 * minute]) {
    world.simulator.faults.add({ on: 'detail', fault: { kind: 'date', offsetMs }, times: 1 });
    await api.detail(world.source.ids()[0] ?? '', 1_000_000, new AbortController().signal);
    world.nowMs += minute;
    expect(api.now()).toBe(Math.floor(world.nowMs / 1000));
    await world.pass('new');
    expect(await latest(world)).toBe(Math.floor(world.nowMs / 1000));
  }
  expect(await world.differences()).toEqual([]);
});

test('answers that never agree end the pass with what they say, and it plans nothing', async () => {
  await using world = await World.open({ conversations: 30, days: 5 });
  let nth = 0;
  const rules = Array.from({ length: 60 }, () => {
    nth += 1;
    return { on: 'any', nth, fault: { kind: 'date', offsetMs: nth * 2 * minute } } as const;
  });
  for (const rule of rules) world.simulator.faults.add(rule);
  await expect(world.pass('new')).rejects.toThrow(
    /^the API's answers do not agree on the time: 2026-06-15T10:\d\d:00Z, /,
  );
  expect(world.simulator.requests.byEndpoint.list).toBeLessThan(20);
  expect((await world.pool.query('select from twilio_sync.windows')).rowCount).toBe(0);
  world.simulator.faults.clear();
  await world.sync();
  expect(await world.differences()).toEqual([]);
});

test('answers that all come out of a cache tell no time', async () => {
  await using world = await World.open({ conversations: 30, days: 5 });
  world.simulator.faults.add({ on: 'list', fault: { kind: 'date', offsetMs: -10 * minute, age: 600 } });
  await expect(world.pass('new')).rejects.toThrow(/came from a cache \(they have an Age header\)/);
});

test('after the machine was suspended the second pass goes by the new time', async () => {
  await using world = await World.open({ conversations: 30, days: 5 });
  await world.sync();
  // The monotonic clock stood still: only the API's has gone on.
  world.simulator.turn({ dateOffsetMs: 8 * hour });
  const { id } = world.source.create({ createdAt: new Date(world.nowMs + 7 * hour).toISOString() });
  await world.pass('new');
  expect(await stored(world, id)).toBe(false);
  await world.pass('new');
  expect(await stored(world, id)).toBe(true);
});

test('a window that was planned by a clock that was ahead ends where its listing did', async () => {
  await using world = await World.open({ conversations: 30, days: 5 });
  await world.sync();
  const now = world.nowMs / 1000;
  await world.pool.query(
    `with made as (insert into twilio_sync.sweeps (sweep) values ('new') returning id)
     insert into twilio_sync.windows (sweep_id, sweep, from_at, to_at, cursor)
     select id, 'new', to_timestamp($1), to_timestamp($2), to_timestamp($2) from made`,
    [now - 600, now + 86_400],
  );
  await world.restart();
  await world.pass();
  expect(await latest(world)).toBe(now);
  expect(await through(world)).toBe(now);
});

test('a window that was completed in the future is not believed: what is new since is listed, and it is withdrawn', async () => {
  await using world = await World.open({ conversations: 30, days: 5, settings: { lookbackSeconds: 3600 } });
  await world.sync();
  world.nowMs += minute;
  await world.pass('new');
  await world.pool.query(`update twilio_sync.windows set to_at = to_at + interval '1 day' where sweep = 'new'`);
  expect(await through(world)).toBeGreaterThan(world.nowMs / 1000 + 3600);
  world.nowMs += 5 * hour;
  const ids = [create(world, 2 * hour), create(world, 3 * hour)];
  await world.pass('new');
  for (const id of ids) expect(await stored(world, id)).toBe(true);
  expect(await latest(world)).toBe(world.nowMs / 1000);
  expect(await through(world)).toBe(world.nowMs / 1000);
  // Nothing of it is listed once more.
  world.simulator.requests.reset();
  await world.pass();
  expect(world.simulator.requests.byEndpoint.list).toBe(0);
});
