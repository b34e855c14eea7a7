// A start of history that lies a duration back: it moves by whole days with each reconcile, what it leaves behind stays and
// is not missed, and what a longer one adds is loaded.

import { expect, test } from 'vitest';
import { preview } from '../../src/sync/once.ts';
import { World } from '../world.ts';

const minute = 60_000;
const day = 24 * 60 * minute;
const back = (days: number) => ({ settings: { history: { secondsBack: days * 86_400 }, refreshSeconds: [] } });

async function historyFrom(world: World): Promise<string> {
  const { rows } = await world.pool.query<{ at: Date }>('select history_from as at from twilio_sync.scope');
  return rows[0]?.at.toISOString() ?? '';
}

async function isWhole(world: World): Promise<boolean> {
  const { rows } = await world.pool.query<{ whole: boolean }>(
    'select twilio.data_complete_through() > to_timestamp($1) as whole',
    [world.nowMs / 1000 - 10],
  );
  return rows[0]?.whole === true;
}

/** The earliest instant that was asked for since the last reset, to the second that a slice asks beyond its edges. */
function askedFrom(world: World): string {
  const bounds = world.simulator.requests.listQueries().flatMap((query) => query.get('createdAtAfter') ?? []);
  return new Date(Math.min(...bounds.map((at) => Date.parse(at))) + 1000).toISOString();
}

const since = (world: World, iso: string) => world.source.all().filter(({ createdAt }) => createdAt >= iso);

async function ids(world: World): Promise<string[]> {
  const { rows } = await world.pool.query<{ id: string }>('select id from twilio.conversations order by id');
  return rows.map(({ id }) => id);
}

test('moves with each reconcile and not between them; what lies before it stays, and is not missed', async () => {
  await using world = await World.open({ conversations: 200, days: 40, ...back(30) });
  await world.sync();
  expect(await historyFrom(world)).toBe('2026-05-16T00:00:00.000Z');
  const stored = since(world, '2026-05-16').map(({ id }) => id);
  expect(stored.length).toBeLessThan(200);
  expect(await ids(world)).toEqual(stored.toSorted());

  // The source drops what is older than the start will be; it is no deletion, and nothing for the brake.
  for (const { id, createdAt } of world.source.all()) if (createdAt < '2026-05-20') world.source.remove(id);
  world.nowMs += 4 * day;
  world.simulator.requests.reset();
  await world.pass('new', 'open', 'lookback');
  expect(await historyFrom(world)).toBe('2026-05-16T00:00:00.000Z');
  expect((await world.pass('reconcile')).incomplete).toEqual([]);
  expect(await historyFrom(world)).toBe('2026-05-20T00:00:00.000Z');
  expect(askedFrom(world)).toBe('2026-05-20T00:00:00.000Z');
  expect(world.simulator.requests.detailIds()).toEqual([]);
  expect(await ids(world)).toEqual(stored.toSorted());
  expect(await isWhole(world)).toBe(true);
  const { rows } = await world.pool.query('select from twilio.conversations where deleted_at is not null');
  expect(rows).toEqual([]);

  // Nor is it drift.
  expect(await world.verify('full')).toMatchObject({ findings: [] });
  const sampled = await world.verify(200);
  expect(sampled).toMatchObject({ checked: since(world, '2026-05-20').length, findings: [] });
});

test('what is noted of windows does not grow with the days', async () => {
  await using world = await World.open({ conversations: 30, days: 50, ...back(45) });
  await world.sync();
  const counts: number[] = [];
  for (let days = 0; days < 4; days += 1) {
    world.nowMs += day;
    await world.pass('new', 'lookback', 'reconcile');
    const { rows } = await world.pool.query('select from twilio_sync.windows');
    counts.push(rows.length);
  }
  expect(new Set(counts.slice(1)).size, `windows after each day: ${counts.join(', ')}`).toBe(1);
  expect(await isWhole(world)).toBe(true);
});

test('a longer one, or one in place of a date, loads what is missing and nothing else', async () => {
  const start = Date.UTC(2026, 5, 5) / 1000;
  await using world = await World.open({ conversations: 100, days: 40, settings: { start, refreshSeconds: [] } });
  await world.sync();
  for (const [days, from] of [
    [20, '2026-05-26'],
    [35, '2026-05-11'],
  ] as const) {
    const before = await ids(world);
    await world.restart(back(days));
    await world.context();
    expect(await isWhole(world)).toBe(false);
    world.simulator.requests.reset();
    await world.sync();
    const missing = since(world, from).filter(({ id }) => !before.includes(id));
    expect(missing.length).toBeGreaterThan(0);
    expect(world.simulator.requests.detailIds().toSorted()).toEqual(missing.map(({ id }) => id).toSorted());
    expect(await isWhole(world)).toBe(true);
  }
});

test('a dry run goes by it', async () => {
  await using world = await World.open({ conversations: 100, days: 40, ...back(30) });
  const context = await world.context();
  const { wouldFetch } = await preview(context, 'reconcile', AbortSignal.timeout(60_000));
  expect(wouldFetch).toBe(since(world, '2026-05-16').length);
});
