// What a load must not write or take away: an ask that came while its detail was on its way, an answer older than the one
// that is stored, a conversation that a person has had forgotten.

import type { QueryResultRow } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { findResults, findWaiting, requestRefetch } from '../../src/postgres/due.ts';
import { countStored, forget } from '../../src/postgres/tombstones.ts';
import type { Store } from '../../src/sync/context.ts';
import type { Change, Window } from '../../src/sync/model.ts';
import { openTestDatabase, type TestDatabase } from '../database.ts';
import { changeOf, changeWithout, detailOf, dueOf, markOf, now, seizeStore } from './batch.ts';

let opened: TestDatabase;
let database: Database;
let store: Store;

beforeAll(async () => {
  opened = await openTestDatabase();
  database = openDatabase(opened.connection);
});

afterAll(async () => {
  await database.close();
  await opened[Symbol.asyncDispose]();
});

beforeEach(async () => {
  for (const table of [
    'twilio.conversations',
    'twilio_sync.fingerprints',
    'twilio_sync.due',
    'twilio_sync.tombstones',
  ]) {
    await query(`delete from ${table}`);
  }
  store = await seizeStore(database);
});

const query = (text: string, parameters: unknown[] = []) =>
  database.run(({ sql }) => sql<QueryResultRow>(text, parameters));
const load = (...changes: Change[]) => store.load(changes, null, now);
const dueOfA = async () => (await store.known(['a'])).get('a')?.due ?? [];
const names = async () =>
  (await query('select id, name from twilio.conversations order by id')).map(({ name }) => name);

describe('a due row goes only as it was read', () => {
  test('an ask that comes while the detail is on its way stays', async () => {
    await load(changeWithout('a', { due: [dueOf('a', { reason: 'closed' })] }));
    const served = (await dueOfA()).map(({ number }) => number);
    await requestRefetch(database, ['a']);
    await load(changeOf(detailOf('a'), { served }));
    expect((await dueOfA()).map(({ reason }) => reason)).toEqual(['asked']);
    expect(await findWaiting(database, ['a'])).toEqual(['a']);
    expect(await store.findDue(now, 10)).toEqual(['a']);
  });

  test('an ask that is made again while the first is carried out is another one', async () => {
    await requestRefetch(database, ['a']);
    const served = (await dueOfA()).map(({ number }) => number);
    await requestRefetch(database, ['a']);
    await load(changeOf(detailOf('a'), { served }));
    expect(await findWaiting(database, ['a'])).toEqual(['a']);
  });

  test('an ask that failed is answered, and stays with the next attempt', async () => {
    await requestRefetch(database, ['a']);
    const served = (await dueOfA()).map(({ number }) => number);
    const due = [dueOf('a', { dueAt: now + 60 }), dueOf('a', { reason: 'asked', dueAt: now + 60 })];
    await load(changeWithout('a', { served, due }));
    expect(await findWaiting(database, ['a'])).toEqual([]);
    expect((await dueOfA()).map(({ reason }) => reason).sort()).toEqual(['asked', 'failed']);
    expect(await findResults(database, ['a'])).toMatchObject([{ state: 'failed' }]);
  });

  test('what is listed again is no longer missing, unless it was missed anew since', async () => {
    await load(changeWithout('a', { due: [dueOf('a', { reason: 'missing' })] }));
    const relisted = await dueOfA();
    await load(changeWithout('a', { due: [dueOf('a', { reason: 'missing' })] }));
    await store.load([], markOf(await windowOf(), { relisted }), now);
    expect(await dueOfA()).toMatchObject([{ reason: 'missing' }]);
    await store.load([], markOf(await windowOf(), { relisted: await dueOfA() }), now);
    expect(await dueOfA()).toEqual([]);
  });
});

describe('an older answer', () => {
  const named = (name: string, request: number, fields: Partial<Change> = {}) =>
    changeOf(detailOf('a', { name }), { request, stored: true, ...fields });

  test('never takes the place of a newer one; the rest of its batch is stored', async () => {
    await load(named('new', 5));
    expect(await load(named('old', 4), changeOf(detailOf('b')))).toMatchObject({ changed: 1 });
    expect(await names()).toEqual(['new', 'name of b']);
    await load(changeWithout('a', { request: 4, deleted: true }));
    expect(await query('select deleted_at from twilio.conversations where deleted_at is not null')).toEqual([]);
    await load(named('newest', 6));
    expect(await names()).toEqual(['newest', 'name of b']);
  });

  test('of the same request, as after an answer to COMMIT that was lost, is written again', async () => {
    await load(named('one', 5));
    await load(named('one', 5));
    expect(await names()).toEqual(['one']);
  });

  test('is older than any of a later lease', async () => {
    await load(named('first', 1_000));
    store = await seizeStore(database);
    await load(named('second', 1));
    expect(await names()).toEqual(['second']);
  });
});

describe('forgotten', () => {
  test('is erased with everything known of it, and kept out of every load', async () => {
    const due = [dueOf('a'), dueOf('a', { reason: 'closed' })];
    await load(changeOf(detailOf('a'), { due }), changeOf(detailOf('b')));
    expect(await forget(database, ['a', 'unknown'])).toMatchObject([
      { id: 'a', forgotten: false, rows: { conversations: 1, communications: 2, participants: 2 } },
      { id: 'unknown', rows: { conversations: 0 } },
    ]);
    for (const table of ['conversations', 'communications', 'participant_addresses']) {
      const key = table === 'conversations' ? 'id' : 'conversation_id';
      expect(await query(`select from twilio.${table} where ${key} = 'a'`)).toEqual([]);
    }
    for (const table of ['due', 'fingerprints'])
      expect(await query(`select from twilio_sync.${table} where conversation_id = 'a'`)).toEqual([]);
    expect((await store.known(['a', 'b', 'unknown'])).get('a')).toMatchObject({ stored: null, forgotten: true });
    expect((await store.known(['b', 'unknown'])).get('unknown')).toMatchObject({ forgotten: true });
    expect((await store.known(['b'])).get('b')).toMatchObject({ forgotten: false });

    // Its detail was on its way, or somebody did not know yet.
    await query(`insert into twilio_sync.due (conversation_id, reason, due_at) values ('a', 'asked', now())`);
    const late = [
      changeOf(detailOf('a')),
      changeOf(detailOf('c'), { due: [dueOf('c')] }),
      changeWithout('unknown', { due: [dueOf('unknown')] }),
    ];
    await load(...late);
    expect((await query('select id from twilio.conversations order by id')).map(({ id }) => id)).toEqual(['b', 'c']);
    expect((await query('select conversation_id as id from twilio_sync.due')).map(({ id }) => id)).toEqual(['c']);
  });

  test('cannot be asked for', async () => {
    await forget(database, ['a']);
    await requestRefetch(database, ['a', 'b']);
    expect(await findWaiting(database, ['a', 'b'])).toEqual(['b']);
    expect(await findResults(database, ['a'])).toMatchObject([{ state: 'forgotten' }]);
  });

  test('twice is once, and what stays tells nobody which it was', async () => {
    await load(changeOf(detailOf('a', { createdAt: '2026-05-28T23:59:59.9Z' })));
    await forget(database, ['a']);
    expect(await countStored(database, ['a'])).toMatchObject([{ forgotten: true, rows: { conversations: 0 } }]);
    await forget(database, ['a']);
    const stones = await query('select hash, day::text from twilio_sync.tombstones');
    expect(stones).toMatchObject([{ day: '2026-05-28' }]);
    expect(stones[0]?.['hash']).toHaveLength(32);
    const [key] = await query('select key from twilio_sync.tombstone_key');
    expect(key?.['key']).toHaveLength(32);
  });

  test('waits for a load that has begun, and erases what it wrote', async () => {
    const holding = Promise.withResolvers<void>();
    const began = Promise.withResolvers<void>();
    const loading = database.transaction(async ({ sql }) => {
      await sql('update twilio_sync.lease set epoch = epoch');
      began.resolve();
      await holding.promise;
      await sql(
        `insert into twilio.conversations (id, created_at, first_synced_at, synced_at) values ('a', now(), now(), now())`,
      );
    });
    await began.promise;
    const forgetting = forget(database, ['a']);
    while ((await query(`select from pg_locks where not granted`)).length === 0);
    holding.resolve();
    await loading;
    expect(await forgetting).toMatchObject([{ rows: { conversations: 1 } }]);
    expect(await names()).toEqual([]);
  });
});

async function windowOf(): Promise<Window> {
  const [window] = await store.plan('lookback', [{ from: now - 1_000, to: now }]);
  if (window === undefined) throw new Error('no window was planned');
  return window;
}
