// The tests' own database: cloned, apart from the others, dropped, and a leak is told.

import pg from 'pg';
import { expect, test } from 'vitest';
import { openEmptyDatabase, openTestDatabase } from './database.ts';

async function tables(connection: pg.ClientConfig): Promise<number> {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    const { rows } = await client.query<{ count: number }>(
      `select count(*)::int as count from pg_tables where schemaname in ('twilio', 'twilio_sync')`,
    );
    return rows[0]?.count ?? -1;
  } finally {
    await client.end();
  }
}

test('each is migrated and its own, also when many are opened at once', async () => {
  const databases = await Promise.all([openTestDatabase(), openTestDatabase(), openTestDatabase(), openTestDatabase()]);
  expect(new Set(databases.map((each) => each.url)).size).toBe(4);
  for (const each of databases) {
    expect(await tables(each.connection)).toBeGreaterThan(8);
    await each[Symbol.asyncDispose]();
    await expect(tables(each.connection)).rejects.toThrow(/does not exist/);
  }
});

test('an empty one has no tables', async () => {
  await using database = await openEmptyDatabase();
  expect(await tables(database.connection)).toBe(0);
});

test('a connection left open is told by its name', async () => {
  const database = await openTestDatabase();
  const client = new pg.Client({ ...database.connection, application_name: 'leaking' });
  client.on('error', () => {});
  await client.connect();
  await expect(database[Symbol.asyncDispose]()).rejects.toThrow(/leaking/);
});
