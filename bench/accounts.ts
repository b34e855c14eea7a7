// What accounts cost in Postgres, whatever is in them: `node bench/accounts.ts`. Makes so many schemas in one database and prints,
// as a table for docs/scale.md, their relations and bytes, the time of a migration, what a connection remembers of them, and what
// a query over all of them locks and takes to plan.

import type pg from 'pg';
import { updateAllViews } from '../src/postgres/all-views.ts';
import { openDatabase } from '../src/postgres/database.ts';
import { migrate } from '../src/postgres/migrate.ts';
import { type BenchDatabase, BenchServer } from './postgres.ts';

interface Cost {
  accounts: number;
  relations: number;
  megabytes: number;
  migrationMs: number;
  /** What a connection remembers of tables that it has read and written, in MB. */
  rememberedMb: number;
  /** Of the views over all; null beyond the most accounts that there are views of. */
  all: {
    makeMs: number;
    locks: number;
    resultLocks: number;
    planMs: number;
    resultsPlanMs: number;
    planMb: number;
  } | null;
}

const numbers = (process.argv.slice(2).length > 0 ? process.argv.slice(2) : ['1', '10', '50', '100', '300']).map(
  Number,
);
const say = (line: string) => void process.stderr.write(`${line}\n`);

await using server = await BenchServer.open();
const database = await server.database('template0');
const costs: Cost[] = [];
const empty = await sizeOf(database);
let made = 0;
for (const accounts of numbers) {
  const startedMs = performance.now();
  const before = made;
  for (; made < accounts; made += 1)
    await migrate({ ...database.connection, schema: schemaOf(made) } as pg.ClientConfig);
  const migrationMs = (performance.now() - startedMs) / Math.max(made - before, 1);
  say(`${accounts} accounts, ${migrationMs.toFixed(0)} ms a migration`);
  const { rememberedMb, relations } = await remember(database, accounts);
  costs.push({
    accounts,
    relations,
    megabytes: ((await sizeOf(database)) - empty) / 1e6,
    migrationMs,
    rememberedMb,
    all: accounts > 100 ? null : await overAll(database, accounts),
  });
}
process.stdout.write(`${tableOf(costs)}\n`);

function schemaOf(at: number): string {
  return `twilio_${at}`;
}

async function sizeOf({ name }: BenchDatabase): Promise<number> {
  const [row] = await server.ask<{ bytes: number }>('select pg_database_size($1)::float8 as bytes', [name]);
  return row?.bytes ?? Number.NaN;
}

/** One connection reads a row of each table, as a worker's connection does in time. */
async function remember(of: BenchDatabase, accounts: number): Promise<{ rememberedMb: number; relations: number }> {
  return await server.within(of, async (client) => {
    const { rows: tables } = await client.query<{ name: string }>(
      `select oid::regclass::text as name from pg_class where relkind = 'r' and relnamespace::regnamespace::text ~ '^twilio_\\d+(_sync)?$'`,
    );
    const before = await memoryOf(client);
    for (const { name } of tables) await client.query(`select from ${name} limit 1`);
    const { rows } = await client.query<{ count: number }>(
      `select count(*)::int as count from pg_class where relkind in ('r', 'i', 'v', 'S') and relnamespace::regnamespace::text ~ '^twilio_\\d+(_sync)?$'`,
    );
    return { rememberedMb: (await memoryOf(client)) - before, relations: (rows[0]?.count ?? Number.NaN) / accounts };
  });
}

async function memoryOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ bytes: number }>(
    'select sum(total_bytes)::float8 as bytes from pg_backend_memory_contexts',
  );
  return (rows[0]?.bytes ?? Number.NaN) / 1e6;
}

async function overAll(of: BenchDatabase, accounts: number): Promise<Cost['all']> {
  const opened = openDatabase(of.connection);
  const startedMs = performance.now();
  const entries = Array.from({ length: accounts }, (_, at) => ({ sid: `AC${at}`, schema: schemaOf(at) }));
  const { kept } = await updateAllViews(opened, entries).finally(opened.close);
  if (kept.length > 0) throw new Error(JSON.stringify(kept[0]));
  const makeMs = performance.now() - startedMs;
  return await server.within(of, async (client) => {
    const explained = async (view: string) => {
      await client.query('begin');
      const statement = `explain (summary, memory, format json) select count(*) from twilio_all.${view}`;
      // The first time reads the catalogue.
      await client.query(statement);
      const { rows } = await client.query<{ 'QUERY PLAN': [{ 'Planning Time': number }] }>(statement);
      const { rows: locks } = await client.query<{ count: number }>(
        `select count(*)::int as count from pg_locks where pid = pg_backend_pid() and locktype = 'relation' and relation::regclass::text like '%twilio%'`,
      );
      await client.query('rollback');
      return {
        planMs: rows[0]?.['QUERY PLAN'][0]['Planning Time'] ?? Number.NaN,
        locks: locks[0]?.count ?? Number.NaN,
      };
    };
    const before = await memoryOf(client);
    const conversations = await explained('conversations');
    const results = await explained('results');
    return {
      makeMs,
      locks: conversations.locks,
      resultLocks: results.locks,
      planMs: conversations.planMs,
      resultsPlanMs: results.planMs,
      planMb: (await memoryOf(client)) - before,
    };
  });
}

function tableOf(all: Cost[]): string {
  const whole = (value: number | undefined) => (value === undefined ? '' : Math.round(value).toLocaleString('en-US'));
  const short = (value: number | undefined) => (value === undefined ? '' : String(Number(value.toPrecision(2))));
  const rows: [string, (cost: Cost) => string][] = [
    ['accounts', ({ accounts }) => whole(accounts)],
    ['tables, indexes, views and sequences of one', ({ relations }) => whole(relations)],
    ['the database without a row, MB', ({ megabytes }) => short(megabytes)],
    ['migration of an empty account, ms', ({ migrationMs }) => whole(migrationMs)],
    ['what a connection remembers of all tables, MB', ({ rememberedMb }) => short(rememberedMb)],
    ['making the views over all, ms', ({ all }) => whole(all?.makeMs)],
    ['locks of a query over all conversations', ({ all }) => whole(all?.locks)],
    ['locks of a query over all results', ({ all }) => whole(all?.resultLocks)],
    ['planning a query over all conversations, ms', ({ all }) => short(all?.planMs)],
    ['planning a query over all results, ms', ({ all }) => short(all?.resultsPlanMs)],
    ['what a connection remembers of these queries, MB', ({ all }) => short(all?.planMb)],
  ];
  const lines = rows.map(([what, value]) => `| ${[what, ...all.map(value)].join(' | ')} |`);
  return [lines[0], `|---|${all.map(() => '---|').join('')}`, ...lines.slice(1)].join('\n');
}
