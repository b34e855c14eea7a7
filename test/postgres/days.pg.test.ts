// Days of other time zones: each begins with its first instant, in every zone; and a condition on one uses the index.

import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../database.ts';

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await openTestDatabase();
  client = new pg.Client(database.connection);
  await client.connect();
});

afterAll(async () => {
  await client.end();
  await database[Symbol.asyncDispose]();
});

test('a day begins with its first instant, wherever the clock is set at midnight', async () => {
  const { rows } = await client.query<{ begins: Date }>(
    `select twilio.day_start(day, zone) as begins from (values
       (1, date '2026-06-15', 'UTC'), (2, '2026-06-15', 'America/New_York'), (3, '2026-06-15', 'Asia/Kathmandu'),
       -- Set forward at midnight, to one o'clock; set back at one, to midnight.
       (4, '2018-11-04', 'America/Sao_Paulo'), (5, '2026-11-01', 'America/Havana')) as given(number, day, zone) order by number`,
  );
  expect(rows.map(({ begins }) => begins.toISOString())).toEqual([
    '2026-06-15T00:00:00.000Z',
    '2026-06-15T04:00:00.000Z',
    '2026-06-14T18:15:00.000Z',
    '2018-11-04T03:00:00.000Z',
    '2026-11-01T04:00:00.000Z',
  ]);
});

test('in every zone, on every day of two years', async () => {
  const { rows } = await client.query(
    `select name, day, begins from pg_timezone_names
     cross join generate_series(timestamp '2024-01-01', '2025-12-31', '1 day') as at
     cross join lateral (select at::date as day, twilio.day_start(at::date, name) as begins) as started
     where (begins at time zone name)::date <> day or ((begins - interval '1 microsecond') at time zone name)::date >= day limit 5`,
  );
  expect(rows).toEqual([]);
});

test('a condition on a day uses the index of created_at', async () => {
  await client.query('begin; set local enable_seqscan = off');
  const { rows } = await client.query<{ 'QUERY PLAN': string }>(
    `explain select from twilio.conversations where created_at >= twilio.day_start('2026-06-15', 'America/New_York')
       and created_at < twilio.day_start(current_date, 'America/New_York')`,
  );
  await client.query('rollback');
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
  expect(plan).toMatch(/Index.* conversations_created_at/);
  expect(plan).toMatch(/Index Cond: \(\(created_at >= .*\) AND \(created_at < .*\)\)/);
});
