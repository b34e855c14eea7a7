// What webhooks announce: which conversations become due, how they are fetched beside the pass, and what is stored of them.

import { afterEach, describe, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { createPushedStore, putPushed } from '../../src/postgres/pushed.ts';
import { forget } from '../../src/postgres/tombstones.ts';
import { openPushFlow, type PushFlow } from '../../src/sync/pushed.ts';
import { World, type WorldOptions } from '../world.ts';

const minute = 60_000;
let world: World;
let database: Database;
let flow: PushFlow;
let waited: number[][];
let ended: AbortController;

async function open(options: WorldOptions = {}) {
  world = await World.open({ conversations: 20, days: 10, ...options });
  database = openDatabase(world.database.connection);
  await world.sync();
  await openFlow();
  world.simulator.requests.reset();
}

/** `held`: details are handed on only after that. */
async function openFlow(held?: Promise<void>) {
  waited = [];
  ended = new AbortController();
  const context = await world.context();
  await context.api.proveBounds(context.settings.start, ended.signal);
  const detail: typeof context.api.detail = async (...asked) => {
    const outcome = await context.api.detail(...asked);
    await held;
    return outcome;
  };
  flow = openPushFlow({
    context: { ...context, api: Object.create(context.api, { detail: { value: detail } }) },
    store: createPushedStore(database),
    signal: ended.signal,
    monotonicMs: () => world.nowMs,
    onStored: (_counts, ms) => waited.push(ms),
  });
}

afterEach(async () => {
  ended.abort();
  await flow.idle();
  await database.close();
  await world[Symbol.asyncDispose]();
});

const push = (conversationId: string, ...resultIds: string[]) =>
  putPushed(database, [{ conversationId, resultIds }], 1);

/** Fetches what is due, until it is stored. @returns in how many milliseconds more may be fetched. */
async function serve(): Promise<number | null> {
  const nextMs = await flow.look();
  await Promise.race([flow.idle(), flow.failure]);
  return nextMs;
}

const due = async () =>
  (
    await world.pool.query(
      `select conversation_id as id, reason, attempts, array(select jsonb_array_elements_text(wants -> 'operatorResultIds') order by 1) as results from twilio_sync.due
       where reason <> 'closed' order by 1, 2`,
    )
  ).rows;
const details = () => world.simulator.requests.byEndpoint.detail;
const nameOf = async (id: string) =>
  (await world.pool.query('select name from twilio.conversations where id = $1', [id])).rows[0]?.name;
const someId = (at = 0) => world.source.ids()[at] ?? '';

function rename(id: string, name: string) {
  world.source.put({ ...world.source.get(id), name, updatedAt: world.source.stamp() });
}

test('a conversation that has changed, and a new one, are stored without a pass', async () => {
  await open();
  const id = someId();
  rename(id, 'Renamed');
  const fresh = world.source.create({ name: 'Fresh' });
  await Promise.all([push(id), push(fresh.id)]);
  await serve();
  expect(await world.differences()).toEqual([]);
  expect([await nameOf(id), await nameOf(fresh.id), details(), await due()]).toEqual(['Renamed', 'Fresh', 2, []]);
  expect(waited.flat()).toHaveLength(2);
});

test('the next listing finds them as they are stored, and fetches nothing', async () => {
  await open();
  const fresh = world.source.create({ status: 'CLOSED' });
  await push(fresh.id);
  await serve();
  world.simulator.requests.reset();
  world.nowMs += minute;
  const counts = await world.pass('new');
  expect(counts).toMatchObject({ fetched: 0, changed: 0 });
  expect(await world.differences()).toEqual([]);
});

describe('one conversation, announced again and again', () => {
  test('is fetched at once the first time, and then at most every 5 s', async () => {
    await open();
    const id = someId();
    await push(id);
    await serve();
    expect(details()).toBe(1);
    for (let time = 0; time < 20; time += 1) await push(id, `r${time % 3}`);
    expect(await serve()).toBe(5_000);
    expect(details()).toBe(1);
    expect(await due()).toMatchObject([{ id, reason: 'pushed', attempts: 0, results: ['r0', 'r1', 'r2'] }]);
    world.nowMs += 4_999;
    expect(await serve()).toBe(1);
    expect(details()).toBe(1);
    world.nowMs += 1;
    await serve();
    expect(details()).toBe(2);
  });

  test('while it is being fetched, is fetched once more', async () => {
    await open();
    const id = someId();
    const gate = Promise.withResolvers<void>();
    await openFlow(gate.promise);
    await push(id);
    await flow.look();
    while (details() === 0 || world.simulator.requests.inFlight > 0)
      await new Promise((resolve) => setImmediate(resolve));
    rename(id, 'Later');
    await push(id);
    await flow.look();
    gate.resolve();
    await flow.idle();
    expect(await nameOf(id)).not.toBe('Later');
    expect(await due()).toMatchObject([{ id, reason: 'pushed' }]);
    world.nowMs += 5_000;
    await serve();
    expect([await nameOf(id), await due()]).toEqual(['Later', []]);
  });

  test('holds up no other', async () => {
    await open();
    await push(someId(0));
    await serve();
    rename(someId(1), 'Another');
    await push(someId(0));
    await push(someId(1));
    await serve();
    expect(await nameOf(someId(1))).toBe('Another');
  });
});

test('a fetch that takes long holds up no other', async () => {
  await open();
  const [slow, quick] = [someId(0), someId(1)];
  world.simulator.faults.add({ on: 'detail', id: slow, fault: { kind: 'delay', ms: 20_000 }, times: 1 });
  rename(quick, 'Quick');
  await push(slow);
  await flow.look();
  await push(quick);
  await flow.look();
  while ((await nameOf(quick)) !== 'Quick') await new Promise((resolve) => setImmediate(resolve));
  expect(await due()).toMatchObject([{ id: slow }]);
});

describe('operator results that are announced', () => {
  test('are stored with their content at once, also before the first walk over all of them has ended', async () => {
    await open({ results: true, conversations: 0 });
    await world.pool.query('update twilio_sync.results_head set whole_since = null');
    const { id } = world.source.create();
    world.source.addResult(id, { resultId: 'intelligence_operatorresult_1' });
    await push(id, 'intelligence_operatorresult_1');
    await serve();
    expect(await world.resultDifferences()).toEqual([]);
    expect((await world.pool.query('select from twilio.operator_results')).rowCount).toBe(1);
  });

  test('and that the detail does not show yet are waited for', async () => {
    await open({ results: true });
    const id = someId();
    world.simulator.turn({ detailLagMs: 11_000 });
    world.source.addResult(id, { resultId: 'intelligence_operatorresult_1' });
    await push(id, 'intelligence_operatorresult_1');
    for (const [wait, attempts] of [
      [0, 1],
      [2, 2],
      [10, undefined],
    ] as const) {
      world.nowMs += Math.max(wait * 1000, 5_000);
      await serve();
      expect((await due()).map((row) => row.attempts)).toEqual(attempts === undefined ? [] : [attempts]);
    }
    expect(await world.resultDifferences()).toEqual([]);
    expect(await world.differences()).toEqual([]);
  });
});

describe('what is not stored', () => {
  const isStored = async (id: string) =>
    (await world.pool.query('select from twilio.conversations where id = $1', [id])).rowCount === 1;

  test('outside of the filters, and before the start of history', async () => {
    await open({ filters: { channels: ['VOICE'] } });
    const call = world.source.create({ channels: ['VOICE'] });
    const chat = world.source.create({ channels: ['CHAT'] });
    const old = world.source.create({ channels: ['VOICE'], createdAt: '2020-01-01T00:00:00Z' });
    for (const { id } of [call, chat, old]) await push(id);
    await serve();
    expect([await isStored(call.id), await isStored(chat.id), await isStored(old.id)]).toEqual([true, false, false]);
    expect(await due()).toEqual([]);
    // Not by a later announcement either.
    world.nowMs += 5_000;
    await push(chat.id);
    await serve();
    expect(await isStored(chat.id)).toBe(false);
  });

  test('before the start of history, where that has moved since', async () => {
    await open();
    const { settings } = await world.context();
    const { id } = world.source.create();
    settings.start = world.nowMs / 1000 + 1;
    await push(id);
    await serve();
    expect([await isStored(id), await due()]).toEqual([false, []]);
  });

  test('what was forgotten is not even due', async () => {
    await open();
    const id = someId();
    await forget(database, [id]);
    await push(id);
    expect(await due()).toEqual([]);
  });

  test('what was forgotten after it was announced', async () => {
    await open();
    const id = someId();
    await push(id);
    const looking = flow.look();
    await forget(database, [id]);
    await looking;
    await flow.idle();
    expect([await isStored(id), await due()]).toEqual([false, []]);
  });

  test('what the API does not know is asked for four times', async () => {
    await open();
    await push('conv_unknown');
    for (let time = 0; time < 6; time += 1) {
      await serve();
      world.nowMs += minute;
    }
    expect([details(), await due()]).toEqual([4, []]);
  });
});

test('a detail that fails is in quarantine, and its announcement waits with it', async () => {
  await open();
  const id = someId();
  world.simulator.faults.add({ on: 'detail', id, fault: { kind: 'status', status: 403 } });
  await push(id, 'r1');
  await serve();
  expect(await due()).toMatchObject([
    { id, reason: 'failed' },
    { id, reason: 'pushed', results: ['r1'] },
  ]);
});

test('where the API is away, the flow ends, and what was announced stays due', async () => {
  await open();
  await push(someId());
  await world.simulator.close();
  await flow.look();
  await expect(flow.failure).rejects.toThrow();
  expect(await due()).toMatchObject([{ reason: 'pushed' }]);
});

test('a worker that has lost the lease stores nothing', async () => {
  await open();
  const id = someId();
  rename(id, 'Renamed');
  await push(id);
  world.supersede();
  await world.context();
  await flow.look();
  await expect(flow.failure).rejects.toThrow('another worker');
  expect(await nameOf(id)).not.toBe('Renamed');
  ended.abort();
  await openFlow();
  await serve();
  expect(await nameOf(id)).toBe('Renamed');
});

test('a pass leaves them to the flow for half a minute, and then takes them', async () => {
  await open();
  const id = someId();
  rename(id, 'Renamed');
  await push(id);
  // The database's clock is not the world's.
  await world.pool.query(`update twilio_sync.due set first_at = to_timestamp($1) where reason = 'pushed'`, [
    world.nowMs / 1000,
  ]);
  world.nowMs += 29_000;
  await world.pass();
  expect(details()).toBe(0);
  world.nowMs += 1_000;
  await world.pass();
  expect([await nameOf(id), await due()]).toEqual(['Renamed', []]);
});

test('how many were taken and stored, and how long the last has waited', async () => {
  await open();
  await putPushed(
    database,
    [
      { conversationId: someId(0), resultIds: [] },
      { conversationId: someId(1), resultIds: [] },
    ],
    7,
  );
  await serve();
  const { rows } = await world.pool.query(
    'select taken::int, stored::int, waited_ms >= 0 as waited from twilio_sync.pushes',
  );
  expect(rows).toEqual([{ taken: 7, stored: 2, waited: true }]);
});
