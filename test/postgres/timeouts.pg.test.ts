// Limits that a role was given for other people's queries: what the worker does in transactions goes on past them, so do its
// reads and its migrations, and where one does end something it is named.

import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '../../src/postgres/database.ts';
import { openExamination } from '../../src/postgres/examine.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { openEmptyDatabase, openTestDatabase, type TestDatabase } from '../database.ts';

const role = `hasty_${randomBytes(6).toString('hex')}`;
const password = randomBytes(6).toString('hex');
let opened: TestDatabase;
let admin: pg.Client;
const settings: Record<string, string> = { lock_timeout: '1s', statement_timeout: '1s' };

beforeAll(async () => {
  opened = await openTestDatabase();
  admin = new pg.Client(opened.connection);
  await admin.connect();
  await admin.query(`create role ${role} login superuser password '${password}'`);
  const { rowCount } = await admin.query(`select from pg_settings where name = 'transaction_timeout'`);
  if (rowCount === 1) settings['transaction_timeout'] = '1200ms';
  for (const [name, value] of Object.entries(settings))
    await admin.query(`alter role ${role} set ${name} = '${value}'`);
});

afterAll(async () => {
  await admin.query(`drop owned by ${role}; drop role ${role}`);
  await admin.end();
  await opened[Symbol.asyncDispose]();
});

const as = ({ connection }: TestDatabase) => ({ ...connection, user: role, password });
const longer = 'select pg_sleep(1.5)';

test('a transaction, and a read outside of one, may take longer', async () => {
  const database = openDatabase(as(opened));
  try {
    await Promise.all([database.transaction(({ sql }) => sql(longer)), database.run(({ sql }) => sql(longer))]);
    // Asked once, and named.
    await expect(database.ask(longer, 60_000)).rejects.toThrow(
      'database: statement_timeout = 1s ended a statement; see doctor (57014)',
    );
  } finally {
    await database.close();
  }
});

test('a migration may take longer', async () => {
  await using empty = await openEmptyDatabase();
  const other = new pg.Client(empty.connection);
  await other.connect();
  try {
    await other.query(`create function slow() returns event_trigger language plpgsql as 'begin perform pg_sleep(1.5); end';
      create event trigger slow on ddl_command_start when tag in ('CREATE SCHEMA') execute function slow()`);
    expect(await migrate(as(empty))).toBeGreaterThan(0);
  } finally {
    await other.query(`drop event trigger slow; drop owned by ${role} cascade`);
    await other.end();
  }
});

test('doctor is told of each, with its value', async () => {
  const examination = await openExamination(as(opened), 60_000);
  const found = await examination.timeouts();
  await examination.close();
  expect(found).toEqual(
    Object.entries(settings).map(([name, value]) => ({ setting: `${name} = ${value}`, source: 'user' })),
  );
});
