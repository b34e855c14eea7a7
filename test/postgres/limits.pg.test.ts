// Whatever falls silent on the way to Postgres, a wait for it ends: connecting, asking, migrating, closing. And an answer
// to COMMIT that is lost leaves what was decided known.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { noFilters } from '../../src/config/config.ts';
import { type Database, type DatabaseLimits, openDatabase, type Queries } from '../../src/postgres/database.ts';
import { DatabaseTrouble } from '../../src/postgres/errors.ts';
import { takeLease } from '../../src/postgres/lease.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { createStore } from '../../src/postgres/store.ts';
import { openEmptyDatabase, openTestDatabase, type TestDatabase } from '../database.ts';
import { postgres } from '../lib/frames.ts';
import { TcpProxy } from '../lib/tcp-proxy.ts';
import { changeOf, detailOf, markOf, now, seizeStore } from './batch.ts';

let opened: TestDatabase;
let proxy: TcpProxy;
let database: Database;

/** For what is silent, and what is not: on a busy machine an answer takes its time. */
const brief: Partial<DatabaseLimits> = { connectMs: 300, answerMs: 300, migrationMs: 300 };
const ample: Partial<DatabaseLimits> = { connectMs: 10_000, answerMs: 2_000, migrationMs: 10_000 };
const way = () => ({ ...opened.connection, host: '127.0.0.1', port: Number(new URL(proxy.through()).port) });
const one = () => database.run(({ sql }) => sql('select 1 as one'));

beforeEach(async () => {
  opened = await openTestDatabase();
  proxy = await TcpProxy.open(opened.url, postgres);
  database = openDatabase(way(), ample);
});

afterEach(async () => {
  await database.close();
  await proxy[Symbol.asyncDispose]();
  await opened[Symbol.asyncDispose]();
});

test('a connection that is accepted, and then nothing', async () => {
  proxy.stall();
  const impatient = openDatabase(way(), brief);
  await expect(impatient.run(({ sql }) => sql('select 1'))).rejects.toThrow(DatabaseTrouble);
  await impatient.close();
  await expect(migrate(way(), brief)).rejects.toThrow(/timeout/);
});

test('a connection that falls silent is given up, and the next one taken', async () => {
  expect(await one()).toEqual([{ one: 1 }]);
  for (const link of proxy.links) link.stall();
  expect(await one()).toEqual([{ one: 1 }]);
});

test('a load whose connection is lost at any of its statements is repeated, and nothing else happens', async () => {
  const store = await seizeStore(database, { results: true });
  const more = detailOf('1', { name: 'another', operatorResultIds: ['r1'] });
  let isLost = true;
  for (let n = 1; isLost; n += 1) {
    proxy.reset();
    await store.load([changeOf(detailOf('1', { name: `${n}` }), { stored: true, request: 2 * n })], null, now);
    isLost = false;
    proxy.reset({
      onAsked({ n: asked, link }) {
        if (asked !== n) return;
        isLost = true;
        link.cut();
      },
    });
    // An error that nobody waits for would end the process: it fails the whole run of this file.
    await store.load([changeOf(more, { stored: true, request: 2 * n + 1 })], null, now);
    const rows = await database.run(({ sql }) =>
      sql('select operator_result_id as id from twilio.operator_result_links'),
    );
    expect(rows).toEqual([{ id: 'r1' }]);
  }
});

test('silence in the middle of a migration ends, and frees its lock', async () => {
  await using empty = await openEmptyDatabase();
  await using broken = await TcpProxy.open(empty.url, postgres);
  const through = { ...empty.connection, host: '127.0.0.1', port: Number(new URL(broken.through()).port) };
  // What is silent is given up at once, and its lock is free a little later; all else may take its time.
  const limits = { connectMs: 10_000, answerMs: 500, migrationMs: 500, idleInTransactionMs: 1_000 };
  for (const silent of ['to_regclass', 'begin', 'advisory', 'CREATE TABLE']) {
    broken.reset({
      onAsked({ text, link }) {
        if (text.includes(silent)) link.stall();
      },
    });
    await expect(migrate(through, limits)).rejects.toThrow(/Query read timeout/);
  }
  broken.reset();
  expect(await migrate(through, ample)).toBeGreaterThan(0);
  expect(await migrate(through, ample)).toBe(0);
});

test('closing does not wait for what is in flight, or for a goodbye that nobody hears', async () => {
  // Longer than the test may take: nobody has waited for the answer.
  const patient = openDatabase(way(), { answerMs: 600_000 });
  expect(await patient.run(({ sql }) => sql('select 1 as one'))).toEqual([{ one: 1 }]);
  const asked = Promise.withResolvers<void>();
  proxy.reset({
    onAsked() {
      proxy.stall();
      asked.resolve();
    },
  });
  const pending = patient.run(({ sql }) => sql('select 2 as two'));
  pending.catch(() => {});
  await asked.promise;
  await patient.close();
  await expect(pending).rejects.toThrow(DatabaseTrouble);
  await expect(patient.run(({ sql }) => sql('select 3'))).rejects.toThrow(DatabaseTrouble);
});

test('where a transaction cannot begin, nothing that it would have done is done', async () => {
  // Refused as a whole: its text no longer parses.
  const refusing = openDatabase(opened.connection, { lockMs: '(' as unknown as number });
  const work = refusing.transaction(({ sql }) => sql(`insert into twilio_sync.runs (command) values ('left behind')`));
  await expect(work).rejects.toThrow(/42601/);
  await refusing.close();
  expect(await database.run(({ sql }) => sql('select from twilio_sync.runs'))).toEqual([]);
});

test('only a transaction that looks rows up by their keys has the planner told so', async () => {
  const ways = ({ sql }: Queries) =>
    sql<{ way: string }>(`select current_setting('enable_seqscan') || ' ' || current_setting('jit') as way`);
  const [usual] = await database.run(ways);
  expect(await database.transaction(ways)).toEqual([usual]);
  expect(await database.transaction(ways, { byKeys: true })).toEqual([{ way: 'off off' }]);
});

test('a sweep whose end was committed and not confirmed is reported as ended, with its brake', async () => {
  const lease = await takeLease(database, 'test');
  if (!('epoch' in lease)) throw new Error('the lease could not be taken');
  const store = createStore({ database, filters: noFilters, generation: 1, epoch: lease.epoch });
  const [window] = await store.plan('reconcile', [{ from: 0, to: 1000 }]);
  if (window === undefined) throw new Error('no window was planned');
  const mark = markOf(window, { listedAt: 1000, listed: 1, expected: 3, missing: ['a', 'b'] });
  let lost = 0;
  proxy.reset({
    onAnswered({ text, link }) {
      if (text !== 'commit' || lost % 2 === 1) return;
      lost += 1;
      link.cut('RST');
    },
  });
  await store.load([], mark, 5);
  expect(lost).toBe(1);
  lost = 0;
  expect(await store.endSweeps(5, () => true)).toEqual([{ sweep: 'reconcile', expected: 3, missing: 2, braked: true }]);
  expect(lost).toBe(1);
  const counted = await database.run(({ sql }) =>
    sql('select listed, expected, missing, braked from twilio_sync.sweeps'),
  );
  expect(counted).toEqual([{ listed: 1, expected: 3, missing: 2, braked: true }]);
});
