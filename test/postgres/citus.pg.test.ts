// On a Citus cluster: what is stored, what readers see and what migrations do are the same once the tables are distributed.

import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CitusFacts, readCitus } from '../../src/postgres/citus.ts';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { CannotDistribute, distributeTables } from '../../src/postgres/distribute.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { channel } from '../../src/postgres/notify.ts';
import { buildSearchIndex, dropSearchIndex, readSearchIndex } from '../../src/postgres/search-index.ts';
import { forget } from '../../src/postgres/tombstones.ts';
import { grantReader } from '../../src/readers/grant.ts';
import { scramVerifier } from '../../src/readers/scram.ts';
import { describeOnCitus, openCitusDatabase } from '../citus.ts';
import { openTestDatabase } from '../database.ts';
import { openReader, type Reader } from '../reader.ts';
import { blocks, documentOf } from '../readme.ts';
import { World } from '../world.ts';
import { migrateUpTo } from './earlier.ts';

const password = 'a password of some length';

/** Every query of the documents that is one select. */
const documented = ['docs/queries.md', 'docs/tables.md', 'docs/bi.md', 'docs/privacy.md']
  .flatMap((path) => blocks(documentOf(path).text, 'sql'))
  .map((text) => text.replace(/;\s*$/, ''))
  .filter((text) => /^\s*(--.*\n\s*)*(select|with)\b/i.test(text) && !/;|analytics\.|:'?last|\$1/.test(text));

async function factsOf(database: Database): Promise<CitusFacts> {
  return await database.run(({ sql }) => readCitus(sql));
}

test('a database without Citus is told what to do', async () => {
  await using database = await openTestDatabase();
  await expect(distributeTables(database.connection)).rejects.toThrow(CannotDistribute);
  await expect(distributeTables(database.connection)).rejects.toThrow(/create extension citus/);
});

describeOnCitus('an account on Citus', () => {
  let world: World;
  let reader: Reader;
  let database: Database;
  let anonymous: pg.Client;
  let anonymousRole: string;

  beforeAll(async () => {
    const opened = await openCitusDatabase();
    await migrate(opened.connection);
    world = await World.open({
      database: opened,
      conversations: 300,
      days: 45,
      wild: true,
      crowd: 10,
      results: true,
      notify: true,
    });
    await world.sync();
    await world.pass('lookback');
    const [gone = ''] = world.source.ids();
    world.source.remove(gone);
    world.nowMs += 60_000;
    await world.sync({ reconcile: true });
    database = openDatabase(opened.connection);
    reader = await openReader(world);
    anonymousRole = `anonymous_${opened.connection.database}`;
    const verifier = scramVerifier(password, randomBytes(16));
    await grantReader(database, { role: anonymousRole, schema: 'twilio', anonymous: true, verifier, change: false });
    anonymous = new pg.Client({ ...opened.connection, user: anonymousRole, password });
    await anonymous.connect();
  });

  afterAll(async () => {
    await reader?.[Symbol.asyncDispose]();
    await anonymous?.end();
    await world?.pool.query(`drop owned by ${anonymousRole}; drop role ${anonymousRole}`);
    await database?.close();
    await world?.[Symbol.asyncDispose]();
  });

  const relationsIn = async (schema: string) =>
    (
      await world.pool.query<{ name: string }>(
        `select format('%I.%I', nspname, relname) as name from pg_class join pg_namespace on pg_namespace.oid = relnamespace
         where nspname = $1 and relkind in ('r', 'v') order by 1`,
        [schema],
      )
    ).rows.map(({ name }) => name);

  /** What readers see, in an order that does not depend on how it was read. */
  async function seen(): Promise<Map<string, string[]>> {
    const found = new Map<string, string[]>();
    const sorted = (rows: unknown[]) => rows.map((row) => JSON.stringify(row)).sort();
    for (const name of await relationsIn('twilio'))
      found.set(name, sorted(await reader.values(`select * from ${name}`)));
    // What reads the bookkeeping is not for readers.
    const ask = async (query: string) =>
      query.includes('twilio_sync.') ? (await world.pool.query(query)).rows : await reader.values(query);
    for (const query of [
      ...documented,
      `select * from twilio.search_communications('invoice or refund', '2026-01-01')`,
    ])
      found.set(query, sorted(await ask(query)));
    for (const name of await relationsIn('twilio_anonymous')) {
      found.set(name, sorted((await anonymous.query(`select * from ${name}`)).rows));
    }
    return found;
  }

  test('filled tables are distributed, and views, documented queries and search give readers the same', async () => {
    const before = await seen();
    expect(documented.length).toBeGreaterThan(25);
    expect([...before.values()].filter((rows) => rows.length > 0).length).toBeGreaterThan(45);
    expect(await distributeTables(world.database.connection)).toContain('twilio_sync.due');
    const { tables, node } = await factsOf(database);
    expect(new Set(tables.map(({ kind, group }) => `${kind} ${group}`)).size).toBe(1);
    expect(tables[0]?.kind).toBe('single');
    expect(node).toMatch(/:\d+$/);
    for (const [query, rows] of await seen()) expect(rows, query).toEqual(before.get(query));
  });

  test('no row stays on the coordinator, and the foreign keys are there', async () => {
    const { rows } = await world.pool.query<{ bytes: string }>(
      `select coalesce(sum(pg_relation_size(oid)), 0) as bytes from pg_class where relkind = 'r'
       and relnamespace in ('twilio'::regnamespace, 'twilio_sync'::regnamespace)`,
    );
    expect(Number(rows[0]?.bytes)).toBe(0);
    const { rows: keys } = await world.pool.query(
      `select from pg_constraint where contype = 'f' and connamespace = 'twilio'::regnamespace`,
    );
    expect(keys.length).toBeGreaterThan(8);
  });

  test('to do it again changes nothing', async () => {
    expect(await distributeTables(world.database.connection)).toEqual([]);
    expect(await world.allDifferences()).toEqual([]);
  });

  test('changes, deletions, new results and what is forgotten are as in the source', async () => {
    const { source } = world;
    const ids = source.ids();
    for (const id of ids.slice(0, 30)) source.say(id, `More of ${id}`);
    for (const id of ids.slice(30, 60)) source.addResult(id);
    for (const id of ids.slice(60, 63)) source.remove(id);
    for (let at = 0; at < 40; at += 1) source.addResult(source.create({ name: `New ${at}` }).id);
    world.nowMs += 3_600_000;
    await world.sync({ reconcile: true });
    expect(await world.allDifferences()).toEqual([]);
    expect((await world.verify('full')).findings).toEqual([]);

    const [forgotten = ''] = ids.slice(100);
    const [counts] = await forget(database, [forgotten]);
    expect(counts?.rows['conversations']).toBe(1);
    await world.sync({ reconcile: true });
    const { rows } = await world.pool.query('select from twilio.conversations where id = $1', [forgotten]);
    expect(rows).toEqual([]);
    source.remove(forgotten);
    expect(await world.allDifferences()).toEqual([]);
  });

  test('a stored change is notified to who listens on the coordinator', async () => {
    const listener = new pg.Client(world.database.connection);
    await listener.connect();
    const heard: (string | undefined)[] = [];
    listener.on('notification', ({ payload }) => heard.push(payload));
    await listener.query(`listen ${channel}`);
    const { id } = world.source.create({ name: 'Somebody' });
    world.nowMs += 60_000;
    await world.sync();
    await listener.query('select');
    await listener.end();
    expect(heard).toContain(id);
  });

  test('the search index is built, used and dropped', async () => {
    const facts = await database.run((queries) => readSearchIndex(queries, 'simple'));
    const wanted = `select conversation_id, communication_id from twilio.search_communications('invoice', '2026-01-01')`;
    const without = await reader.rows(wanted);
    await buildSearchIndex(database, facts.found?.oid ?? '', new AbortController().signal, () => {});
    const built = await database.run((queries) => readSearchIndex(queries, 'simple'));
    expect(built.index).toMatchObject({ configuration: 'simple', valid: true });
    const found = await reader.rows(wanted);
    expect(found.length).toBeGreaterThan(0);
    expect(found).toEqual(without);
    await dropSearchIndex(database);
    expect((await database.run((queries) => readSearchIndex(queries, 'simple'))).index).toBeNull();
  });
});

describeOnCitus('a release on Citus', () => {
  test('migrates distributed tables, and puts new ones beside them', async () => {
    await using opened = await openCitusDatabase();
    const client = new pg.Client(opened.connection);
    await client.connect();
    await migrateUpTo(client, 17);
    await client.end();
    await distributeTables(opened.connection);
    expect(await migrate(opened.connection)).toBeGreaterThan(3);
    const database = openDatabase(opened.connection);
    const { tables, views, foreignKeys } = await factsOf(database).finally(database.close);
    expect(tables.filter(({ kind }) => kind !== 'single')).toEqual([]);
    expect(new Set(tables.map(({ group }) => group)).size).toBe(1);
    expect(tables.map(({ name }) => name)).toContain('twilio_sync.retention');
    expect([views, foreignKeys.length]).toEqual([[], 10]);
    await using world = await World.open({ database: opened, conversations: 30 });
    await world.sync();
    expect(await world.differences()).toEqual([]);
  });
});
