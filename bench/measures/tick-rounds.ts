// Ticks by hand: a program put together as `run` does it, passes of the sweeps that a minute's tick asks for, and what each
// cost. Between them the simulator changes ten conversations.

import { setTimeout as wait } from 'node:timers/promises';
import { openProgram } from '../../src/app.ts';
import { readConfig } from '../../src/config/config.ts';
import { openConfigured } from '../../src/database.ts';
import { takeLease } from '../../src/postgres/lease.ts';
import { type Context, createCounts } from '../../src/sync/context.ts';
import type { Sweep } from '../../src/sync/model.ts';
import { pass } from '../../src/sync/pass.ts';
import { createLog } from '../../src/worker/log.ts';
import type { Bench, Filled } from '../bench.ts';
import type { BenchDatabase } from '../postgres.ts';

export interface Tick {
  requests: number;
  statements: number;
  transactions: number;
  buffers: number;
  /** CPU time, in ms. Postgres' is counted in steps of 10. */
  workerMs: number;
  postgresMs: number;
}

/** Conversations that begin, and older open ones in which somebody speaks. */
const changed = { created: 5, said: 5 };
const all = changed.created + changed.said;
/** The fewest requests that could do: a page of new ones, a page of open ones for each of two statuses (they are under 1,000), a detail for each changed one. */
export const leastRequests = 1 + 2 + all;

/** Takes so many ticks, after one that is not counted. */
export async function tickOften(
  bench: Bench,
  { simulator, database }: Filled,
  rounds: number,
  change = changed,
): Promise<Tick[]> {
  await bench.server.countStatements(database);
  const config = readConfig(bench.env(simulator, database), () => '', ['api', 'database', 'filters', 'sync']);
  await using opened = await openConfigured(config.database);
  const lease = await takeLease(opened.database, `bench ${performance.now()}`);
  if (!('epoch' in lease)) throw new Error(`${lease.heldBy} holds the lease`);
  const log = createLog({ level: 'silent' });
  await using program = await openProgram({ config, database: opened.database, epoch: lease.epoch, log });
  const { context } = program;
  // As at a worker's start: open ones from the beginning, and the lookback, whose longer lists prove the shorter ones of ticks.
  await passOf(context, ['lookback']);
  const ticks: Tick[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await simulator.order('change', change);
    // What is created in the second that has begun is listed with the next.
    await wait(1_100);
    await simulator.reset();
    await bench.server.ask('select pg_stat_statements_reset()');
    const [before, postgresBefore] = [process.cpuUsage(), await bench.server.connectionsMs(database)];
    await passOf(context);
    const { user, system } = process.cpuUsage(before);
    const postgresMs = (await bench.server.connectionsMs(database)) - postgresBefore;
    const wanted = change.created + change.said;
    if (context.counts.changed !== wanted)
      throw new Error(`${context.counts.changed} changes were found, not ${wanted}`);
    const { list, detail, resultList } = await simulator.counters();
    const counted = await work(bench, database);
    ticks.push({ requests: list + detail, ...counted, workerMs: (user + system) / 1000, postgresMs });
    bench.say(
      `tick: ${list} lists, ${detail} details, ${resultList} lists of results, ${JSON.stringify(ticks.at(-1))}`,
    );
  }
  await opened.database.run((queries) => queries.sql(`update twilio_sync.lease set expires_at = 0, holder = null`));
  return ticks;
}

async function passOf(context: Context, also: Sweep[] = []): Promise<void> {
  context.counts = createCounts();
  for (const sweep of ['new', 'open', ...also] satisfies Sweep[]) context.requests.sweeps.add(sweep);
  await pass(context, AbortSignal.timeout(150_000));
}

/** What Postgres did for a database since the counters were reset. */
async function work(
  bench: Bench,
  { name }: BenchDatabase,
): Promise<Pick<Tick, 'statements' | 'transactions' | 'buffers'>> {
  const [row] = await bench.server.ask<Pick<Tick, 'statements' | 'transactions' | 'buffers'>>(
    `select sum(calls)::int as statements, coalesce(sum(calls) filter (where query ilike 'begin'), 0)::int as transactions,
       sum(shared_blks_hit + shared_blks_read)::int as buffers
     from pg_stat_statements where dbid = (select oid from pg_database where datname = $1)`,
    [name],
  );
  return row ?? { statements: Number.NaN, transactions: Number.NaN, buffers: Number.NaN };
}

/** Rows that were read by sequential scans of tables with over 1,000 rows so far. Sessions report when they end. */
export async function scannedRows(bench: Bench, { name }: BenchDatabase): Promise<number> {
  await bench.server.quiet(name);
  return await bench.server.within({ name }, async (client) => {
    const { rows } = await client.query<{ scanned: number }>(
      'select coalesce(sum(seq_tup_read), 0)::float8 as scanned from pg_stat_user_tables where n_live_tup > 1000',
    );
    return rows[0]?.scanned ?? Number.NaN;
  });
}
