// SYNC_RETENTION of 30 days over conversations of 300 days, which a worker erases beside its ticks, one every five seconds. Meanwhile
// a conversation begins every second: the time until it is committed says whether erasing holds up the sync.

import { setTimeout as wait } from 'node:timers/promises';
import type { Bench, Measure } from '../bench.ts';
import { madeConversations } from '../conversations.ts';
import type { BenchDatabase } from '../postgres.ts';
import { startOurs } from '../program.ts';
import { type Row, row } from '../row.ts';
import { summarize } from '../statistics.ts';

const days = { all: 300, kept: 30 };
const tickSeconds = 5;
/** A conversation that begins is listed with the next tick if it is this old: see the order `change`. */
const headStartMs = 5_000;
const dayMs = 86_400_000;

interface Erasure {
  conversations: number;
  rows: number;
  seconds: number;
}

export const retention: Measure = {
  name: 'retention',
  async run(bench) {
    const conversations = bench.size(300_000, 3_000);
    const shape = { conversations, days: days.all, open: 100 };
    await using simulator = await bench.simulator(shape);
    const database = await bench.server.database();
    await bench.work(simulator, database);
    const edgeMs = Math.floor((Date.now() - days.kept * dayMs) / dayMs) * dayMs;
    const isKept = ({ createdAt }: { createdAt: string }) => Date.parse(createdAt) >= edgeMs;
    const kept = [...madeConversations('', shape, bench.untilMs, { turn: 0 })].filter(isKept).length;

    const env = {
      ...{ ...bench.env(simulator, database), SYNC_RETENTION: `${days.kept}d`, HTTP_PORT: '0' },
      SYNC_SCHEDULE: `*/${tickSeconds} * * * * *`,
    };
    const worker = startOurs(['run'], env);
    await worker.saw(/"msg":"retention brake"/);
    await startOurs(['sync', '--allow-mass-delete'], env).ended;
    let begun = 0;
    for (; (await storedIn(bench, database, edgeMs)).old > 0; begun += 1) {
      await simulator.order('change', { created: 1, said: 0 });
      await wait(1_000);
    }
    while ((await storedIn(bench, database, edgeMs)).stored < kept + begun) await wait(1_000);
    await worker.stop();
    const erased = await erasureOf(bench, database);
    if (erased.conversations !== conversations - kept) throw new Error(`${erased.conversations} were erased`);
    const waits = await waitsOf(bench, database, begun);
    const again = await secondRun(bench, database, env);
    await bench.server.drop(database);
    const rate = erased.conversations / erased.seconds;
    const { seconds, rows } = erased;
    bench.say(`retention: ${rows} rows of ${erased.conversations} conversations in ${seconds.toFixed(0)} s`);
    const said = `${erased.conversations.toLocaleString('en-US')} of ${conversations.toLocaleString('en-US')}`;
    return [
      figure(`erasing ${said} conversations beside ticks`, 'retention: erased', rate, 'conversations/s'),
      figure('the same: rows', 'retention: rows', rows / seconds, 'rows/s'),
      {
        ...figure(
          `the same: until a new conversation is stored, a tick every ${tickSeconds} s`,
          'retention: new ones',
          0,
          's',
        ),
        value: { ...summarize(waits), unit: 's' },
      },
      figure('a second run: rows written in schema `twilio`', 'retention: rows, again', again, 'rows', 0),
    ];
  },
};

function figure(what: string, short: string, value: number, unit: string, most?: number): Row {
  const bar = most === undefined ? null : ({ is: 'most', at: most } as const);
  return row({
    ...{ measure: 'retention', what, short, against: null, ratio: null, bar },
    value: { median: value, least: value, most: value, unit },
  });
}

interface Stored {
  stored: number;
  /** Older than what is kept. */
  old: number;
}

async function storedIn(bench: Bench, database: BenchDatabase, edgeMs: number): Promise<Stored> {
  const [found] = await ask<Stored>(
    bench,
    database,
    `select count(*)::int as stored, count(*) filter (where created_at < $1)::int as old from twilio.conversations`,
    [new Date(edgeMs)],
  );
  return found ?? { stored: 0, old: 0 };
}

/** @throws unless one row says all of it. */
async function erasureOf(bench: Bench, database: BenchDatabase): Promise<Erasure> {
  const [found, other] = await ask<Erasure>(
    bench,
    database,
    `select conversations, rows::int as rows, extract(epoch from ended_at - began_at)::float8 as seconds
     from twilio_sync.erasures where cause = 'SYNC_RETENTION'`,
  );
  if (found === undefined || other !== undefined) throw new Error('there is no erasure, or more than one');
  return found;
}

/** How long the newest conversations took from their beginning to the commit of their rows, in seconds. */
async function waitsOf(bench: Bench, database: BenchDatabase, count: number): Promise<number[]> {
  const found = await ask<{ ms: number }>(
    bench,
    database,
    `select extract(epoch from pg_xact_commit_timestamp(xmin) - created_at)::float8 * 1000 as ms
     from twilio.conversations order by created_at desc limit $1`,
    [count],
  );
  return found.map(({ ms }) => (ms - headStartMs) / 1000);
}

/** Reconciles. @returns how many rows that wrote. @throws where a day of those kept was not listed completely, or a brake holds. */
async function secondRun(bench: Bench, database: BenchDatabase, env: Record<string, string>): Promise<number> {
  const written = async () => {
    await bench.server.quiet(database.name);
    const [found] = await ask<{ rows: number }>(
      bench,
      database,
      `select sum(n_tup_ins + n_tup_upd + n_tup_del)::int as rows from pg_stat_user_tables where schemaname = 'twilio'`,
    );
    return found?.rows ?? Number.NaN;
  };
  const before = await written();
  await startOurs(['sync', '--reconcile'], env).ended;
  const rows = (await written()) - before;
  const unlisted = await ask(
    bench,
    database,
    `select day::text from twilio.coverage where listed_completely_at is null and day < current_date
     union all select 'brake' from twilio_sync.sweeps where braked
     union all select 'days: ' || count(*) from twilio.coverage having count(*) not between $1 and $1 + 2`,
    [days.kept],
  );
  if (unlisted.length > 0) throw new Error(`the copy is not complete: ${JSON.stringify(unlisted)}`);
  return rows;
}

async function ask<Found extends object>(
  bench: Bench,
  database: BenchDatabase,
  text: string,
  values: unknown[] = [],
): Promise<Found[]> {
  return await bench.server.within(database, async (client) => (await client.query<Found>(text, values)).rows);
}
