// How whole the copy is, by the function and the view that dashboards ask: for windows and waiting conversations at
// random, the same as a count of every two hours in JavaScript. Each round is a transaction that is taken back.

import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../database.ts';

const hour = 3_600_000;
const day = 24 * hour;
const cell = 2 * hour;
/** Six days, the fifth of which is today. */
const cells = 6 * 12;

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await openTestDatabase();
  client = new pg.Client(database.connection);
  await client.connect();
  await client.query(`set timezone = 'Asia/Kathmandu'`);
});

afterAll(async () => {
  await client?.end();
  await database?.[Symbol.asyncDispose]();
});

interface Listed {
  sweep: string;
  from: number;
  to: number;
  /** Hours ago, each another; null while it is pending. */
  completed: number | null;
}

interface Talk {
  id: string;
  at: number;
  stored: 'open' | 'closed' | 'deleted' | 'no';
  due: { reason: string; attempts: number; dated: boolean } | null;
}

interface Scene {
  history: number | null;
  windows: Listed[];
  talks: Talk[];
}

const edge = fc.integer({ min: 0, max: cells });
const listed = fc
  .record({
    sweep: fc.constantFrom('new', 'lookback', 'backfill', 'reconcile', 'range', 'open'),
    edges: fc.tuple(edge, edge).filter(([a, b]) => a !== b),
    completed: fc.option(fc.integer({ min: 1, max: 1000 }), { freq: 6 }),
  })
  .map(({ sweep, edges, completed }) => ({ sweep, from: Math.min(...edges), to: Math.max(...edges), completed }));

const talk = fc.record({
  at: fc.integer({ min: -12, max: cells + 12 }),
  stored: fc.constantFrom('open', 'closed', 'deleted', 'no'),
  due: fc.option(
    fc.record({
      reason: fc.constantFrom('failed', 'absent', 'behind', 'closed'),
      attempts: fc.integer({ min: 1, max: 6 }),
      dated: fc.boolean(),
    }),
  ),
});

const scene: fc.Arbitrary<Scene> = fc.record({
  history: fc.option(fc.integer({ min: 0, max: 40 }), { freq: 9 }),
  windows: fc.array(listed, { maxLength: 9 }),
  talks: fc
    .array(talk, { maxLength: 9 })
    .map((talks) => talks.map((each, index) => ({ ...each, id: `t${index}` }) satisfies Talk)),
});

async function played<Result>({ history, windows, talks }: Scene, ask: (base: number) => Promise<Result>) {
  await client.query('begin');
  try {
    const { rows } = await client.query<{ today: number }>(
      `select extract(epoch from date_trunc('day', now() at time zone 'UTC'))::float8 * 1000 as today`,
    );
    const base = (rows[0]?.today ?? 0) - 4 * day;
    const time = (at: number | null) => at && new Date(base + at * cell).toISOString();
    const from = history === null ? null : new Date(base + history * cell).toISOString();
    await client.query(
      `insert into twilio_sync.scope (account_sid, base_url, filters, history_from) values ('AC1', 'u', '{}', $1)`,
      [from],
    );
    await client.query(`insert into twilio_sync.sweeps (sweep) values ('new')`);
    for (const each of windows) {
      await client.query(
        `insert into twilio_sync.windows (sweep_id, sweep, from_at, to_at, cursor, completed_at)
         select max(id), $1, to_timestamp($2), to_timestamp($3), to_timestamp($2), now() - $4 * interval '1 hour' from twilio_sync.sweeps`,
        [each.sweep, (base + each.from * cell) / 1000, (base + each.to * cell) / 1000, each.completed],
      );
    }
    for (const { id, at, stored, due } of talks) {
      const status = stored === 'closed' ? 'CLOSED' : 'ACTIVE';
      const createdAt = time(at) || new Date(base).toISOString();
      if (stored !== 'no')
        await client.query(
          `insert into twilio.conversations (id, status, created_at, first_synced_at, synced_at, deleted_at)
           values ($1, $2, $3::timestamptz + interval '90 minutes', now(), now(), case when $4 then now() end)`,
          [id, status, createdAt, stored === 'deleted'],
        );
      if (due !== null)
        await client.query(
          `insert into twilio_sync.due (conversation_id, reason, due_at, attempts, created_from)
           values ($1, $2, now(), $3, case when $5 then $4::timestamptz + interval '90 minutes' end)`,
          [id, due.reason, due.attempts, createdAt, due.dated],
        );
    }
    return await ask(base);
  } finally {
    await client.query('rollback');
  }
}

interface Day {
  day: string;
  listed_completely_at: number | null;
  stored: number;
  open: number;
  quarantined: number;
  awaited: number;
  deleted: number;
  results_awaited: number;
}

async function answers() {
  const { rows } = await client.query<{ now: number; through: number | null; days: Day[] | null }>(
    `select extract(epoch from now())::float8 * 1000 as now,
       round(extract(epoch from twilio.data_complete_through()) * 1000)::float8 as through,
       (select jsonb_agg(to_jsonb(c) || jsonb_build_object('listed_completely_at',
          round(extract(epoch from now() - listed_completely_at) / 3600)) order by day) from twilio.coverage c) as days`,
  );
  const [row] = rows;
  if (row === undefined) throw new Error('the database gave no answer');
  return { ...row, days: row.days ?? [] };
}

const isAwaited = ({ stored, due }: Talk) =>
  due?.dated === true &&
  (stored === 'no' || stored === 'deleted') &&
  (due.reason === 'failed' || (due.reason === 'absent' && due.attempts <= 3));

/** How many hours ago a cell was last listed. */
function newest(windows: Listed[], at: number): number | null {
  const over = windows.filter(({ sweep, from, to }) => sweep !== 'open' && from <= at && at < to);
  const ages = over.flatMap(({ completed }) => (completed === null ? [] : completed));
  return ages.length === 0 ? null : Math.min(...ages);
}

function expectedThrough({ history, windows, talks }: Scene): number | null {
  if (history === null) return null;
  let at = history;
  while (newest(windows, at) !== null) at += 1;
  const held = talks.filter((each) => isAwaited(each) && each.at >= history).map((each) => each.at + 0.75);
  const through = Math.min(at, ...held);
  return through > history ? through : null;
}

function expectedDays({ history, windows, talks }: Scene, base: number, now: number): Day[] {
  const dayOf = (at: number) => Math.floor((at + 0.75) / 12);
  const shown = new Set(
    talks.filter((t) => t.stored !== 'no' && (history === null || t.at < history)).map((t) => dayOf(t.at)),
  );
  for (const t of talks) {
    if (t.stored !== 'no' && base + (t.at + 0.75) * cell > now) shown.add(dayOf(t.at));
    const known = t.stored !== 'no' || t.due?.dated;
    if (known && t.due?.reason === 'failed') shown.add(dayOf(t.at));
    if (isAwaited(t)) shown.add(dayOf(t.at));
  }
  if (history !== null) for (let d = Math.floor(history / 12); d <= 4; d += 1) shown.add(d);
  const reached = Math.max(
    ...windows.flatMap(({ sweep, to, completed }) => (completed !== null && sweep !== 'open' ? to : [])),
  );
  return [...shown]
    .sort((a, b) => a - b)
    .map((d) => {
      const begins = history !== null && history > d * 12 && history < d * 12 + 12 ? history : d * 12;
      const ends = d < 4 ? d * 12 + 12 : Math.min(d * 12 + 12, reached);
      const ages = Array.from({ length: Math.max(0, ends - begins) }, (_, at) => newest(windows, begins + at));
      const whole = ages.length > 0 && ages.every((age) => age !== null);
      const of = talks.filter((t) => dayOf(t.at) === d);
      const kept = of.filter(({ stored }) => stored === 'open' || stored === 'closed');
      return {
        day: new Date(base + d * day).toISOString().slice(0, 10),
        listed_completely_at: whole ? Math.max(...ages.map(Number)) : null,
        stored: kept.length,
        open: kept.filter(({ stored }) => stored === 'open').length,
        quarantined: of.filter(({ stored, due }) => due?.reason === 'failed' && (stored !== 'no' || due.dated)).length,
        awaited: of.filter(isAwaited).length,
        deleted: of.filter(({ stored }) => stored === 'deleted').length,
        results_awaited: 0,
      };
    });
}

test('are what counting says, whatever was listed and is stored', async () => {
  const seen = { through: 0, held: 0, whole: 0, partly: 0 };
  await fc.assert(
    fc.asyncProperty(scene, async (each) => {
      await played(each, async (base) => {
        const { now, through, days } = await answers();
        const expected = expectedThrough(each);
        expect(through).toBe(expected === null ? null : base + expected * cell);
        expect(days).toEqual(expectedDays(each, base, now));
        if (through !== null) seen.through += 1;
        if (expected !== null && !Number.isInteger(expected)) seen.held += 1;
        if (days.some((d) => d.listed_completely_at !== null)) seen.whole += 1;
        if (through === null && days.some((d) => d.listed_completely_at !== null)) seen.partly += 1;
      });
    }),
    { numRuns: 300 },
  );
  for (const [what, times] of Object.entries(seen)) expect(times, what).toBeGreaterThan(0);
});

test('a reader of schema twilio alone can ask both, and sees nothing of the bookkeeping', async () => {
  const name = `reader_${database.connection.database}`;
  await client.query('begin');
  try {
    await client.query(`create role ${name}; grant usage on schema twilio to ${name};
      grant select on all tables in schema twilio to ${name}; set local role ${name}`);
    // A table of the reader's own making does not come before the one that is meant.
    await client.query(`create temporary table windows (from_at int); set local search_path = pg_temp, pg_catalog`);
    expect((await answers()).through).toBe(null);
    await expect(client.query('select from twilio_sync.windows')).rejects.toMatchObject({ code: '42501' });
  } finally {
    await client.query('rollback');
  }
});
