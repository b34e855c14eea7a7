// Sweeps as rows, and what they found missing: held by the sweep that missed it last, let go where that ends or can get no
// further, and handed over to the sweep that replaces it.

import type { QueryResultRow } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import type { Store } from '../../src/sync/context.ts';
import type { Checkpoint, Missing, Sweep, Window } from '../../src/sync/model.ts';
import { openTestDatabase, type TestDatabase } from '../database.ts';
import { changeOf, detailOf, markOf, now, seizeStore } from './batch.ts';

const day = 86_400;
let opened: TestDatabase;
let database: Database;
let store: Store;

beforeAll(async () => {
  opened = await openTestDatabase();
  database = openDatabase(opened.connection);
  store = await seizeStore(database);
});

afterAll(async () => {
  await database.close();
  await opened[Symbol.asyncDispose]();
});

beforeEach(async () => {
  for (const table of ['twilio.conversations', 'twilio_sync.due', 'twilio_sync.sweeps', 'twilio_sync.scope'])
    await query(`delete from ${table}`);
});

const query = <Row extends QueryResultRow>(text: string, values: unknown[] = []) =>
  database.run(({ sql }) => sql<Row>(text, values));
const never = () => false;
const always = () => true;

/** Plans a sweep of windows of a day, newest first. */
async function planned(sweep: Sweep, days = 2): Promise<[Window, ...Window[]]> {
  const stretches = Array.from({ length: days }, (_, at) => ({ from: now - (at + 1) * day, to: now - at * day }));
  const [first, ...rest] = await store.plan(sweep, stretches);
  if (first === undefined) throw new Error('nothing was planned');
  return [first, ...rest];
}

const listed = (window: Window | undefined, fields: Partial<Checkpoint> = {}) => {
  if (window === undefined) throw new Error('there is no such window');
  return store.load([], markOf(window, fields), now);
};

async function failed(windows: Window[]): Promise<void> {
  for (const window of windows) await store.fail(window, 'not now');
}

/** Due rows: which sweep holds each, null where it is let go. */
async function held(): Promise<Record<string, number | null>> {
  const rows = await query<{ id: string; sweep: number | null }>(
    'select conversation_id as id, sweep_id::int as sweep from twilio_sync.due order by 1',
  );
  return Object.fromEntries(rows.map(({ id, sweep }) => [id, sweep]));
}

test('what two sweeps miss is held, and counted, by the one that missed it last', async () => {
  const [first] = await planned('reconcile');
  const [second] = await planned('lookback', 1);
  await listed(first, { missing: ['a', 'b'], expected: 9 });
  const [before] = (await store.known(['a'])).get('a')?.due ?? [];
  await listed(second, { missing: ['a', 'c'], expected: 5 });
  expect(await held()).toEqual({ a: second.sweepId, b: first.sweepId, c: second.sweepId });
  // Whoever read the row before has not seen this.
  expect((await store.known(['a'])).get('a')?.due[0]?.number).not.toBe(before?.number);
  expect(await store.endSweeps(now, never)).toEqual([{ sweep: 'lookback', expected: 5, missing: 2, braked: false }]);
  expect(await held()).toEqual({ a: null, b: first.sweepId, c: null });
});

test('what is let go stays so, and is not counted again', async () => {
  const [first] = await planned('lookback', 1);
  await listed(first, { missing: ['a'] });
  await store.endSweeps(now, never);
  const [second] = await planned('lookback', 1);
  await listed(second, { missing: ['a'], expected: 5 });
  expect(await held()).toEqual({ a: null });
  expect(await store.endSweeps(now, never)).toMatchObject([{ missing: 0 }]);
});

test('a sweep that gets on lets nothing go; one that can get no further does, and does not end', async () => {
  const [first, second] = await planned('reconcile');
  await listed(first, { missing: ['a'], expected: 9 });
  expect(await store.endSweeps(now, never)).toEqual([]);
  expect(await held()).toEqual({ a: first.sweepId });
  await failed([second as Window]);
  expect(await store.endSweeps(now, never)).toEqual([]);
  expect(await held()).toEqual({ a: null });
  expect(await query('select ended_at, braked from twilio_sync.sweeps')).toEqual([{ ended_at: null, braked: false }]);
  await listed(second, { missing: ['b'], expected: 1 });
  expect(await store.endSweeps(now, never)).toEqual([{ sweep: 'reconcile', expected: 10, missing: 2, braked: false }]);
});

test('the brake holds a sweep that can get no further, says so once, and keeps what it holds until it ends', async () => {
  const [first, second] = await planned('reconcile');
  await listed(first, { missing: ['a'], expected: 9 });
  await failed([second as Window]);
  expect(await store.endSweeps(now, always)).toEqual([{ sweep: 'reconcile', expected: 9, missing: 1, braked: true }]);
  expect(await store.endSweeps(now, always)).toEqual([]);
  expect(await held()).toEqual({ a: first.sweepId });
  await listed(second);
  expect(await store.endSweeps(now, always)).toMatchObject([{ braked: true }]);
  expect(await held()).toEqual({});
});

test('a failure that is noted before the slices above it are stored is not forgotten with them', async () => {
  const [window] = await planned('new', 1);
  await store.fail(window, 'not now');
  await listed(window, { cursor: window.to - 100 });
  const failures = async () => (await store.windows()).pending.map((each) => each.failures);
  expect(await failures()).toEqual([1]);
  const [again] = (await store.windows()).pending;
  await listed(again, { cursor: window.to - 200 });
  expect(await failures()).toEqual([0]);
});

test.each<Sweep>(['new', 'open', 'lookback', 'reconcile'])(
  '%s: the next one replaces an unfinished one',
  async (sweep) => {
    const [done, begun, untouched] = await planned(sweep, 3);
    await listed(done, { missing: ['a'] });
    await listed(begun, { cursor: (begun as Window).to - 100 });
    await failed([begun, untouched] as Window[]);
    const [window] = await planned(sweep, 1);
    expect(await query('select id::int as id, missing from twilio_sync.sweeps')).toEqual([
      { id: window.sweepId, missing: 0 },
    ]);
    const { pending, covered } = await store.windows();
    expect(pending).toMatchObject([window]);
    const records =
      sweep === 'open'
        ? []
        : [
            { from: now - day, to: now },
            { from: now - day - 100, to: now - day },
          ];
    expect(covered.map(({ from, to }) => ({ from, to }))).toEqual(records);
    expect(await held()).toEqual({ a: sweep === 'open' ? null : window.sweepId });
  },
);

test.each<Sweep>(['backfill', 'range'])('%s: each stays, whatever comes after it', async (sweep) => {
  await failed(await planned(sweep));
  await planned(sweep);
  expect((await store.windows()).pending).toHaveLength(4);
});

test('of what it replaces, a sweep counts what it holds, though it may not have looked there', async () => {
  const [first, second] = await planned('reconcile');
  await listed(first, { missing: ['a', 'b', 'c'], expected: 9 });
  await failed([second as Window]);
  const [again, elsewhere] = await planned('reconcile');
  await failed([again]);
  await listed(elsewhere, { expected: 5 });
  const found: Missing[] = [];
  await store.endSweeps(now, (each) => found.push(each) > 0);
  expect(found).toMatchObject([{ expected: 5, missing: 3, complete: false }]);
  // Looked for again, and missed again, each counts once.
  await listed(again, { missing: ['a', 'b', 'c'], expected: 9 });
  expect(await store.endSweeps(now, always)).toMatchObject([{ expected: 14, missing: 3 }]);
});

test('the end of a reconcile is told what retention at the source goes by', async () => {
  await query(
    `insert into twilio_sync.scope (account_sid, base_url, filters, created_at) values ('AC1', 'u', '{}', now() - interval '9 days')`,
  );
  const at = Date.parse('2026-05-28T20:00:00Z') / 1000;
  const created = (id: string, ago: number) =>
    changeOf(detailOf(id, { createdAt: new Date((at - ago) * 1000).toISOString() }));
  await store.load([created('a', 10), created('b', 20), created('c', 30)], null, now);
  const found = async (braked: boolean) => {
    const seen: Missing[] = [];
    const [first, second] = await planned('reconcile');
    await listed(first, { missing: ['a', 'c'], oldest: at, listed: 1 });
    await listed(second, { missing: ['b'], oldest: at - 5, listed: 1 });
    await store.endSweeps(now, (each) => {
      seen.push(each);
      return braked;
    });
    await query('delete from twilio_sync.due');
    return seen[0];
  };
  const told = { complete: true, oldestListed: at - 5, oldestMissing: at - 30, newestMissing: at - 10 };
  expect(await found(true)).toMatchObject(told);
  // The brake held: it is as if none had been.
  expect((await found(false))?.secondsSinceReconcile).toBeCloseTo(9 * day, -2);
  await query(`update twilio_sync.sweeps set ended_at = now() - interval '40 days' where not braked`);
  // Kept, though old: it is the last that was believed.
  expect((await found(true))?.secondsSinceReconcile).toBeCloseTo(40 * day, -2);
  expect((await found(true))?.secondsSinceReconcile).toBeCloseTo(40 * day, -2);
});
