// What a process with an accounts file says of itself: it is ready while its database answers, whatever its accounts do.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { createAccountsWatch } from '../../src/server/accounts-watch.ts';
import { openTestDatabase, type TestDatabase } from '../database.ts';

let opened: TestDatabase;
let database: Database;

beforeAll(async () => {
  opened = await openTestDatabase();
  database = openDatabase(opened.connection);
});

afterAll(async () => {
  await database?.close();
  await opened?.[Symbol.asyncDispose]();
});

/** Two accounts, of which one has no tables and is in trouble. */
function watchOf(of: Database, now?: () => number) {
  const watch = createAccountsWatch(now);
  const add = (sid: string, schema: string) => {
    const account = watch.add({ sid, schema, schedule: '* * * * *', among: 2 });
    account.setDatabase(of.under(schema));
    account.process.phase = 'working';
    return account;
  };
  add('AC1', 'twilio');
  add('AC2', 'twilio_none').process.failure = { code: 'failing', reason: 'the key is refused' };
  return watch;
}

test('before the database is known it is starting; then one account in trouble makes nothing unready', async () => {
  const watch = watchOf(database);
  expect(await watch.readiness()).toMatchObject({ ready: false, code: 'starting' });
  watch.setDatabase(database);
  expect(await watch.readiness()).toEqual({ ready: true, code: 'working' });
  const states = (await watch.look()).map(({ schema, view }) => [schema, view.status.state, view.databaseUp]);
  expect(states).toEqual([
    ['twilio', 'empty', true],
    ['twilio_none', 'out_of_sync', false],
  ]);
});

test('without its database it is not ready, and says of each account what is known', async () => {
  const away = openDatabase({ ...opened.connection, port: 1 }, { connectMs: 1_000 });
  const watch = watchOf(away);
  watch.setDatabase(away);
  expect(await watch.readiness()).toMatchObject({ ready: false, code: 'database_down' });
  expect((await watch.look()).map(({ view }) => view.status.code)).toEqual(['database_down', 'database_down']);
  await away.close();
});

test('a life that hangs is a reason to begin anew, and is named', () => {
  let nowMs = 0;
  const watch = watchOf(database, () => nowMs);
  nowMs = 5 * 60_000;
  watch.find('twilio')?.watch.heartbeat.beat();
  nowMs = 7 * 60_000;
  expect(watch.trouble()).toMatch(/^AC2: the worker has done nothing for \d+ s$/);
  watch.find('twilio_none')?.watch.heartbeat.beat();
  expect(watch.trouble()).toBe(undefined);
});
