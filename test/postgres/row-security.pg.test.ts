// Row-level security hides rows without an error. Whatever table it is on, nobody works with what is left.

import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '../../src/postgres/database.ts';
import { takeLease } from '../../src/postgres/lease.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { RowSecurity } from '../../src/postgres/obstacles.ts';
import { whileLeased } from '../../src/postgres/while-leased.ts';
import { readSnapshot } from '../../src/status/snapshot.ts';
import { openTestDatabase, type TestDatabase } from '../database.ts';

const role = `secured_${randomBytes(6).toString('hex')}`;
const password = randomBytes(12).toString('hex');
let opened: TestDatabase;
let owner: pg.Client;

beforeAll(async () => {
  opened = await openTestDatabase();
  owner = new pg.Client(opened.connection);
  await owner.connect();
  await owner.query(`create role ${role} login password '${password}';
    grant usage on schema twilio, twilio_sync to ${role};
    grant select, insert, update, delete on all tables in schema twilio, twilio_sync to ${role}`);
});

afterAll(async () => {
  await owner.query(`drop owned by ${role}; drop role ${role}`);
  await owner.end();
  await opened[Symbol.asyncDispose]();
});

const asRole = () => ({ ...opened.connection, user: role, password });

async function whileSecured(table: string, work: () => Promise<void>): Promise<void> {
  await owner.query(`alter table ${table} enable row level security`);
  try {
    await work();
  } finally {
    await owner.query(`alter table ${table} disable row level security`);
  }
}

test('of every table: neither started with, nor the lease taken, and the status names it', async () => {
  const { rows: tables } = await owner.query<{ name: string }>(
    `select nspname || '.' || relname as name from pg_class join pg_namespace on pg_namespace.oid = relnamespace
     where nspname in ('twilio', 'twilio_sync') and relkind = 'r' order by 1`,
  );
  expect(tables.length).toBeGreaterThan(15);
  const database = openDatabase(asRole());
  try {
    for (const { name } of tables) {
      await whileSecured(name, async () => {
        const hides = `row-level security hides rows of ${name} from this user`;
        await expect(migrate(asRole()), name).rejects.toThrow(hides);
        await expect(takeLease(database, 'secured'), name).rejects.toThrow(hides);
        expect((await database.run(readSnapshot)).evidence.blocker?.reason, name).toMatch(hides);
        // The owner sees all there is.
        expect(await migrate(opened.connection), name).toBe(0);
      });
    }
    expect(await migrate(asRole())).toBe(0);
    const { rows } = await owner.query('select holder from twilio_sync.lease');
    expect(rows).toEqual([{ holder: null }]);
    expect(await takeLease(database, 'free')).toHaveProperty('epoch');
    await owner.query('update twilio_sync.lease set expires_at = 0, holder = null');
  } finally {
    await database.close();
  }
});

test('switched on under a worker: its work ends', async () => {
  const database = openDatabase(asRole());
  try {
    const ended = whileLeased(database, { holder: 'at work', signal: new AbortController().signal }, (_epoch, signal) =>
      whileSecured(
        'twilio.conversations',
        () => new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      ),
    );
    await expect(ended).rejects.toThrow(RowSecurity);
  } finally {
    await database.close();
  }
});
