// What a database is a copy of: one account behind one URL, under filters that may change.

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { noFilters } from '../../src/config/config.ts';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { enterScope, refuseWrongScope, type Scope, WrongScope } from '../../src/postgres/scope.ts';
import type { Store } from '../../src/sync/context.ts';
import { openTestDatabase, type TestDatabase } from '../database.ts';
import { changeOf, detailOf, dueOf, markOf, now, seizeStore } from './batch.ts';

let opened: TestDatabase;
let database: Database;
let store: Store;
const mine: Scope = {
  accountSid: 'AC1',
  baseUrl: 'https://intelligence.twilio.com',
  filters: noFilters,
  start: now - 86_400,
};

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
  const tables = ['scope', 'fingerprints', 'due', 'sweeps'].map((name) => `twilio_sync.${name}`);
  for (const table of ['twilio.conversations', ...tables]) {
    await database.run(({ sql }) => sql(`delete from ${table}`));
  }
});

const fill = () => store.load([changeOf(detailOf('a'))], null, now);
const filtered = (filters: Partial<Scope['filters']>): Scope => ({ ...mine, filters: { ...noFilters, ...filters } });
const stored = async () => (await database.run(({ sql }) => sql('select * from twilio_sync.scope')))[0];

test('the first to come enters, and finds itself again', async () => {
  expect(await enterScope(database, mine)).toMatchObject({ generation: 1, changed: false });
  expect(await enterScope(database, mine)).toMatchObject({ generation: 1, changed: false });
  expect(await stored()).toMatchObject({ account_sid: 'AC1', base_url: mine.baseUrl, filters: {} });
});

test('several at once enter once', async () => {
  const all = await Promise.all(Array.from({ length: 4 }, () => enterScope(database, mine)));
  expect(all).toMatchObject(Array.from({ length: 4 }, () => ({ generation: 1, changed: false })));
});

test('another account is refused, by both names, and changes nothing', async () => {
  await enterScope(database, mine);
  await fill();
  const before = await stored();
  const other = { ...mine, accountSid: 'AC2' };
  for (const refuse of [enterScope, refuseWrongScope]) {
    await expect(refuse(database, other)).rejects.toThrow(WrongScope);
    await expect(refuse(database, other)).rejects.toThrow(/account AC1, not of AC2/);
  }
  expect(await stored()).toEqual(before);
});

test('another URL is refused, by both names, and changes nothing', async () => {
  await enterScope(database, mine);
  await fill();
  const before = await stored();
  const other = { ...mine, baseUrl: 'https://intelligence.dublin.ie1.twilio.com' };
  for (const refuse of [enterScope, refuseWrongScope]) {
    await expect(refuse(database, other)).rejects.toThrow(WrongScope);
    await expect(refuse(database, other)).rejects.toThrow(
      /from https:\/\/intelligence\.twilio\.com, not from https:\/\/intelligence\.dublin/,
    );
  }
  expect(await stored()).toEqual(before);
});

test('a window that was listed to its end binds as a conversation does: an empty account is an account', async () => {
  await enterScope(database, mine);
  const [window] = await store.plan('new', [{ from: now - 10, to: now }]);
  if (window === undefined) throw new Error('no window was planned');
  expect(await enterScope(database, { ...mine, accountSid: 'AC0' })).toMatchObject({ changed: true });
  expect(await enterScope(database, mine)).toMatchObject({ changed: true });
  const [again] = await store.plan('new', [{ from: now - 10, to: now }]);
  if (again === undefined) throw new Error('no window was planned');
  await store.load([], markOf(again), now);
  await expect(enterScope(database, { ...mine, accountSid: 'AC0' })).rejects.toThrow(WrongScope);
});

test('where nothing came of it, an account that was mistyped is forgotten, with all that was due under it', async () => {
  await enterScope(database, { ...mine, accountSid: 'AC0', baseUrl: 'https://typo.example' });
  await store.load([], null, now);
  await store.load([{ ...changeOf(detailOf('x')), rows: null, due: [dueOf('x')] }], null, now);
  expect(await refuseWrongScope(database, mine)).toMatchObject({ generation: 1, changed: false });
  expect(await stored()).toMatchObject({ account_sid: 'AC0' });
  expect(await enterScope(database, mine)).toMatchObject({ generation: 2, changed: true });
  expect(await stored()).toMatchObject({ account_sid: 'AC1', base_url: mine.baseUrl });
  expect(await database.run(({ sql }) => sql('select from twilio_sync.due'))).toEqual([]);
});

test('nothing entered yet refuses nobody', async () => {
  expect(await refuseWrongScope(database, mine)).toMatchObject({ generation: 1, changed: false });
  expect(await stored()).toBeUndefined();
});

test('other filters begin a generation: everything is to be listed again, what failed stays due', async () => {
  await enterScope(database, mine);
  await fill();
  await store.load([{ ...changeOf(detailOf('x')), rows: null, due: [dueOf('x')] }], null, now);
  const [window] = await store.plan('lookback', [{ from: now - 10, to: now }]);
  if (window === undefined) throw new Error('no window was planned');
  await store.load([], markOf(window, { missing: ['a'] }), now);
  expect(await enterScope(database, filtered({ channels: ['VOICE'] }))).toMatchObject({ generation: 2, changed: true });
  expect(await store.windows()).toEqual({ pending: [], covered: [], reached: null });
  const due = await database.run(({ sql }) => sql('select conversation_id as id, reason from twilio_sync.due'));
  expect(due).toEqual([{ id: 'x', reason: 'failed' }]);
  expect(await enterScope(database, filtered({ channels: ['VOICE'] }))).toMatchObject({
    generation: 2,
    changed: false,
  });
  expect(await enterScope(database, mine)).toMatchObject({ generation: 3, changed: true });
});

test('filters are the same whatever order their names are in', async () => {
  const { status: _status, ...rest } = noFilters;
  await enterScope(database, filtered({ status: 'CLOSED', channels: ['SMS', 'VOICE'] }));
  const turned: Scope['filters'] = { ...rest, channels: ['SMS', 'VOICE'], status: 'CLOSED' };
  expect(await enterScope(database, { ...mine, filters: turned })).toMatchObject({ changed: false });
  expect(await enterScope(database, filtered({ status: 'CLOSED', channels: ['SMS'] }))).toMatchObject({
    changed: true,
  });
});

test('history begins where it is set to, or so many days back by the database’s clock, cut to the day', async () => {
  const day = 86_400;
  const clock = async () => {
    const [row] = await database.run(({ sql }) => sql<{ now: number }>('select extract(epoch from now()) as now'));
    return row?.now ?? 0;
  };
  expect(await enterScope(database, mine)).toMatchObject({ start: mine.start });
  const ago = { ...mine, start: { secondsBack: 400 * day } };
  const before = await clock();
  const entered = await enterScope(database, ago);
  const refused = await refuseWrongScope(database, ago);
  const latest = Math.floor((await clock()) / day - 400) * day;
  for (const { start } of [entered, refused]) {
    expect(start % day).toBe(0);
    expect(start).toBeGreaterThanOrEqual(Math.floor(before / day - 400) * day);
    expect(start).toBeLessThanOrEqual(latest);
  }
  const [row] = await database.run(({ sql }) =>
    sql<{ from: number }>('select extract(epoch from history_from) as from from twilio_sync.scope'),
  );
  expect(row?.from).toBe(entered.start);
});
