// From an empty database to the tables, however many ask at once; and what the tables have to be, by Postgres' own
// catalogue: described, indexed, named within its limits, and what the schema in TypeScript says.

import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getTableName, is } from 'drizzle-orm';
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isMisconfigured } from '../../src/cli/exit-status.ts';
import * as bookkeeping from '../../src/postgres/bookkeeping.ts';
import * as privacy from '../../src/postgres/bookkeeping-privacy.ts';
import { openDatabase } from '../../src/postgres/database.ts';
import { DatabaseTrouble, translate } from '../../src/postgres/errors.ts';
import { findMissing, migrate, migrationLock, refuseOtherTables } from '../../src/postgres/migrate.ts';
import { Occupied } from '../../src/postgres/obstacles.ts';
import * as schema from '../../src/postgres/schema.ts';
import { openEmptyDatabase, openTestDatabase, type TestDatabase } from '../database.ts';
import { migrateUpTo } from './earlier.ts';

async function connected<Result>(
  database: TestDatabase,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client(database.connection);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

describe('migrate', () => {
  test('five at once on an empty database: each succeeds, one does the work', async () => {
    await using empty = await openEmptyDatabase();
    const applied = await Promise.all(Array.from({ length: 5 }, () => migrate(empty.connection)));
    expect(applied.filter((count) => count === 0)).toHaveLength(4);
    expect(Math.max(...applied)).toBeGreaterThan(0);
    expect(await migrate(empty.connection)).toBe(0);
    await connected(empty, async (client) => {
      expect(await findMissing(client)).toEqual([]);
      expect((await client.query('select from twilio_sync.lease')).rowCount).toBe(1);
      expect((await client.query('select from twilio.conversations')).rowCount).toBe(0);
    });
  });

  test('a user without rights is told so in one line, and nothing is left behind', async () => {
    await using empty = await openEmptyDatabase();
    const role = `migrate_${randomBytes(6).toString('hex')}`;
    const password = randomBytes(6).toString('hex');
    await connected(empty, (client) => client.query(`create role ${role} login password '${password}'`));
    try {
      const refused = await migrate({ ...empty.connection, user: role, password }).catch(translate);
      expect(refused).toBeInstanceOf(DatabaseTrouble);
      const { message } = refused as DatabaseTrouble;
      expect(message).toMatch(/^database: this user lacks rights: to migrate, CREATE on the database[^\n]*\(42501\)$/);
      expect(message).not.toContain(password);
      await connected(empty, async (client) => {
        const left = await client.query(`select from pg_namespace where nspname like 'twilio%'`);
        expect(left.rowCount).toBe(0);
      });
    } finally {
      await connected(empty, (client) => client.query(`drop role ${role}`));
    }
  });

  test('a user with CREATE on the database and nothing else is enough', async () => {
    await using empty = await openEmptyDatabase();
    const role = `migrate_${randomBytes(6).toString('hex')}`;
    const name = empty.connection.database;
    await connected(empty, (client) =>
      client.query(`create role ${role} login password 'x'; grant create on database ${name} to ${role}`),
    );
    try {
      expect(await migrate({ ...empty.connection, user: role, password: 'x' })).toBeGreaterThan(0);
    } finally {
      await connected(empty, (client) => client.query(`drop owned by ${role} cascade; drop role ${role}`));
    }
  });

  test('takes the lease from whoever holds it: a release that does not know the new tables writes no more', async () => {
    await using old = await openEmptyDatabase();
    await connected(old, (client) => migrateUpTo(client, 7));
    await connected(old, (client) =>
      client.query(`update twilio_sync.lease set epoch = 5, holder = 'older', expires_at = 'infinity'`),
    );
    expect(await migrate(old.connection)).toBeGreaterThan(0);
    await connected(old, async (client) => {
      const { rows } = await client.query('select epoch, holder, expires_at from twilio_sync.lease');
      expect(rows).toEqual([{ epoch: '6', holder: null, expires_at: '0' }]);
    });
  });

  test('another’s migration is waited for without a statement that a timeout could end, and that is said', async () => {
    await using empty = await openEmptyDatabase();
    const { user, database } = empty.connection;
    await connected(empty, (client) =>
      client.query(`alter role ${user} in database ${database} set statement_timeout = '2s'`),
    );
    const said: string[] = [];
    const waits = Promise.withResolvers<void>();
    const applied = await connected(empty, async (client) => {
      await client.query('begin; set local statement_timeout = 0');
      await client.query('select pg_advisory_xact_lock($1)', [migrationLock]);
      const migrating = migrate(empty.connection, {}, undefined, (doing) => {
        said.push(doing);
        waits.resolve();
      });
      await waits.promise;
      await client.query('select pg_sleep(2.5)');
      await client.query('rollback');
      return await migrating;
    });
    expect(applied).toBeGreaterThan(0);
    expect(said).toEqual([
      'waiting for another process to migrate the database',
      `migrating the database (${applied} missing)`,
    ]);
  });

  test('a release that does not know all of them refuses the database', async () => {
    await using database = await openTestDatabase();
    await connected(database, (client) =>
      client.query(`insert into twilio_sync.__drizzle_migrations (hash, created_at) values ('unknown', 1)`),
    );
    await expect(migrate(database.connection)).rejects.toThrow(/newer release than this program/);
  });

  test('what fails in the middle leaves nothing, and the next one does it all', async () => {
    await using empty = await openEmptyDatabase();
    await connected(empty, (client) =>
      client.query(
        `create function no_views() returns event_trigger language plpgsql as $$ begin raise exception 'no views'; end $$;
         create event trigger no_views on ddl_command_start when tag in ('CREATE VIEW') execute function no_views()`,
      ),
    );
    await expect(migrate(empty.connection)).rejects.toMatchObject({ code: 'P0001' });
    await connected(empty, async (client) => {
      const { rows } = await client.query(
        `select to_regclass('twilio.communications') as made, to_regnamespace('twilio_sync') as sync`,
      );
      expect(rows).toEqual([{ made: null, sync: null }]);
      await client.query('drop event trigger no_views');
    });
    expect(await migrate(empty.connection)).toBeGreaterThan(0);
  });

  test.each([
    ['create table twilio.other (id int)', 'table twilio.other'],
    ['create table twilio.conversations (id int)', 'table twilio.conversations'],
    ['create view twilio.transcripts as select 1 as one', 'view twilio.transcripts'],
    [`create type twilio.kind as enum ('a')`, 'type twilio.kind'],
    ['create function twilio.data_complete_through() returns int return 1', 'function twilio.data_complete_through'],
    ['create schema twilio_sync; create table twilio_sync.lease (id int)', 'table twilio_sync.lease'],
  ])('a schema that somebody uses is refused by name, and nothing mixed in: %s', async (statement, name) => {
    await using empty = await openEmptyDatabase();
    await connected(empty, async (client) => {
      await client.query(`create schema twilio; ${statement}`);
      const objects = async () =>
        (await client.query(`select from pg_class where relnamespace::regnamespace::text like 'twilio%'`)).rowCount;
      const before = await objects();
      const refused = await migrate(empty.connection).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(Occupied);
      expect((refused as Error).message).toContain(`did not make: ${name}: use another database`);
      expect(isMisconfigured(refused)).toBe(true);
      expect(await objects()).toBe(before);
    });
  });

  test('schemas that an administrator made, empty or with an extension, are taken', async () => {
    await using empty = await openEmptyDatabase();
    await connected(empty, (client) => client.query('create schema twilio; create schema twilio_sync'));
    expect(await migrate(empty.connection)).toBeGreaterThan(0);
  });

  test.each([
    ['drop view twilio.conversation_overview', /\(2BP01\)$/],
    ['alter table twilio.communications alter column extra type json', /\(0A000\)$/],
    ['alter table twilio.communications drop column extra', /\(2BP01\)$/],
  ])('an object of a user’s that is in the way is named, and stays: %s', async (statement, code) => {
    await using mine = await openTestDatabase();
    await connected(mine, async (client) => {
      await client.query(`create schema mart; create view mart.calls as select conversation_id from twilio.conversation_overview;
        create view mart.words as select extra from twilio.communications`);
      const error = await client.query(statement).catch(translate);
      expect((error as Error).message).toMatch(code);
      expect((error as Error).message).toMatch(/view mart\.(calls|words) depends on /);
      await client.query('select from mart.calls, mart.words');
    });
  });
});

test('who only looks is refused tables of another release, and makes none', async () => {
  await using empty = await openEmptyDatabase();
  const database = openDatabase(empty.connection);
  const look = () => database.run(refuseOtherTables);
  const change = (sql: string) => connected(empty, (client) => client.query(sql));
  try {
    await look();
    expect((await change(`select from pg_namespace where nspname like 'twilio%'`)).rowCount).toBe(0);
    await migrate(empty.connection);
    await look();
    const newest = 'created_at = (select max(created_at) from twilio_sync.__drizzle_migrations)';
    await change(`update twilio_sync.__drizzle_migrations set created_at = created_at + 1 where ${newest}`);
    await expect(look()).rejects.toThrow('of a newer release');
    await change(`delete from twilio_sync.__drizzle_migrations where ${newest}`);
    await expect(look()).rejects.toThrow('a migration is missing; run: conversation-sync migrate');
    expect(await connected(empty, findMissing)).toHaveLength(1);
  } finally {
    await database.close();
  }
});

test('the lease’s times become microseconds, whatever they were', async () => {
  const text = await readFile(join(import.meta.dirname, '../../migrations/0008_lease_microseconds.sql'), 'utf8');
  await using database = await openTestDatabase();
  await connected(database, async (client) => {
    await client.query(`alter table twilio_sync.lease alter expires_at drop default, alter stamp drop default,
      alter expires_at type timestamptz using '-infinity', alter stamp type timestamptz using '-infinity',
      alter expires_at set default '-infinity', alter stamp set default '-infinity'`);
    for (const [before, after] of [
      ['-infinity', '0'],
      ['infinity', '0'],
      ['2026-06-15 10:00:00.123457+00', '1781517600123457'],
      ['2026-06-15 10:00:00.999999+00', '1781517600999999'],
    ]) {
      await client.query('begin; set local datestyle = German');
      await client.query('update twilio_sync.lease set expires_at = $1, stamp = $1', [before]);
      await client.query(text);
      const { rows } = await client.query('select expires_at, stamp from twilio_sync.lease');
      expect(rows).toEqual([{ expires_at: after, stamp: after }]);
      await client.query('rollback');
    }
  });
});

describe('the catalogue', () => {
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

  const names = async (sql: string, parameters: unknown[] = []) =>
    (await client.query<{ name: string }>(sql, parameters)).rows.map(({ name }) => name);
  const ours = `n.nspname in ('twilio', 'twilio_sync') and c.relname <> '__drizzle_migrations'`;

  test('both schemas, every table, view and column have a comment', async () => {
    const schemas = `select nspname as name from pg_namespace where nspname in ('twilio', 'twilio_sync') and obj_description(oid, 'pg_namespace') is null`;
    expect(await names(schemas)).toEqual([]);
    const relations = `from pg_class c join pg_namespace n on n.oid = relnamespace and ${ours} and relkind in ('r', 'p', 'v', 'm', 'f')`;
    expect(
      await names(`select relname as name ${relations} and nullif(obj_description(c.oid, 'pg_class'), '') is null`),
    ).toEqual([]);
    const columns = `select relname || '.' || attname as name ${relations}
      join pg_attribute on attrelid = c.oid and attnum > 0 and not attisdropped
      where nullif(col_description(c.oid, attnum), '') is null`;
    expect(await names(columns)).toEqual([]);
    expect((await names(`select relname as name ${relations}`)).length).toBeGreaterThanOrEqual(16);
  });

  test('every foreign key has an index that begins with its columns', async () => {
    const keys = await client.query(
      `select from pg_constraint where contype = 'f' and connamespace::regnamespace::text like 'twilio%'`,
    );
    expect(keys.rowCount).toBeGreaterThanOrEqual(8);
    const unindexed = `select conname as name from pg_constraint
      where contype = 'f' and connamespace::regnamespace::text like 'twilio%' and not exists (
        select from pg_index where indrelid = conrelid and indpred is null
          and (select array_agg(key order by key) from unnest((indkey::int2[])[0:cardinality(conkey) - 1]) as first(key))
            = (select array_agg(key order by key) from unnest(conkey) as own(key)))`;
    expect(await names(unindexed)).toEqual([]);
  });

  test('no index is there twice, or begins another', async () => {
    const twice = `select a.indexrelid::regclass || ' within ' || b.indexrelid::regclass as name
      from pg_index a join pg_index b on a.indrelid = b.indrelid and a.indexrelid <> b.indexrelid
      join pg_class c on c.oid = a.indrelid join pg_namespace n on n.oid = c.relnamespace and ${ours}
      where a.indpred is null and b.indpred is null and (b.indkey::int2[])[0:cardinality(a.indkey::int2[]) - 1] = a.indkey::int2[]`;
    expect(await names(twice)).toEqual([]);
  });

  test('every child begins its key with the conversation, and is deleted with it', async () => {
    const keys = await client.query<{ name: string; first: string }>(
      `select relname as name, attname as first from pg_index join pg_class c on c.oid = indrelid
       join pg_namespace n on n.oid = relnamespace and nspname = 'twilio'
       join pg_attribute on attrelid = indrelid and attnum = indkey[0] where indisprimary and relname not in ('conversations', 'operators', 'intelligence_configurations')`,
    );
    expect(keys.rows).toHaveLength(9);
    for (const { first } of keys.rows) expect(first).toBe('conversation_id');
    const kept = `select conname as name from pg_constraint where contype = 'f' and connamespace = 'twilio'::regnamespace and confdeltype <> 'c'`;
    expect(await names(kept)).toEqual([]);
  });

  test('ids, statuses and types are text, times have a zone, and nothing is an enum', async () => {
    const types = await names(
      `select distinct format_type(atttypid, atttypmod) as name from pg_attribute
       join pg_class c on c.oid = attrelid join pg_namespace n on n.oid = relnamespace and nspname = 'twilio'
       where relkind = 'r' and attnum > 0 order by 1`,
    );
    expect(types).toEqual([
      'boolean',
      'double precision',
      'integer',
      'jsonb',
      'text',
      'text[]',
      'timestamp with time zone',
    ]);
  });

  test('the columns are those of the schema in TypeScript, with types, nullability and defaults', async () => {
    const { rows } = await client.query(
      `select n.nspname || '.' || relname as table, attname as name, format_type(atttypid, atttypmod) as type, attnotnull as "notNull",
         atthasdef or attidentity <> '' as "hasDefault"
       from pg_attribute join pg_class c on c.oid = attrelid join pg_namespace n on n.oid = relnamespace and ${ours}
       where relkind = 'r' and attnum > 0 and not attisdropped order by 1, attnum`,
    );
    const expected = tables.flatMap(({ config }) =>
      config.columns.map((column) => ({
        table: `${config.schema}.${config.name}`,
        name: column.name,
        type: column.getSQLType(),
        notNull: column.notNull,
        hasDefault: column.hasDefault || column.generatedIdentity !== undefined,
      })),
    );
    const sorted = (all: { table: string; name: string }[]) =>
      all.toSorted((a, b) => (`${a.table}.${a.name}` < `${b.table}.${b.name}` ? -1 : 1));
    expect(sorted(rows)).toEqual(sorted(expected));
  });

  test('keys, indexes and checks are those of the schema in TypeScript, by name', async () => {
    const constraints = await names(
      `select conname as name from pg_constraint where connamespace::regnamespace::text in ('twilio', 'twilio_sync')
         and contype in ('f', 'c') order by 1`,
    );
    const indexes = await names(
      `select i.relname as name from pg_index join pg_class i on i.oid = indexrelid join pg_class c on c.oid = indrelid
       join pg_namespace n on n.oid = c.relnamespace and ${ours} where not indisprimary order by 1`,
    );
    const named = tables.flatMap(({ config }) => [
      ...config.foreignKeys.map((key) => key.getName()),
      ...config.checks.map((check) => check.name),
    ]);
    expect(constraints).toEqual(named.sort());
    expect(indexes).toEqual(
      tables.flatMap(({ config }) => config.indexes.map(({ config: { name } }) => name ?? '')).sort(),
    );
  });
});

const tables = Object.values({ ...schema, ...bookkeeping, ...privacy })
  .filter((each) => is(each, PgTable))
  .map((table) => ({ name: getTableName(table), config: getTableConfig(table) }));

test('no name is longer than the 63 bytes that Postgres keeps', () => {
  const names = tables.flatMap(({ name, config }) => [
    name,
    ...config.columns.map((column) => column.name),
    ...config.primaryKeys.map((key) => key.getName()),
    ...config.foreignKeys.map((key) => key.getName()),
    ...config.indexes.map((index) => index.config.name ?? ''),
    ...config.checks.map((check) => check.name),
  ]);
  expect(names.length).toBeGreaterThan(100);
  expect(names.filter((name) => Buffer.byteLength(name) > 63)).toEqual([]);
});
