// A reader as the server sees it: each thing of schema twilio can be read, now and after later migrations; nothing can be
// written, and nothing of twilio_sync seen, by whatever road. What is refused changes nothing.

import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { grantReader, printReader } from '../../src/readers/grant.ts';
import { scramVerifier } from '../../src/readers/scram.ts';
import { openTestDatabase, type TestDatabase } from '../database.ts';

let opened: TestDatabase;
let database: Database;
let admin: pg.Client;
const run = randomBytes(4).toString('hex');
const made: string[] = [];

beforeAll(async () => {
  opened = await openTestDatabase();
  database = openDatabase(opened.connection);
  admin = await connect();
});

afterAll(async () => {
  for (const role of made) await drop(role);
  await admin.end();
  await database.close();
  await opened[Symbol.asyncDispose]();
});

async function connect(user?: string, password?: string): Promise<pg.Client> {
  const client = new pg.Client({ ...opened.connection, ...(user !== undefined && { user, password }) });
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** A name of this run alone, dropped at its end: roles are the server's, not the database's. */
function named(text: string): string {
  const name = `${text} ${run}`;
  made.push(name);
  return name;
}

async function drop(role: string): Promise<void> {
  const found = await admin.query('select from pg_roles where rolname = $1', [role]);
  const quoted = pg.escapeIdentifier(role);
  if (found.rowCount === 1) await admin.query(`drop owned by ${quoted}; drop role ${quoted}`);
}

const password = 'a password of some length';
const verifier = scramVerifier(password, randomBytes(16));
const grant = (role: string, change = false, by = database) =>
  grantReader(by, { role, schema: 'twilio', verifier, change });

async function whileConnected<Result>(user: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = await connect(user, password);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Names of what is in a schema, quoted as they have to be. */
async function relationsOf(schema: string): Promise<string[]> {
  const { rows } = await admin.query<{ name: string }>(
    `select oid::regclass::text as name from pg_class where relnamespace = $1::regnamespace and relkind in ('r', 'v', 'm', 'p')`,
    [schema],
  );
  return rows.map(({ name }) => name);
}

describe('a reader', () => {
  const reader = named(`Weekly "Reports" o'clock`);

  beforeAll(async () => {
    expect(await grant(reader)).toEqual({ created: true, passwordSet: true, warnings: [] });
  });

  test('reads every table and view of twilio, and calls its functions', async () => {
    const readable = await relationsOf('twilio');
    expect(readable.length).toBeGreaterThanOrEqual(8);
    const { rows: functions } = await admin.query<{ call: string }>(
      `select oid::regproc::text || '()' as call from pg_proc where pronamespace = 'twilio'::regnamespace and pronargs = 0`,
    );
    await whileConnected(reader, async (client) => {
      for (const name of readable) await client.query(`select * from ${name} limit 1`);
      for (const { call } of functions) await client.query(`select * from ${call} limit 1`);
    });
  });

  test('writes nothing, also when it takes the lock off itself', async () => {
    await whileConnected(reader, async (client) => {
      await expect(client.query('create temporary table mine ()')).rejects.toMatchObject({ code: '25006' });
      await client.query('set default_transaction_read_only = off');
      for (const statement of [
        `insert into twilio.conversations (id) values ('x')`,
        'update twilio.conversations set name = null',
        'delete from twilio.conversations',
        'truncate twilio.conversations cascade',
        'create table twilio.mine ()',
        'create table twilio_sync.mine ()',
        `create schema mine`,
      ])
        await expect(client.query(statement), statement).rejects.toMatchObject({ code: '42501' });
    });
  });

  test('finds keys in information_schema, days in UTC, and names without their schema', async () => {
    await whileConnected(reader, async (client) => {
      const count = async (name: string) =>
        (await client.query(`select from information_schema.${name} where constraint_schema = 'twilio'`)).rowCount;
      const { rows } = await admin.query<{ type: string; count: number }>(
        `select contype::text as type, count(*)::int as count from pg_constraint
         where connamespace = 'twilio'::regnamespace and contype in ('p', 'f') group by 1`,
      );
      const keys = Object.fromEntries(rows.map(({ type, count }) => [type, count]));
      expect(await count('referential_constraints')).toBe(keys['f']);
      expect(await count(`table_constraints`)).toBeGreaterThanOrEqual((keys['p'] ?? 0) + (keys['f'] ?? 0));
      expect((await client.query('show timezone')).rows).toEqual([{ TimeZone: 'UTC' }]);
      await client.query('select conversation_id from conversation_overview limit 1');
    });
  });

  test('with a schema of its own it cannot hold conversations fast by a foreign key', async () => {
    const maker = named('maker');
    await grant(maker);
    const quoted = pg.escapeIdentifier(maker);
    await admin.query(`create schema maker authorization ${quoted}`);
    const granted = await grant(maker);
    expect(granted.warnings).toEqual([expect.stringContaining('may create tables in schema maker')]);
    await whileConnected(maker, async (client) => {
      await client.query('set default_transaction_read_only = off');
      const making = client.query('create table maker.mine (id text references twilio.conversations)');
      await expect(making).rejects.toMatchObject({ code: '42501' });
    });
    await admin.query('drop schema maker');
  });

  test('a zone that somebody chose for it stays', async () => {
    const database = pg.escapeIdentifier(opened.connection.database);
    const role = pg.escapeIdentifier(reader);
    await admin.query(`alter role ${role} in database ${database} set timezone = 'Asia/Kolkata'`);
    await grant(reader);
    await whileConnected(reader, async (client) => {
      expect((await client.query('show timezone')).rows).toEqual([{ TimeZone: 'Asia/Kolkata' }]);
    });
  });

  test('sees nothing of twilio_sync, and becomes nobody else', async () => {
    const closed = await relationsOf('twilio_sync');
    expect(closed).toContain('twilio_sync.quarantine');
    await whileConnected(reader, async (client) => {
      for (const name of closed)
        await expect(client.query(`select from ${name}`), name).rejects.toMatchObject({ code: '42501' });
      for (const role of [opened.connection.user, 'pg_read_all_data'])
        await expect(client.query(`set role ${pg.escapeIdentifier(role)}`)).rejects.toMatchObject({ code: '42501' });
    });
  });

  test('has a time limit, in this database alone', async () => {
    await whileConnected(reader, async (client) => {
      expect((await client.query('show statement_timeout')).rows).toEqual([{ statement_timeout: '5min' }]);
    });
    const { rows } = await admin.query('select rolconfig from pg_roles where rolname = $1', [reader]);
    expect(rows).toEqual([{ rolconfig: null }]);
  });

  test('reads what a later migration makes, and still not what that makes in twilio_sync', async () => {
    await admin.query(`create table twilio.later (id int); create view twilio.later_view as select * from twilio.later;
      create table twilio_sync.later (id int);
      create function twilio.later_count() returns bigint language sql security definer set search_path = ''
        as 'select count(*) from twilio_sync.later';
      revoke execute on function twilio.later_count() from public`);
    try {
      await whileConnected(reader, async (client) => {
        for (const from of ['twilio.later', 'twilio.later_view', 'twilio.later_count()'])
          expect((await client.query(`select * from ${from}`)).rowCount).toBeLessThan(2);
        await expect(client.query('select * from twilio_sync.later')).rejects.toMatchObject({ code: '42501' });
      });
    } finally {
      await admin.query(
        'drop function twilio.later_count(); drop view twilio.later_view; drop table twilio.later, twilio_sync.later',
      );
    }
  });

  test('again: its password and what somebody set for it stay; a new password only where asked', async () => {
    const quoted = pg.escapeIdentifier(reader);
    await admin.query(`alter role ${quoted} in database ${opened.connection.database} set statement_timeout = '1h'`);
    expect(await grant(reader)).toEqual({ created: false, passwordSet: false, warnings: [] });
    await whileConnected(reader, async (client) => {
      expect((await client.query('show statement_timeout')).rows).toEqual([{ statement_timeout: '1h' }]);
    });
    const other = 'another password';
    const changed = { role: reader, schema: 'twilio', verifier: scramVerifier(other, randomBytes(16)), change: true };
    expect(await grantReader(database, changed)).toMatchObject({ created: false, passwordSet: true });
    await expect(connect(reader, password)).rejects.toMatchObject({ code: '28P01' });
    await (await connect(reader, other)).end();
  });

  test('several at once on one role: all succeed', async () => {
    const role = named('many');
    const all = await Promise.all(Array.from({ length: 4 }, () => grant(role)));
    expect(all.filter(({ created }) => created)).toHaveLength(1);
  });
});

describe('a role that exists', () => {
  test('loses what it had beyond reading', async () => {
    const role = named('too much');
    const quoted = pg.escapeIdentifier(role);
    await admin.query(`create role ${quoted} login password '${password}' createdb;
      grant usage on schema twilio, twilio_sync to ${quoted};
      grant select on all tables in schema twilio_sync to ${quoted};
      grant insert, delete on twilio.conversations to ${quoted};
      grant update (name) on twilio.conversations to ${quoted};
      alter default privileges in schema twilio, twilio_sync grant select, insert on tables to ${quoted}`);
    expect(await grant(role)).toEqual({
      created: false,
      passwordSet: false,
      warnings: [`"${role}" has CREATEDB, which a reader does not need`],
    });
    await admin.query('create table twilio.later (id int)');
    await whileConnected(role, async (client) => {
      await client.query('set default_transaction_read_only = off');
      for (const statement of [
        'insert into twilio.later values (1)',
        'delete from twilio.conversations',
        'update twilio.conversations set name = null',
        'select * from twilio_sync.windows',
      ])
        await expect(client.query(statement), statement).rejects.toMatchObject({ code: '42501' });
    }).finally(() => admin.query('drop table twilio.later'));
  });

  test('is warned of where row-level security may hide rows from it', async () => {
    const role = named('secured');
    await admin.query('alter table twilio.participants enable row level security');
    try {
      expect((await grant(role)).warnings).toEqual([
        `row-level security hides rows of twilio.participants from "${role}", unless a policy allows them`,
      ]);
      await admin.query(`alter role ${pg.escapeIdentifier(role)} bypassrls`);
      expect((await grant(role)).warnings).toEqual([`"${role}" has BYPASSRLS, which a reader does not need`]);
    } finally {
      await admin.query('alter table twilio.participants disable row level security');
    }
  });

  test('is warned of when it is a member of another, and refused where that opens what is closed', async () => {
    const [role, group] = [named('member'), named('group')];
    const [member, of] = [pg.escapeIdentifier(role), pg.escapeIdentifier(group)];
    await admin.query(
      `create role ${of}; create role ${member} login password '${password}'; grant ${of} to ${member}`,
    );
    expect((await grant(role)).warnings).toEqual([`"${role}" is a member of "${group}", and has its rights too`]);
    await admin.query(`grant usage on schema twilio_sync to ${of}; grant select on twilio_sync.runs to ${of}`);
    await expect(grant(role)).rejects.toThrow(/rights to more .*schema twilio_sync, twilio_sync\.runs\. Nothing was/);
  });

  test('is refused when it is for something else, and is left as it was', async () => {
    const worker = named('worker');
    const quoted = pg.escapeIdentifier(worker);
    await admin.query(`create role ${quoted} login; grant update on twilio_sync.lease to ${quoted}`);
    await expect(grant(worker)).rejects.toThrow(/may write twilio_sync\.lease/);
    const { rows } = await admin.query(`select has_table_privilege($1, 'twilio_sync.lease', 'update') as kept`, [
      worker,
    ]);
    expect(rows).toEqual([{ kept: true }]);
    const superuser = named('superuser');
    await admin.query(`create role ${pg.escapeIdentifier(superuser)} superuser`);
    await expect(grant(superuser)).rejects.toThrow(/superuser/);
    await expect(grant(opened.connection.user)).rejects.toThrow(/connects as/);
  });
});

describe('what stands against it', () => {
  beforeEach(() => admin.query('revoke all on schema twilio_sync from public'));

  test('a schema that is open to everybody: refused, and no role made', async () => {
    const role = named('after public');
    await admin.query('grant usage on schema twilio_sync to public');
    await expect(grant(role)).rejects.toThrow(/schema twilio_sync\. Nothing was changed[\s\S]*from public;/);
    expect((await admin.query('select from pg_roles where rolname = $1', [role])).rowCount).toBe(0);
  });

  test('a user without the right to make roles: refused with a way out, and the SQL does it', async () => {
    const [owner, role] = [named('plain owner'), named("DBA's")];
    const quoted = pg.escapeIdentifier(owner);
    await admin.query(`create role ${quoted} login password '${password}'`);
    const plain = openDatabase({ ...opened.connection, user: owner, password });
    try {
      const refused = grant(role, false, plain);
      await expect(refused).rejects.toThrow(
        /permission denied[\s\S]*nothing was changed[\s\S]*grant-reader 'DBA'\\''s .*' --print/,
      );
      const { script, passwordSet } = await printReader(plain, { role, schema: 'twilio', verifier, change: false });
      expect(passwordSet).toBe(true);
      expect(script).not.toContain(password);
      await admin.query(script);
      await whileConnected(role, (client) => client.query('select from twilio.conversations'));
    } finally {
      await plain.close();
    }
  });

  test('an owner of the schemas who may make roles needs no more', async () => {
    const [owner, role] = [named('able owner'), named('of the owner')];
    const quoted = pg.escapeIdentifier(owner);
    await using fresh = await openTestDatabase();
    const there = new pg.Client(fresh.connection);
    await there.connect();
    await there.query(`create role ${quoted} login createrole password '${password}';
      do $$ declare each text; begin
        for each in select oid::regclass::text from pg_class where relnamespace in ('twilio'::regnamespace, 'twilio_sync'::regnamespace) and relkind in ('r', 'v') loop
          execute 'alter table ' || each || ' owner to ${quoted}'; end loop;
        for each in select oid::regprocedure::text from pg_proc where pronamespace in ('twilio'::regnamespace, 'twilio_sync'::regnamespace) loop
          execute 'alter function ' || each || ' owner to ${quoted}'; end loop;
      end $$; alter schema twilio owner to ${quoted}; alter schema twilio_sync owner to ${quoted}`);
    const own = openDatabase({ ...fresh.connection, user: owner, password });
    try {
      expect(await grant(role, false, own)).toMatchObject({ created: true });
      expect(await grant(role, false, own)).toMatchObject({ created: false });
    } finally {
      await own.close();
      for (const each of [role, owner]) await there.query(`drop owned by ${pg.escapeIdentifier(each)} cascade`);
      await there.end();
    }
  });
});
