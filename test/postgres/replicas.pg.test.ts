// How many processes run, by the rows that they beat; and how many accounts each of them works for.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { aliveSeconds, beat, createReplicas, leave, shareOf, untilOneIsMissed } from '../../src/postgres/replicas.ts';
import { openEmptyDatabase, type TestDatabase } from '../database.ts';

let opened: TestDatabase;
let database: Database;

beforeAll(async () => {
  opened = await openEmptyDatabase();
  database = openDatabase(opened.connection);
});

afterAll(async () => {
  await database.close();
  await opened[Symbol.asyncDispose]();
});

const rows = (text: string) => database.run(({ sql }) => sql<Record<string, unknown>>(text));
const names = async () =>
  (await rows('select replica from twilio_all_sync.replicas order by 1')).map((row) => row['replica']);
/** Lets time pass for a process: it beat so many seconds earlier. */
const earlier = (replica: string, seconds: number) =>
  rows(
    `update twilio_all_sync.replicas set beat_at = beat_at - ${Math.round(seconds * 1_000_000)} where replica = '${replica}'`,
  );

describe('making the table', () => {
  beforeEach(() => rows('drop schema if exists twilio_all_sync cascade'));

  test('three at once make it, and each beats', async () => {
    const processes = ['a', 'b', 'c'].map((name) => ({ name, database: openDatabase(opened.connection) }));
    try {
      await Promise.all(processes.map((each) => createReplicas(each.database)));
      await Promise.all(processes.map((each) => beat(each.database, each.name)));
      expect(await beat(database, 'a')).toBe(3);
    } finally {
      await Promise.all(processes.map((each) => each.database.close()));
    }
  });

  test('made again, it keeps its rows', async () => {
    await createReplicas(database);
    await beat(database, 'a');
    await createReplicas(database);
    expect(await names()).toEqual(['a']);
  });

  test('whoever may use the table need not have the right to make it', async () => {
    await createReplicas(database);
    const role = `replica_${process.pid}`;
    await rows(`create role ${role} login password 'x'`);
    await rows(`grant usage on schema twilio_all_sync to ${role}`);
    await rows(`grant select, insert, update, delete on all tables in schema twilio_all_sync to ${role}`);
    const worker = openDatabase({ ...opened.connection, user: role, password: 'x' });
    try {
      await createReplicas(worker);
      expect(await beat(worker, 'a')).toBe(1);
      await rows('drop schema twilio_all_sync cascade');
      await expect(createReplicas(worker)).rejects.toMatchObject({ name: 'DatabaseTrouble', code: '42501' });
    } finally {
      await worker.close();
      await rows(`drop owned by ${role}`);
      await rows(`drop role ${role}`);
    }
  });
});

describe('beats', () => {
  beforeAll(() => createReplicas(database));
  beforeEach(() => rows('delete from twilio_all_sync.replicas'));

  test('count those that run, this one included', async () => {
    expect(await beat(database, 'a')).toBe(1);
    expect(await beat(database, 'b')).toBe(2);
    expect(await beat(database, 'c')).toBe(3);
    expect(await beat(database, 'a')).toBe(3);
  });

  test('one that stopped counts for as long as a lease lasts, and no longer', async () => {
    await beat(database, 'dead');
    await earlier('dead', 1);
    expect(await beat(database, 'a')).toBe(2);
    await earlier('dead', aliveSeconds);
    expect(await beat(database, 'a')).toBe(1);
    expect(await names()).toEqual(['a']);
  });

  test('it is known when the first of the others is missed', async () => {
    await beat(database, 'a');
    expect(await untilOneIsMissed(database, 'a')).toBe(null);
    await beat(database, 'b');
    await beat(database, 'dying');
    await earlier('dying', 12);
    const ms = await untilOneIsMissed(database, 'a');
    // Some time has passed since.
    expect(ms).toBeLessThanOrEqual(3_000);
    expect(ms).toBeGreaterThan(0);
    await earlier('dying', 4);
    expect(await untilOneIsMissed(database, 'a')).toBeGreaterThan(3_000);
  });

  test('one that was frozen counts again with its next beat', async () => {
    await beat(database, 'frozen');
    await earlier('frozen', aliveSeconds);
    expect(await beat(database, 'a')).toBe(1);
    expect(await beat(database, 'frozen')).toBe(2);
    expect(await beat(database, 'a')).toBe(2);
  });

  test('of one that left nothing stays', async () => {
    await beat(database, 'a');
    await beat(database, 'b');
    await leave(database, 'b');
    await leave(database, 'b');
    expect(await beat(database, 'a')).toBe(1);
    expect(await names()).toEqual(['a']);
  });

  test('one from before the clock was set back does not count, and its next beat does', async () => {
    await beat(database, 'b');
    await earlier('b', -3600);
    expect(await beat(database, 'a')).toBe(1);
    expect(await beat(database, 'b')).toBe(2);
  });

  test('are whole microseconds of the database’s clock', async () => {
    const clock = '(extract(epoch from clock_timestamp()) * 1000000)::bigint';
    const [before] = await rows(`select ${clock} as at`);
    await beat(database, 'a');
    const [found] = await rows(`select beat_at as at, beat_at <= ${clock} as past from twilio_all_sync.replicas`);
    expect(found?.['past']).toBe(true);
    expect(BigInt(String(found?.['at']))).toBeGreaterThanOrEqual(BigInt(String(before?.['at'])));
  });

  test('a row that another process has locked is not waited for', async () => {
    await beat(database, 'dead');
    await earlier('dead', 60);
    await database.transaction(async ({ sql }) => {
      await sql(`select from twilio_all_sync.replicas where replica = 'dead' for update`);
      expect(await beat(database, 'a')).toBe(1);
    });
    expect(await names()).toEqual(['a', 'dead']);
    expect(await beat(database, 'a')).toBe(1);
    expect(await names()).toEqual(['a']);
  });
});

test.each([
  [0, 1, 0],
  [1, 3, 1],
  [6, 3, 2],
  [7, 3, 3],
  [100, 3, 34],
  [100, 1, 100],
  [100, 0, 100],
])('the share of %i accounts among %i replicas is %i', (accounts, replicas, share) => {
  expect(shareOf(accounts, replicas)).toBe(share);
});
