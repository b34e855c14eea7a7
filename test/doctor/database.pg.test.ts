// The checks of the database against real ones: one that is well, and one for each thing that can be wrong. Every check ends
// with a finding, and nothing is changed by any.

import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import type { DatabaseConfig } from '../../src/config/config.ts';
import { noFilters } from '../../src/config/config.ts';
import type { Connection } from '../../src/config/connection-string.ts';
import { checkDatabase, databaseChecks } from '../../src/doctor/database.ts';
import type { Finding } from '../../src/doctor/finding.ts';
import { openDatabase } from '../../src/postgres/database.ts';
import { takeLease } from '../../src/postgres/lease.ts';
import { enterScope } from '../../src/postgres/scope.ts';
import { openEmptyDatabase, openTestDatabase, type TestDatabase } from '../database.ts';
import { documentOf } from '../readme.ts';

const scope = { accountSid: 'AC1', baseUrl: 'https://intelligence.twilio.com', filters: noFilters, start: 0 };
const role = `doctor_${randomBytes(6).toString('hex')}`;
const password = randomBytes(12).toString('hex');
let opened: TestDatabase;
let admin: pg.Client;

beforeAll(async () => {
  opened = await openTestDatabase();
  admin = new pg.Client(opened.connection);
  await admin.connect();
});

afterAll(async () => {
  await admin.end();
  await opened[Symbol.asyncDispose]();
});

beforeEach(() => admin.query(`create role ${role} login password '${password}'`));
afterEach(() => admin.query(`drop owned by ${role}; drop role ${role}`));

async function ask(connection: Connection | DatabaseConfig, asked: typeof scope | null = scope): Promise<Finding[]> {
  const signal = new AbortController().signal;
  const database: DatabaseConfig = 'kind' in connection ? connection : { kind: 'server', schema: 'twilio', connection };
  const findings = await Array.fromAsync(checkDatabase({ database, scope: asked, nowMs: Date.now, signal }));
  expect(findings.map(({ check }) => check).filter((check) => check !== 'disk')).toEqual(databaseChecks);
  expect(JSON.stringify(findings)).not.toContain(password);
  return findings;
}

/** Those that are not well, by their check. */
async function trouble(...question: Parameters<typeof ask>): Promise<Record<string, Finding>> {
  return Object.fromEntries(
    (await ask(...question)).flatMap((each) => (each.mark === 'ok' ? [] : [[each.check, each]])),
  );
}

const asRole = (): Connection => ({ ...opened.connection, user: role, password });

test('all is well, before the first sync and after; it holds no lease', async () => {
  expect(await trouble(opened.connection)).toEqual({});
  const database = openDatabase(opened.connection);
  try {
    await enterScope(database, scope);
    await takeLease(database, 'somebody');
  } finally {
    await database.close();
  }
  expect((await ask(opened.connection)).find(({ check }) => check === 'worker')?.found).toBe('somebody is running');
  await admin.query(`update twilio_sync.lease set expires_at = 0, holder = null`);
});

test("another account's, and settings that do not say", async () => {
  await admin.query(
    `insert into twilio.conversations (id, created_at, first_synced_at, synced_at) values ('a', now(), now(), now())`,
  );
  onTestFinished(() => admin.query('delete from twilio.conversations').then(() => {}));
  expect(await trouble(opened.connection, { ...scope, accountSid: 'AC2' })).toEqual({
    account: expect.objectContaining({
      mark: 'fail',
      passing: false,
      found: expect.stringContaining('of account AC1, not of AC2'),
    }),
  });
  expect(await trouble(opened.connection, { ...scope, baseUrl: 'https://other' })).toHaveProperty(
    'account.mark',
    'fail',
  );
  expect(await trouble(opened.connection, null)).toEqual({ account: expect.objectContaining({ mark: 'skipped' }) });
});

test('rights: none, of a reader only, and just those of a worker', async () => {
  const none = await trouble(asRole());
  expect(Object.keys(none)).toEqual(['rights', 'migrations', 'account', 'worker']);
  expect(none['rights']).toMatchObject({
    mark: 'fail',
    passing: false,
    found: expect.stringContaining('lacks usage on schema twilio'),
  });
  await admin.query(
    `grant usage on schema twilio, twilio_sync to ${role}; grant select on all tables in schema twilio, twilio_sync to ${role}`,
  );
  const reading = await trouble(asRole());
  expect(Object.keys(reading)).toEqual(['rights']);
  expect(reading['rights']?.found).toMatch(/lacks (insert|update|delete) on twilio/);
  // What it says is to be done is enough.
  for (const statement of reading['rights']?.todo?.split('\n').slice(1) ?? []) await admin.query(statement);
  expect(await trouble(asRole())).toEqual({});
});

test('rights: the grants of docs/deploy.md are just those of a worker, also to later tables', async () => {
  const grants = documentOf('docs/deploy.md').block('Database users', 'sql');
  await admin.query(grants.replaceAll(' conversation_sync;', ` ${role};`));
  expect(await trouble(asRole())).toEqual({});
  await admin.query('create table twilio_sync.later ()');
  onTestFinished(() => admin.query('drop table twilio_sync.later').then(() => {}));
  const { rows } = await admin.query(
    `select has_table_privilege('${role}', 'twilio_sync.later', wanted) as granted from unnest('{select,insert,update,delete}'::text[]) wanted`,
  );
  expect(rows).toEqual(Array(4).fill({ granted: true }));
});

test('row-level security: of its own user, and of others', async () => {
  await admin.query(`grant usage on schema twilio, twilio_sync to ${role};
    grant select, insert, update, delete on all tables in schema twilio, twilio_sync to ${role};
    alter table twilio.conversations enable row level security; alter table twilio_sync.due enable row level security`);
  onTestFinished(() =>
    admin
      .query(
        'alter table twilio.conversations disable row level security; alter table twilio_sync.due disable row level security',
      )
      .then(() => {}),
  );
  const hidden = await trouble(asRole());
  expect(Object.keys(hidden)).toEqual(['row security', 'migrations', 'account', 'worker']);
  expect(hidden['row security']).toMatchObject({
    mark: 'fail',
    passing: false,
    found: expect.stringContaining('hides rows of twilio.conversations, twilio_sync.due from'),
  });
  expect(hidden['worker']).toMatchObject({ mark: 'skipped' });
  const others = await trouble(opened.connection);
  expect(Object.keys(others)).toEqual(['row security']);
  expect(others['row security']).toMatchObject({ mark: 'warn' });
  // What it says is to be done is enough.
  const [, statements = ''] = hidden['row security']?.todo?.split('\n')[0]?.split('tables: ') ?? [];
  await admin.query(statements);
  expect(await trouble(asRole())).toEqual({});
});

test('rights to make the tables', async () => {
  await using empty = await openEmptyDatabase();
  const client = new pg.Client(empty.connection);
  await client.connect();
  const there = { ...empty.connection, user: role, password };
  const before = await trouble(there);
  expect(before['rights']).toMatchObject({ mark: 'fail', passing: false });
  expect(before['migrations']).toMatchObject({ mark: 'fail', passing: false });
  const [, statement = ''] = /(grant create [^;]+;)/.exec(before['rights']?.todo ?? '') ?? [];
  await client.query(statement);
  expect(await trouble(there)).toMatchObject({
    migrations: { mark: 'warn' },
    account: { mark: 'skipped' },
    worker: { mark: 'skipped' },
  });
  expect((await client.query(`select from pg_namespace where nspname like 'twilio%'`)).rowCount).toBe(0);
  // Made beforehand, as an administrator may.
  await client.query(`create schema twilio authorization ${role}; create schema twilio_sync authorization ${role}`);
  expect(Object.keys(await trouble(there))).toEqual(['migrations', 'account', 'worker']);
  await client.query(`drop owned by ${role}`);
  await client.end();
});

test('migrated by a newer release', async () => {
  const { rows } = await admin.query(
    `insert into twilio_sync.__drizzle_migrations (hash, created_at) values ('later', 99999999999999) returning id`,
  );
  onTestFinished(() =>
    admin.query('delete from twilio_sync.__drizzle_migrations where id = $1', [rows[0].id]).then(() => {}),
  );
  expect(await trouble(opened.connection)).toMatchObject({
    migrations: { mark: 'fail', passing: false, found: expect.stringMatching(/has 1 more/) },
  });
});

test('SQL_ASCII, and a user whose transactions are read-only', async () => {
  const name = `doctor_ascii_${randomBytes(4).toString('hex')}`;
  await admin.query(`create database ${name} template template0 encoding 'SQL_ASCII' locale_provider libc locale 'C'`);
  onTestFinished(() => admin.query(`drop database ${name}`).then(() => {}));
  await admin.query(`alter role ${role} set default_transaction_read_only = on`);
  const found = await trouble({ ...asRole(), database: name });
  expect(found['encoding']).toMatchObject({
    mark: 'fail',
    passing: false,
    found: expect.stringContaining('SQL_ASCII'),
  });
  expect(found['writes']).toMatchObject({ mark: 'fail', passing: false });
});

test('no connection: what it is, and nothing else is guessed', async () => {
  const wrong = await ask({ ...asRole(), password: 'wrong' });
  expect(wrong[0]).toMatchObject({ mark: 'fail', passing: false, todo: expect.stringContaining('user and password') });
  expect(new Set(wrong.slice(1).map(({ mark }) => mark))).toEqual(new Set(['skipped']));
  expect((await ask({ ...asRole(), host: '127.0.0.1', port: 1 }))[0]).toMatchObject({ mark: 'fail', passing: true });
  expect((await ask({ ...asRole(), database: 'doctor_absent' }))[0]).toMatchObject({ mark: 'fail', passing: false });
});

test('an embedded one is looked at, and not made', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'doctor-'));
  onTestFinished(() => rm(parent, { recursive: true }));
  const [first, ...rest] = await ask({ kind: 'embedded', schema: 'twilio', folder: join(parent, 'data/postgres') });
  expect(first).toMatchObject({ check: 'database', found: expect.stringContaining(parent) });
  expect(rest.map(({ mark }) => mark)).toEqual(['ok', ...rest.slice(1).map(() => 'skipped')]);
  expect(await readdir(parent)).toEqual([]);
});
