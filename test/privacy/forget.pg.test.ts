// People are forgotten: nothing of them is left anywhere, nothing comes back, and all others stay as they are.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { countTakingPart } from '../../src/postgres/addresses.ts';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { requestRefetch } from '../../src/postgres/due.ts';
import { putPushed } from '../../src/postgres/pushed.ts';
import { exportTombstones, findNamed, importTombstones } from '../../src/postgres/tombstone-file.ts';
import { forget, forgetAddresses, undoForget } from '../../src/postgres/tombstones.ts';
import type { WireConversationDetail } from '../../src/twilio/wire.ts';
import { openCopyOf, openTestDatabase } from '../database.ts';
import { dumpOf, foundIn } from '../dump.ts';
import { differences } from '../oracle.ts';
import { World } from '../world.ts';

const minute = 60_000;
const day = 86_400_000;

let world: World;
let database: Database;

beforeEach(async () => {
  world = await World.open({ conversations: 60, days: 20, results: true });
  database = openDatabase(world.database.connection);
});

afterEach(async () => {
  await database.close();
  await world[Symbol.asyncDispose]();
});

const addressesOf = ({ participants }: WireConversationDetail, type: string) =>
  (participants ?? []).filter((each) => each.type === type).flatMap(({ addressValues }) => addressValues ?? []);

/** A customer with an address, and all conversations in which that takes part. */
function somebody(): { address: string; conversations: WireConversationDetail[] } {
  const all = world.source.all();
  const byAddress = Map.groupBy(
    all.flatMap((conversation) =>
      addressesOf(conversation, 'CUSTOMER').map((address) => ({ address, id: conversation.id })),
    ),
    ({ address }) => address,
  );
  const [address = ''] = [...byAddress].toSorted(([, a], [, b]) => b.length - a.length)[0] ?? [];
  const takesPart = (each: WireConversationDetail) =>
    (each.participants ?? []).some(({ addressValues }) => addressValues?.includes(address));
  return { address, conversations: all.filter(takesPart) };
}

/** What of these conversations must be nowhere: their ids, and those of their communications and results. */
function tracesOf(conversations: WireConversationDetail[]): string[] {
  return conversations.flatMap(({ id, communications, operatorResultIds }) => [
    id,
    ...(communications ?? []).map((each) => each.id),
    ...(operatorResultIds ?? []),
  ]);
}

describe('by address', () => {
  test('nothing is left, nothing comes back whoever asks, and all others are equal to the source', async () => {
    await world.sync();
    const { address, conversations } = somebody();
    const traces = [address, ...tracesOf(conversations)];
    const ids = conversations.map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(0);
    expect(foundIn(await dumpOf(world.pool), traces)).toHaveLength(traces.length);
    const erased = await forgetAddresses(database, [address]);
    expect(erased.conversations).toBe(ids.length);
    const away = async () => expect(foundIn(await dumpOf(world.pool), traces)).toEqual([]);
    await away();

    world.nowMs += minute;
    for (const id of ids) world.source.say(id, `It is me, ${address}`);
    await world.sync();
    await away();
    await putPushed(
      database,
      ids.map((id) => ({ conversationId: id, resultIds: [] })),
      1,
    );
    await requestRefetch(database, ids, true);
    await away();
    await world.fetch(ids);
    await world.sync({ reconcile: true });
    await away();
    expect((await world.verify('full')).findings).toEqual([]);
    await world.pool.query('update twilio_sync.fingerprints set normalizer = 0');
    await world.restart({ filters: { status: undefined, channels: ['VOICE', 'SMS', 'WHATSAPP', 'CHAT', 'EMAIL'] } });
    await world.sync({ reconcile: true });
    world.nowMs += 2 * day;
    await world.restart({ filters: {} });
    await world.sync({ reconcile: true });
    await away();
    const others = world.source.all().filter(({ id }) => !ids.includes(id));
    expect(await differences(world.pool, others)).toEqual([]);
  });

  test('it is done a hundred at a time, counted once, and says nothing about anybody', async () => {
    for (let each = 0; each < 230; each += 1) {
      const participants = [{ id: `p${each}`, name: 'Ada', type: 'CUSTOMER', addressValues: ['+4915550999'] }];
      world.source.create({ createdAt: new Date(world.nowMs - 3_600_000).toISOString(), participants });
    }
    await world.sync();
    const erased = await forgetAddresses(database, ['+4915550999']);
    expect(erased).toEqual({ conversations: 230, rows: 230 * 4 });
    const { rows } = await world.pool.query('select * from twilio_sync.erasures');
    expect(rows).toMatchObject([{ cause: 'forget', conversations: 230, rows: '920' }]);
    expect(Object.keys(rows[0])).toEqual(['id', 'cause', 'began_at', 'ended_at', 'conversations', 'rows']);
    expect(await forgetAddresses(database, ['+4915550999'])).toEqual({ conversations: 0, rows: 0 });
    expect((await world.pool.query('select from twilio_sync.erasures')).rowCount).toBe(1);
  });

  test('it is said beforehand who else takes part, and which addresses look alike', async () => {
    const person = (id: string, address: string, type = 'CUSTOMER') => ({ id, type, addressValues: [address] });
    const [ada, bob] = [person('a', '+4915550999'), person('b', '+4915550888')];
    world.source.create({ participants: [ada, person('agent', 'Agent@Example.com', 'HUMAN_AGENT')] });
    world.source.create({ participants: [ada, bob] });
    world.source.create({ participants: [person('a', 'whatsapp:+49 1555 0999'), person('c', 'rcs:0049-1555-0999')] });
    world.nowMs += minute;
    await world.sync();
    const found = await countTakingPart(database, ['+4915550999']);
    expect(found).toMatchObject({ conversations: 2, shared: 1, loading: false });
    expect(found.rows).toMatchObject({ conversations: 2, participants: 4, communications: 0 });
    expect(found.alike).toEqual([
      { address: 'rcs:0049-1555-0999', conversations: 1 },
      { address: 'whatsapp:+49 1555 0999', conversations: 1 },
    ]);
    expect(await countTakingPart(database, ['+49'])).toMatchObject({ conversations: 0, alike: [] });
  });
});

describe('in the bookkeeping', () => {
  test('messages that name it are replaced, and other messages stay', async () => {
    await world.sync();
    const { address, conversations } = somebody();
    const [id = ''] = conversations.map((each) => each.id);
    const other = world.source.ids().find((each) => !conversations.some((found) => found.id === each));
    await world.pool.query(`update twilio_sync.windows set error = 'GET /v3/Conversations/${id}: no'`);
    await world.pool.query(`insert into twilio_sync.runs (command, outcome, error, counts)
      values ('run', 'failed', 'refused for ${address}', '{"listed": 1, "incomplete": ["${id}"]}'), ('run', 'failed', 'no answer', '{"incomplete": ["no"]}')`);
    await world.pool.query(
      `insert into twilio_sync.due (conversation_id, reason, due_at, error) values ($1, 'failed', now(), $2)`,
      [other, `as with ${id}`],
    );
    await world.pool.query(`update twilio_sync.results_head set given_up = 'after ${id}'`);
    await forgetAddresses(database, [address]);
    expect(foundIn(await dumpOf(world.pool), [id, address])).toEqual([]);
    const { rows } = await world.pool.query('select error, counts from twilio_sync.runs order by id');
    expect(rows).toEqual([
      { error: '(erased)', counts: { listed: 1 } },
      { error: 'no answer', counts: { incomplete: ['no'] } },
    ]);
  });

  test('a sweep that had found it missing counts it no more', async () => {
    await world.sync();
    const [id = '', other = ''] = world.source.ids();
    const { rows } = await world.pool.query(
      `insert into twilio_sync.sweeps (sweep, expected, missing) values ('reconcile', 60, 2) returning id`,
    );
    for (const each of [id, other])
      await world.pool.query(
        `insert into twilio_sync.due (conversation_id, reason, due_at, sweep_id) values ($1, 'missing', 'infinity', $2)`,
        [each, rows[0].id],
      );
    await forget(database, [id]);
    const sweep = await world.pool.query('select missing from twilio_sync.sweeps where id = $1', [rows[0].id]);
    expect(sweep.rows).toEqual([{ missing: 1 }]);
  });

  test('a walk over conversations that has got to it goes on from the one before', async () => {
    await world.sync();
    const { rows } = await world.pool.query<{ id: string; at: string }>(
      `select id, created_at::text as at from twilio.conversations order by created_at desc, id desc limit 3`,
    );
    const [newest, before, last] = rows;
    if (newest === undefined || before === undefined || last === undefined) throw new Error('too few conversations');
    await world.pool.query('update twilio_sync.metrics set reached_at = $1, reached_id = $2', [last.at, last.id]);
    await world.pool.query('update twilio_sync.masking set reached_at = $1, reached_id = $2', [newest.at, newest.id]);
    await world.pool.query(`insert into twilio_sync.results_walks (kind, token) values ('gaps', $1)`, [last.id]);
    await forget(database, [last.id, newest.id]);
    expect(foundIn(await dumpOf(world.pool), [last.id, newest.id])).toEqual([]);
    const reached = async (walk: string) =>
      (await world.pool.query(`select reached_at::text as at, reached_id as id from twilio_sync.${walk}`)).rows;
    expect(await reached('metrics')).toEqual([{ at: before.at, id: before.id }]);
    expect(await reached('masking')).toEqual([{ at: null, id: null }]);
    const ids = world.source.ids().filter((id) => id < last.id && id !== newest.id);
    const token = await world.pool.query(`select token from twilio_sync.results_walks where kind = 'gaps'`);
    expect(token.rows).toContainEqual({ token: ids.toSorted().at(-1) ?? '' });
  });

  test('a slice that was compared before brings nothing back with its checkpoint', async () => {
    await world.sync();
    const [id = ''] = world.source.ids();
    const context = await world.context();
    const now = context.api.now();
    const [window] = await context.store.plan('range', [{ from: now - 1000, to: now }]);
    if (window === undefined) throw new Error('no window was planned');
    await forget(database, [id]);
    const due = {
      ...{ id, reason: 'upgrade' as const, dueAt: now, attempts: 0, firstAt: now },
      ...{ error: null, fingerprint: null, wants: null, createdFrom: null },
    };
    const found = { listed: 1, oldest: now, expected: 1, missing: [id], touched: [id], relisted: [], due: [due] };
    await context.store.load([], { window, cursor: window.from, listedAt: now, ...found }, now);
    expect(foundIn(await dumpOf(world.pool), [id])).toEqual([]);
  });
});

describe('undone, and carried over', () => {
  test('what is lifted is stored again, with the next listing that shows it', async () => {
    await world.sync();
    const [id = '', other = ''] = world.source.ids();
    await forget(database, [id]);
    expect(await undoForget(database, [id, other])).toEqual([id]);
    await world.sync({ reconcile: true });
    expect(await world.differences()).toEqual([]);
  });

  test('a restored backup is cleaned: what it holds, and what it would fetch', async () => {
    await world.sync();
    await world.restart();
    const ids = world.source.ids().slice(0, 3);
    await database.close();
    await world.pool.query('checkpoint');
    await using backup = await openDuplicate();
    database = openDatabase(world.database.connection);
    await forget(database, ids);
    const file = await exportTombstones(database);
    expect(foundIn(JSON.stringify(file), ids)).toEqual([]);
    const restored = openDatabase(backup.connection);
    try {
      expect((await findNamed(restored, file)).sort()).toEqual(ids.toSorted());
      expect(await importTombstones(restored, file)).toBe(3);
      await forget(restored, await findNamed(restored, file), 'forget --import');
      expect(await importTombstones(restored, file)).toBe(0);
      const left = await restored.run(({ sql }) => sql<{ id: string }>('select id from twilio.conversations'));
      expect(left).toHaveLength(57);
      expect(await exportTombstones(restored)).toEqual(file);
    } finally {
      await restored.close();
    }
  });

  test('a database that is loaded anew keeps them out, and its own as well', async () => {
    await using other = await openTestDatabase();
    const before = openDatabase(other.connection);
    // Each database has a key of its own; these two are copies of one.
    await before.run(({ sql }) => sql(`update twilio_sync.tombstone_key set key = sha256('another')`));
    const ids = world.source.ids().slice(0, 3);
    await forget(before, ids);
    const file = await exportTombstones(before);
    await before.close();
    const [, , , own = ''] = world.source.ids();
    await forget(database, [own]);
    await importTombstones(database, file);
    await world.sync();
    const others = world.source.all().filter(({ id }) => ![...ids, own].includes(id));
    expect(await differences(world.pool, others)).toEqual([]);
    expect(await undoForget(database, ids)).toHaveLength(3);
    await world.sync({ reconcile: true });
    expect(
      await differences(
        world.pool,
        [...world.source.all()].filter(({ id }) => id !== own),
      ),
    ).toEqual([]);
  });
});

/** A copy of the world's database, which nobody is connected to meanwhile. */
async function openDuplicate() {
  for (const client of await Promise.all([world.pool.connect(), world.pool.connect()])) client.release(true);
  return await openCopyOf(world.database);
}
