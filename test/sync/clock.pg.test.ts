// The database's clock is set back by an hour: what was noted before lies in the future, and is not believed.

import { expect, test } from 'vitest';
import { openDatabase } from '../../src/postgres/database.ts';
import { readSnapshot } from '../../src/status/snapshot.ts';
import { World } from '../world.ts';

/** As if the clock had been an hour ahead until now. */
const ahead = `update twilio_sync.windows set completed_at = completed_at + interval '1 hour';
  update twilio_sync.sweeps set started_at = started_at + interval '1 hour', ended_at = ended_at + interval '1 hour';
  update twilio_sync.runs set started_at = started_at + interval '1 hour', ended_at = ended_at;
  update twilio.conversations set synced_at = synced_at + interval '1 hour';
  update twilio_sync.lease set stamp = stamp + 3600000000, expires_at = expires_at + 3600000000`;

test('no age is negative, and the next tick says when it was', async () => {
  await using world = await World.open({ conversations: 5, days: 1 });
  await world.sync();
  await world.pool.query("insert into twilio_sync.runs (command, ended_at, outcome) values ('sync', now(), 'ok')");
  await world.pool.query(ahead);
  const database = openDatabase(world.database.connection);
  try {
    const found = await database.run(readSnapshot);
    expect(found).toMatchObject({ worker: null, lastTickSecondsAgo: 0, newestChangeSecondsAgo: 0 });
    expect(found.runs.map(({ seconds }) => seconds)).toEqual([0]);
    await world.pass('new');
    const { lastTickAt } = await database.run(readSnapshot);
    const { rows } = await world.pool.query<{ now: number }>(
      'select extract(epoch from clock_timestamp())::float8 as now',
    );
    expect(Date.parse(lastTickAt ?? '') / 1000).toBeLessThanOrEqual(rows[0]?.now ?? 0);
  } finally {
    await database.close();
  }
});

test('a sweep made up for a brake, though it ended at an earlier hour', async () => {
  await using world = await World.open({ conversations: 5, days: 1 });
  await world.sync();
  await world.pool.query("update twilio_sync.sweeps set braked = true where sweep = 'lookback'");
  await world.pool.query(ahead);
  const database = openDatabase(world.database.connection);
  try {
    expect((await database.run(readSnapshot)).braked).toHaveLength(1);
    await world.pass('lookback');
    expect((await database.run(readSnapshot)).braked).toEqual([]);
  } finally {
    await database.close();
  }
});

test('a reconcile keeps the record of what it listed, though it ended before it began', async () => {
  await using world = await World.open({ conversations: 5, days: 40 });
  await world.sync();
  await world.pool.query("alter table twilio_sync.sweeps alter started_at set default now() + interval '1 hour'");
  world.nowMs += 86_400_000;
  await world.sync({ reconcile: true });
  const { rows } = await world.pool.query<{ whole: boolean }>(
    `select twilio.data_complete_through() >= to_timestamp($1) - interval '1 hour' as whole`,
    [world.nowMs / 1000],
  );
  expect(rows).toEqual([{ whole: true }]);
});
