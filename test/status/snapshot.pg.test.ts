// The facts that readiness and metrics ask for: that they are right, and cost little however much is stored.

import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { releaseOf } from '../../src/postgres/ledger.ts';
import { readLastSample } from '../../src/postgres/runs.ts';
import { factsStatement, readFacts } from '../../src/status/snapshot.ts';
import { openTestDatabase, type TestDatabase } from '../database.ts';

let target: TestDatabase;
let database: Database;
let client: pg.Client;

beforeAll(async () => {
  target = await openTestDatabase();
  database = openDatabase(target.connection);
  client = new pg.Client(target.connection);
  await client.connect();
});

afterAll(async () => {
  await database?.close();
  await client?.end();
  await target?.[Symbol.asyncDispose]();
});

beforeEach(async () => {
  await client.query(
    `truncate twilio.conversations, twilio_sync.sweeps, twilio_sync.windows, twilio_sync.due, twilio_sync.runs, twilio_sync.results_due, twilio_sync.results_walks cascade;
     update twilio_sync.results_head set mark = null, generation = null, whole_since = null, refused = null, given_up = null`,
  );
});

async function sweep(name: string, fields: { ended?: string; braked?: boolean } = {}): Promise<number> {
  const { rows } = await client.query<{ id: number }>(
    'insert into twilio_sync.sweeps (sweep, ended_at, braked, expected, missing) values ($1, now() - $2::interval, $3, 100, 50) returning id::int as id',
    [name, fields.ended ?? null, fields.braked ?? false],
  );
  return rows[0]?.id ?? 0;
}

async function window(name: string, fields: { completed?: string; failures?: number; error?: string } = {}) {
  await client.query(
    `insert into twilio_sync.windows (sweep_id, sweep, from_at, to_at, cursor, completed_at, failures, error)
     values ($1, $2, now() - interval '1 hour', now(), now(), now() - $3::interval, $4, $5)`,
    [await sweep(name), name, fields.completed ?? null, fields.failures ?? 0, fields.error ?? null],
  );
}

const read = () => readFacts((text) => database.ask(text, 10_000));

test('of an empty database there is nothing to say, but that its tables are right', async () => {
  expect(await read()).toMatchObject({
    ...{ lastTickAt: null, lastTickSecondsAgo: null, newestChangeSecondsAgo: null, pendingWindows: [], progress: null },
    ...{ braked: [], quarantine: 0, results: null, overdue: 0, worker: null },
    evidence: { blocker: null, trouble: null },
  });
  expect([null, 1, Number.MAX_SAFE_INTEGER].map(releaseOf)).toEqual(['older', 'older', 'newer']);
});

test('what there is', async () => {
  const clock = async () => {
    const { rows } = await client.query<{ now: number }>('select extract(epoch from clock_timestamp())::float8 as now');
    return rows[0]?.now ?? 0;
  };
  const before = await clock();
  await window('new', { completed: '5 minutes' });
  await window('open', { completed: '1 minute' });
  await window('backfill', { completed: '2 minutes' });
  for (let count = 0; count < 3; count += 1) await window('backfill', { failures: count });
  await window('open');
  await client.query(`insert into twilio.conversations (id, created_at, first_synced_at, synced_at)
    values ('a', now(), now(), now() - interval '1 hour'), ('b', now(), now(), now() - interval '2 hours')`);
  await client.query(`insert into twilio_sync.due (conversation_id, reason, due_at) values
    ('a', 'failed', now() - interval '1 hour'), ('b', 'failed', now() + interval '1 hour'),
    ('c', 'closed', now() - interval '1 hour'), ('d', 'closed', now() + interval '1 hour'), ('e', 'missing', 'infinity')`);
  const facts = await read();
  expect(facts).toMatchObject({ quarantine: 2, overdue: 1 });
  expect(facts.pendingWindows.map((each) => `${each.sweep} ${each.failures}`).sort()).toEqual([
    'backfill 0',
    'backfill 1',
    'backfill 2',
    'open 0',
  ]);
  const after = await clock();
  // Ages are rounded to the second.
  for (const [age, least] of [
    [facts.lastTickSecondsAgo, 300],
    [facts.newestChangeSecondsAgo, 3600],
  ] as const) {
    expect(age).toBeGreaterThanOrEqual(least);
    expect(age).toBeLessThanOrEqual(Math.ceil(least + after - before));
  }
  expect(Date.parse(facts.lastTickAt ?? '') / 1000).toBeLessThanOrEqual(after - 300);
});

test('reads no table from end to end that grows with what is stored', async () => {
  await client.query(`
    insert into twilio.conversations (id, created_at, first_synced_at, synced_at)
      select 'c' || n, now(), now(), now() - n * interval '1 second' from generate_series(1, 20000) n;
    insert into twilio_sync.due (conversation_id, reason, due_at)
      select 'c' || n, case when n % 1000 = 0 then 'failed' else 'closed' end, now() + (n - 20) * interval '1 hour' from generate_series(1, 20000) n;
    insert into twilio_sync.sweeps (sweep) values ('reconcile');
    insert into twilio_sync.windows (sweep_id, sweep, from_at, to_at, cursor, completed_at)
      select (select max(id) from twilio_sync.sweeps), case when n % 2 = 0 then 'open' else 'reconcile' end, now(), now(), now(),
        case when n > 5 then now() - n * interval '1 minute' end from generate_series(1, 10000) n;
    analyze twilio.conversations, twilio_sync.due, twilio_sync.windows`);
  const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain ${factsStatement()}`);
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
  expect(plan).toMatch(/Index/);
  expect(plan).not.toMatch(/Seq Scan on (conversations|due|fingerprints)/);
  expect(await read()).toMatchObject({ quarantine: 20, overdue: 20 });
});

test('a run that failed is trouble until a window is completed after it', async () => {
  const trouble = async () => (await read()).evidence.trouble;
  const run = (outcome: string | null, error: string | null) =>
    client.query(
      `insert into twilio_sync.runs (command, outcome, error, ended_at)
       values ('run', $1::text, $2, case when $1::text is not null then now() - interval '1 minute' end)`,
      [outcome, error],
    );
  await window('new', { completed: '2 minutes' });
  await run('ok', null);
  expect(await trouble()).toBe(null);
  await run('failed', 'the key is refused');
  await run(null, null);
  expect(await trouble()).toEqual({ outcome: 'failed', error: 'the key is refused' });
  await window('open', { completed: '10 seconds' });
  expect(await trouble()).toBe(null);
  await run('incomplete', 'a page is missing');
  expect((await read()).evidence.failingSince).toMatch(/Z$/);
});

test('a brake holds until the same, or everything, is listed and believed', async () => {
  const braked = async () => (await read()).braked.map((each) => each.sweep);
  await sweep('lookback', { ended: '5 hours', braked: true });
  expect((await read()).braked).toEqual([{ sweep: 'lookback', expected: 100, missing: 50 }]);
  await sweep('range', { ended: '4 hours', braked: true });
  await sweep('new', { ended: '3 hours' });
  await sweep('lookback');
  expect(await braked()).toEqual(['range', 'lookback']);
  // Another one that is stopped takes its place.
  await sweep('lookback', { ended: '2 hours', braked: true });
  await sweep('reconcile', { ended: '110 minutes', braked: true });
  expect(await braked()).toEqual(['reconcile', 'lookback', 'range']);
  await sweep('lookback', { ended: '1 hour' });
  expect(await braked()).toEqual(['reconcile', 'range']);
  await sweep('reconcile', { ended: '1 minute' });
  expect(await braked()).toEqual([]);
});

test('operator results: how far they are, those awaited, those in quarantine, and what stands in their way', async () => {
  const results = async () => (await read()).results;
  await client.query(`update twilio_sync.results_head set generation = 1, mark = now()`);
  expect(await results()).toEqual({
    ...{ loadedAt: null, walk: null, awaited: 0, newestSecondsAgo: null },
    ...{ refused: null, byConversation: null, braked: null },
  });
  await client.query(`
    insert into twilio_sync.results_walks (kind, listed, reached, started_at) values ('all', 2000, '2026-06-01', '2026-06-15');
    insert into twilio_sync.results_walks (kind, listed, failures, error) values ('rest', 10, 3, 'no answer');
    insert into twilio_sync.results_due (conversation_id, operator_result_id, reason, due_at, error) values
      ('a', 'r1', 'linked', now(), null), ('a', 'r2', 'linked', now(), 'refused'), ('a', 'r3', 'gone', 'infinity', null), ('a', 'r4', 'unlinked', now(), null)`);
  expect(await read()).toMatchObject({
    quarantine: 1,
    results: { awaited: 2, walk: { failures: 3, error: 'no answer' } },
  });
  await client.query(`delete from twilio_sync.results_walks where kind = 'rest'`);
  expect((await results())?.walk).toEqual({
    ...{ startedAt: '2026-06-15T00:00:00Z', listed: 2000, reachedAt: '2026-06-01T00:00:00Z', failures: 0, error: null },
  });
  await client.query(`
    update twilio_sync.results_walks set ended_at = now(), braked = true, expected = 100, missing = 50;
    update twilio_sync.results_head set whole_since = '2026-06-15', refused = '403', given_up = 'no order';
    insert into twilio.conversations (id, created_at, first_synced_at, synced_at) values ('a', now(), now(), now());
    insert into twilio.operator_results (conversation_id, id, created_at) values ('a', 'r0', now() - interval '1 hour')`);
  expect(await results()).toMatchObject({
    ...{ loadedAt: '2026-06-15T00:00:00Z', walk: null, refused: '403', byConversation: 'no order' },
    braked: { expected: 100, missing: 50 },
  });
  expect((await results())?.newestSecondsAgo).toBeGreaterThanOrEqual(3600);
});

test('the last sample that was verified is remembered', async () => {
  expect(await readLastSample(database)).toBe(null);
  await client.query(`insert into twilio_sync.runs (command, counts) values
    ('run', '{"verified": 50, "drifted": 3}'), ('run', '{"verified": 50, "drifted": 1}'), ('run', '{"verified": 0, "drifted": 0}'), ('run', null)`);
  expect(await readLastSample(database)).toEqual({ verified: 50, drifted: 1 });
});
