// A reader without personal data: what it sees, read through its own connection, holds nothing personal, and everything else.

import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '../../src/postgres/database.ts';
import { knownMigrations } from '../../src/postgres/ledger.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { grantReader, printReader } from '../../src/readers/grant.ts';
import { scramVerifier } from '../../src/readers/scram.ts';
import { createMask } from '../../src/sync/mask.ts';
import { tablesOf } from '../../src/sync/tables.ts';
import { openEmptyDatabase } from '../database.ts';
import { foundIn } from '../dump.ts';
import { migrateUpTo } from '../postgres/earlier.ts';
import { traces } from '../privacy/masked.ts';
import { World } from '../world.ts';

const password = 'a password of some length';
const verifier = scramVerifier(password, randomBytes(16));

let world: World;
let role: string;

beforeAll(async () => {
  world = await World.open({ conversations: 150, days: 30, wild: true, results: true });
  // The second looks for names, and makes the views of operators.
  await world.sync();
  await world.pass('lookback');
  role = `anonymous ${world.database.connection.database}`;
});

afterAll(async () => {
  const quoted = pg.escapeIdentifier(role);
  await world.pool.query(`drop owned by ${quoted}; drop role ${quoted}`);
  await world[Symbol.asyncDispose]();
});

async function grant(anonymous: boolean): Promise<unknown> {
  const database = openDatabase(world.database.connection);
  return await grantReader(database, { role, schema: 'twilio', anonymous, verifier, change: false }).finally(
    database.close,
  );
}

async function read<Row extends pg.QueryResultRow>(text: string): Promise<Row[]> {
  const client = new pg.Client({ ...world.database.connection, user: role, password });
  await client.connect();
  return (await client.query<Row>(text).finally(() => client.end())).rows;
}

/** What it can read: of each relation the columns. */
async function columnsSeen(): Promise<Map<string, string[]>> {
  const rows = await read<{ name: string; columns: string[] }>(
    `select table_name as name, array_agg(column_name::text order by ordinal_position) as columns from information_schema.columns
     where table_schema like 'twilio%' group by 1`,
  );
  return new Map(rows.map(({ name, columns }) => [name, columns]));
}

async function seen(): Promise<string> {
  const parts: string[] = [];
  for (const name of (await columnsSeen()).keys()) {
    const rows = await read<{ row: string }>(
      `select to_jsonb(each)::text as row from ${pg.escapeIdentifier(name)} as each`,
    );
    parts.push(...rows.map(({ row }) => `${name} ${row}`));
  }
  return parts.join('\n');
}

test('sees every table without its personal columns, and every view that has others', async () => {
  expect(await grant(true)).toMatchObject({ created: true, warnings: [] });
  const columns = await columnsSeen();
  const tables = Object.values(tablesOf).flat();
  for (const { name, columns: described } of tables) {
    const left = Object.keys(described).filter((column) => described[column]?.personal === undefined);
    expect(columns.get(name), name).toEqual(expect.arrayContaining(left));
    expect((columns.get(name) ?? []).filter((column) => described[column]?.personal !== undefined)).toEqual([]);
  }
  const { rows } = await world.pool.query<{ name: string }>(
    `select relname::text as name from pg_class where relnamespace = 'twilio'::regnamespace and relkind in ('r', 'v') and relname !~ '^result_'`,
  );
  // Whoever adds a view to the schema decides what of it is personal.
  expect([...columns.keys()].sort()).toEqual(rows.map(({ name }) => name).sort());
});

test('finds nothing personal by select *, and all conversations', async () => {
  const secret = traces(world, createMask({ omit: ['texts', 'names', 'addresses', 'results'], hash: [], key: '' }));
  const text = await seen();
  expect(secret.size).toBeGreaterThan(150);
  expect(foundIn(text, secret)).toEqual([]);
  expect(await read('select id from conversations')).toHaveLength(150);
});

test('is refused everything else', async () => {
  for (const name of ['twilio.conversations', 'twilio.transcripts', 'twilio_sync.fingerprints'])
    await expect(read(`select * from ${name}`), name).rejects.toMatchObject({ code: '42501' });
  await expect(read(`select * from twilio.search_communications('a')`)).rejects.toMatchObject({ code: '42501' });
  await expect(read('begin read write; create table twilio_anonymous.mine ()')).rejects.toMatchObject({
    code: '42501',
  });
});

test('can be made of a reader of everything, and back; the SQL for an administrator is the same', async () => {
  expect(await grant(false)).toMatchObject({ created: false });
  expect(await read('select name from twilio.conversations')).toHaveLength(150);
  expect(await grant(true)).toMatchObject({ created: false });
  await expect(read('select name from twilio.conversations')).rejects.toMatchObject({ code: '42501' });
  const database = openDatabase(world.database.connection);
  const { script } = await printReader(database, {
    role,
    schema: 'twilio',
    anonymous: true,
    verifier,
    change: false,
  }).finally(database.close);
  await world.pool.query(script);
  expect(await read('select id from conversations')).toHaveLength(150);
});

test('keeps its views through migrations of their owner, with what those add, also if an administrator made them', async () => {
  await using opened = await openEmptyDatabase();
  const { database: name } = opened.connection;
  const [worker, analyst] = [`worker of ${name}`, `analyst of ${name}`];
  const quoted = pg.escapeIdentifier(worker);
  const admin = new pg.Client(opened.connection);
  await admin.connect();
  try {
    await admin.query(`create role ${quoted} login password '${password}'`);
    await admin.query(`grant create on database ${pg.escapeIdentifier(name)} to ${quoted}`);
    const own = { ...opened.connection, user: worker, password, schema: 'Acme' };
    const client = new pg.Client(own);
    await client.connect();
    // Before there were computed columns.
    await migrateUpTo(client, 10, 'Acme').finally(() => client.end());
    const ofAdmin = { ...opened.connection, schema: 'Acme' };
    const database = openDatabase(ofAdmin);
    const wanted = { role: analyst, schema: 'Acme', anonymous: true, verifier, change: false };
    expect(await grantReader(database, wanted).finally(database.close)).toMatchObject({ created: true });
    expect(await migrate(own)).toBe(knownMigrations().length - 10);
    await admin.query(
      `insert into "Acme".conversations (id, name, words, created_at, first_synced_at, synced_at) values ('c', 'Ada', 3, now(), now(), now())`,
    );
    const reader = new pg.Client({ ...opened.connection, user: analyst, password });
    await reader.connect();
    const { rows } = await reader
      .query(
        'select c.words, m.words as again from conversations c join conversation_metrics m on conversation_id = id',
      )
      .finally(() => reader.end());
    expect(rows).toEqual([{ words: 3, again: 3 }]);
  } finally {
    for (const role of [analyst, worker]) {
      const dropped = pg.escapeIdentifier(role);
      await admin.query(`drop owned by ${dropped}; drop role ${dropped}`);
    }
    await admin.end();
  }
});
