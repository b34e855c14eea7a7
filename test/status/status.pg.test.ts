// How things stand, as the database tells it: of nothing, of a copy made by real passes, and of what those left undone.

import { expect, test } from 'vitest';
import { openDatabase } from '../../src/postgres/database.ts';
import { nowInMicroseconds } from '../../src/postgres/instant.ts';
import { judge } from '../../src/status/judge.ts';
import { readSnapshot } from '../../src/status/snapshot.ts';
import { codes, documentOf } from '../readme.ts';
import { World, type WorldOptions } from '../world.ts';

/** A world, and how it says things stand. */
async function open(options: WorldOptions = {}) {
  const world = await World.open(options);
  const database = openDatabase(world.database.connection);
  return {
    world,
    /** As `status --json` prints it. */
    async read() {
      const { evidence, ...facts } = await database.run(readSnapshot);
      const known = { facts: { ...facts, evidence }, databaseTrouble: null, process: null, isTooOld: () => false };
      return { ...judge(known), ...facts };
    },
    sql: (text: string) => world.pool.query(text),
    async [Symbol.asyncDispose]() {
      await database.close();
      await world[Symbol.asyncDispose]();
    },
  };
}

test('of an empty database', async () => {
  await using stage = await open();
  const found = await stage.read();
  expect(found).toMatchObject({
    state: 'empty',
    accountSid: null,
    listedUpTo: null,
    progress: null,
    conversations: 0,
    days: [],
    runs: [],
    lastRun: null,
  });
  expect(found.hours).toHaveLength(48);
  expect(found.at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
});

test('of a copy: every day of history, and what was stored in this hour', async () => {
  await using stage = await open({ conversations: 90, days: 30 });
  const { world } = stage;
  await world.pass('new', 'open', 'lookback');
  const found = await stage.read();
  expect(found).toMatchObject({ state: 'in_sync', reason: null, conversations: 90, pendingWindows: [], quarantine: 0 });
  expect(found.listedUpTo).toBe('2026-06-15T10:00:00Z');
  const byDay = new Map(found.days.map((day) => [day.day, day]));
  const real = Map.groupBy(world.source.all(), ({ createdAt }) => String(createdAt).slice(0, 10));
  expect(real.size).toBeGreaterThan(20);
  for (const [day, conversations] of real) expect(byDay.get(day)?.stored, day).toBe(conversations.length);
  expect(byDay.get('2026-05-20')?.listedCompletelyAt).not.toBe(null);
  expect(found.days.reduce((sum, { open: count }) => sum + count, 0)).toBe(found.open);
  const [before, now] = [found.hours.at(-2), found.hours.at(-1)].map((hour) => hour?.added ?? 0);
  expect((before ?? 0) + (now ?? 0)).toBe(90);

  const [first = ''] = world.source.ids();
  world.source.redact(first);
  world.nowMs += 60_000;
  await world.pass('reconcile');
  expect((await stage.read()).hours.reduce((sum, { changed }) => sum + changed, 0)).toBe(1);
});

test('of a conversation in quarantine: its id, why, and when it is tried again', async () => {
  await using stage = await open({
    conversations: 20,
    faults: [{ on: 'detail', nth: 3, fault: { kind: 'status', status: 400 } }],
  });
  await stage.world.pass('new');
  const { quarantine, quarantined } = await stage.read();
  expect(quarantine).toBe(1);
  expect(quarantined).toEqual([
    {
      id: expect.stringMatching(/^conv_/),
      operatorResultId: null,
      reason: expect.stringMatching(/400/),
      since: expect.stringMatching(/Z$/),
      attempts: 1,
      nextAttemptAt: expect.stringMatching(/Z$/),
    },
  ]);
});

test('of history half loaded: how much, and how long the rest takes by the time that passes were at work', async () => {
  await using stage = await open();
  const startedAtMs = performance.now();
  await stage.sql(`
    insert into twilio_sync.sweeps (sweep, started_at) values ('new', now() - interval '1 hour'), ('backfill', now() - interval '1 hour');
    update twilio_sync.sweeps set ended_at = now() where sweep = 'new';
    insert into twilio_sync.windows (sweep_id, sweep, from_at, to_at, cursor, completed_at) values
      (1, 'new', now() - interval '10 minutes', now(), now() - interval '10 minutes', now()),
      (2, 'backfill', now() - interval '30 days', now(), now() - interval '30 days', now()),
      (2, 'backfill', now() - interval '60 days', now() - interval '30 days', now() - interval '45 days', null);
    insert into twilio_sync.runs (command, started_at, ended_at, outcome) values
      ('run', now() - interval '1 hour', now() - interval '55 minutes', 'failed'), ('run', now() - interval '10 minutes', null, null);
    update twilio_sync.lease set holder = 'test', expires_at = ${nowInMicroseconds} + 25000000`);
  const { state, progress, worker } = await stage.read();
  expect({ state, worker }).toEqual({ state: 'loading', worker: 'test' });
  expect(progress).toMatchObject({ sweep: 'backfill', days: 60, daysLeft: 15, done: 0.75 });
  // 45 days in 15 minutes of work, and what has passed since.
  const sinceSeconds = (performance.now() - startedAtMs) / 1000;
  expect(progress?.secondsLeft).toBeGreaterThanOrEqual(300);
  expect(progress?.secondsLeft).toBeLessThanOrEqual(Math.ceil(300 + sinceSeconds));
});

test('of failed passes: since when, and that it is over', async () => {
  await using stage = await open({ conversations: 5 });
  await stage.world.pass('new');
  const run = (minutesAgo: number, outcome: string, error: string | null) =>
    stage.sql(`insert into twilio_sync.runs (command, started_at, ended_at, outcome, error)
      values ('run', now() - interval '${minutesAgo} minutes', now() - interval '${minutesAgo} minutes', '${outcome}', ${error === null ? 'null' : `'${error}'`})`);
  /** To the second; of several the last. */
  const endOf = async (error: string | null) => {
    const { rows } = await stage.world.pool.query<{ at: Date }>(
      `select date_trunc('second', max(ended_at)) as at from twilio_sync.runs where error is not distinct from $1`,
      [error],
    );
    return rows[0]?.at.toISOString().replace('.000Z', 'Z');
  };
  await stage.sql(`update twilio_sync.windows set completed_at = now() - interval '1 hour'`);
  await run(30, 'ok', null);
  await run(20, 'failed', 'away');
  await run(10, 'incomplete', 'still away');
  const failing = await stage.read();
  expect(failing).toMatchObject({ state: 'out_of_sync', reason: 'still away', lastRun: { outcome: 'incomplete' } });
  expect(failing.since).toBe(await endOf('away'));
  await run(0, 'ok', null);
  expect(await stage.read()).toMatchObject({ state: 'in_sync', since: await endOf(null) });
});

test('its keys are those that docs/status.md names', async () => {
  await using stage = await open();
  const named = documentOf('docs/status.md')
    .table('Keys of `status --json`')
    .flatMap(([keys = '']) => codes(keys));
  expect(named.sort()).toEqual(Object.keys(await stage.read()).sort());
});
