// Operator results that are asked for by id or by conversation: which ones, when, how often, and what becomes of those that
// cannot be had.

import { afterEach, expect, test } from 'vitest';
import { openDatabase } from '../../src/postgres/database.ts';
import { forget } from '../../src/postgres/tombstones.ts';
import { World, type WorldOptions } from '../world.ts';

const minute = 60_000;
const hour = 60 * minute;
let world: World;

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

const open = async (options: WorldOptions = {}) => {
  world = await World.open({ conversations: 30, days: 10, results: true, ...options });
  await world.sync();
  world.simulator.requests.reset();
};
const asked = () => {
  const { byEndpoint } = world.simulator.requests;
  return byEndpoint.resultList + byEndpoint.result;
};
const ids = (status: 'CLOSED' | 'ACTIVE') =>
  world.source
    .all()
    .filter((each) => each.status === status)
    .map(({ id }) => id)
    .reverse();
const tick = async (ms = minute) => {
  world.nowMs += ms;
  return await world.pass('new', 'open');
};
const due = async () =>
  (
    await world.pool.query(
      'select operator_result_id as id, reason, attempts, error from twilio_sync.results_due order by 1',
    )
  ).rows;
const stored = async (id: string) =>
  (await world.pool.query('select from twilio.operator_results where id = $1', [id])).rowCount === 1;
const givenUp = async () => (await world.pool.query('select given_up from twilio_sync.results_head')).rows[0]?.given_up;

test('an open conversation that gets 300 results in an hour costs one request each 10 minutes, besides the ticks', async () => {
  await open();
  const { id } = world.source.create();
  for (let at = 0; at < 60; at += 1) {
    for (let n = 0; n < 5; n += 1) world.source.addResult(id);
    await tick();
  }
  const { detail, result, resultList } = world.simulator.requests.byEndpoint;
  // Each tick reads the newest part of the list.
  expect({ result, resultList }).toEqual({ result: 0, resultList: 60 });
  expect(detail).toBeLessThanOrEqual(60 + 60 * (ids('ACTIVE').length - 1));
  expect(await world.resultDifferences()).toEqual([]);
  expect(await due()).toEqual([]);
});

test('by conversation alone, it costs one request each 10 minutes and one after it closes', async () => {
  await open({ switches: { resultsOfAll: 'refused' } });
  const { id } = world.source.create();
  for (let at = 0; at < 60; at += 1) {
    for (let n = 0; n < 5; n += 1) world.source.addResult(id);
    await tick();
  }
  expect(asked()).toBeLessThanOrEqual(7);
  expect(world.simulator.requests.byEndpoint.detail).toBeLessThanOrEqual(60 * ids('ACTIVE').length);
  world.source.close(id);
  for (let at = 0; at < 11; at += 1) await tick();
  expect(asked()).toBeLessThanOrEqual(8);
  expect(await world.resultDifferences()).toEqual([]);
  expect(await due()).toEqual([]);
});

test('a result of a conversation that is not stored is passed over; the conversation asks for it when it is stored', async () => {
  await open();
  world.simulator.turn({ listLagMs: 30 * minute });
  const { id } = world.source.create({ status: 'CLOSED' });
  world.source.addResult(id);
  await tick();
  expect(
    (await world.pool.query('select from twilio.operator_results where conversation_id = $1', [id])).rowCount,
  ).toBe(0);
  world.nowMs += 40 * minute;
  await world.pass('new', 'open', 'lookback');
  await tick(3 * minute);
  expect(await world.resultDifferences()).toEqual([]);
  expect(await givenUp()).toBeNull();
});

test('results of deleted, forgotten and filtered-out conversations are passed over', async () => {
  await open();
  const [deleted = '', forgotten = ''] = ids('CLOSED');
  world.source.remove(deleted, { keepResults: true });
  await world.pass('new', 'open', 'reconcile');
  const database = openDatabase(world.database.connection);
  await forget(database, [forgotten]);
  await database.close();
  const late = world.source.addResult(forgotten, { silent: true }).operatorResultIds?.at(-1) ?? '';
  await tick();
  expect(await stored(late)).toBe(false);
  const { rows } = await world.pool.query(
    'select count(*)::int as count from twilio.operator_results where conversation_id = $1',
    [forgotten],
  );
  expect(rows).toEqual([{ count: 0 }]);
  await tick(hour);
  expect(await world.resultDifferences()).toEqual([]);
  expect(await due()).toEqual([]);
  // Out of the filters, and new: neither it nor its results are stored.
  await world.restart({ filters: { channels: ['VOICE'] } });
  const { id } = world.source.create({ status: 'CLOSED', channels: ['CHAT'] });
  world.source.addResult(id);
  await tick();
  await tick(3 * minute);
  expect(
    (await world.pool.query('select from twilio.operator_results where conversation_id = $1', [id])).rowCount,
  ).toBe(0);
  expect(await due()).toEqual([]);
});

test('one that is in the list long after it is linked is gone until its conversation changes, or a walk shows it', async () => {
  await open({ switches: { resultLagMs: 30 * minute } });
  const [id = '', other = ''] = ids('CLOSED');
  const late = world.source.addResult(id).operatorResultIds?.at(-1) ?? '';
  const walked = world.source.addResult(other).operatorResultIds?.at(-1) ?? '';
  await tick();
  await world.pass('new', 'open', 'lookback');
  await tick(3 * minute);
  expect(await due()).toEqual(
    [late, walked].sort().map((each) => ({ id: each, reason: 'gone', attempts: 0, error: null })),
  );
  world.nowMs += hour;
  world.source.say(id, 'One more thing');
  await world.pass('new', 'open', 'lookback');
  await tick(3 * minute);
  expect(await stored(late)).toBe(true);
  await world.pass('new', 'open', 'reconcile');
  expect(await stored(walked)).toBe(true);
  expect(await due()).toEqual([]);
});

test('a dateCreated in the future hides nothing', async () => {
  await open();
  const [id = '', other = ''] = ids('CLOSED');
  const dateCreated = new Date(world.nowMs + 40 * 24 * hour).toISOString();
  world.source.addResult(id, { silent: true, fields: { dateCreated } });
  await tick();
  world.source.addResult(other, { silent: true });
  await tick(30 * minute);
  world.source.addResult(id, { silent: true });
  await tick(30 * minute);
  expect(await world.resultDifferences()).toEqual([]);
  expect(await givenUp()).toBeNull();
});

test('a closed conversation is fetched for its links once a minute later, and once more', async () => {
  await open();
  const [id = ''] = ids('CLOSED');
  for (let n = 0; n < 5; n += 1) world.source.addResult(id, { link: false });
  await tick();
  const fetched = () => world.simulator.requests.detailIds().filter((each) => each === id).length;
  expect(fetched()).toBe(0);
  for (let n = 0; n < 6; n += 1) await tick(hour);
  expect(fetched()).toBe(2);
});

test('in sync, a gap is asked for at once', async () => {
  await open({ switches: { resultsOfAll: 'refused' } });
  const [id = ''] = ids('CLOSED');
  world.nowMs += minute;
  world.source.addResult(id);
  await world.sync();
  expect(await world.resultDifferences()).toEqual([]);
});

test('a link that disappears makes its result due; what still exists stays', async () => {
  await open();
  const [id = '', other = ''] = ids('CLOSED').filter((each) => world.source.results(each).length > 0);
  const [kept = '', gone = ''] = [id, other].map((each) => world.source.results(each)[0]?.id);
  const { operatorResultIds = [], ...rest } = world.source.get(id);
  world.source.resultStore.keep(id);
  world.source.put({
    ...rest,
    operatorResultIds: (operatorResultIds ?? []).filter((each) => each !== kept),
    updatedAt: world.source.stamp(),
  });
  world.source.removeResult(gone);
  await world.pass('new', 'open', 'lookback');
  expect([await stored(kept), await stored(gone)]).toEqual([true, false]);
  expect(await due()).toEqual([]);
  expect(await world.resultDifferences()).toEqual([]);
});

test.each([401, 403, 500])('%i for one result alone: in quarantine, and costs no other', async (status) => {
  await open({ switches: { resultsOfAll: 'refused' } });
  const [id = '', other = ''] = ids('CLOSED');
  world.nowMs += minute;
  const bad = world.source.addResult(id).operatorResultIds?.at(-1) ?? '';
  const good = world.source.addResult(other).operatorResultIds?.at(-1) ?? '';
  world.simulator.faults.add({
    on: 'result',
    id: bad,
    fault: { kind: 'status', status, message: 'not \u0000 that one' },
  });
  await world.sync();
  expect([await stored(bad), await stored(good)]).toEqual([false, true]);
  expect(await due()).toEqual([
    { id: bad, reason: 'linked', attempts: 1, error: expect.stringContaining(`${status}`) },
  ]);
  const { rows } = await world.pool.query('select operator_result_id as id from twilio_sync.quarantine');
  expect(rows).toEqual([{ id: bad }]);
  // It waits for its own time, also where others of its conversation are due.
  world.nowMs += 2 * minute;
  await world.pass('new', 'open');
  expect((await due())[0]).toMatchObject({ attempts: 2 });
  world.source.addResult(id);
  await world.sync();
  expect((await due())[0]).toMatchObject({ attempts: 2 });
  world.simulator.faults.clear();
  world.nowMs += hour;
  await world.pass('new', 'open');
  expect(await world.resultDifferences()).toEqual([]);
});

test('one that Postgres refuses waits longer each time, and the newest part of the list is still believed', async () => {
  await open();
  await world.pool.query(`create function refuse() returns trigger language plpgsql as $$ begin raise 'not that one'; end $$;
    create trigger refuse before insert on twilio.operator_results for each row when (new.label = 'refused') execute function refuse()`);
  const [id = ''] = ids('CLOSED');
  world.source.addResult(id, { fields: { result: { label: 'refused' } } });
  await tick();
  const first = (await world.pool.query('select first_at from twilio_sync.results_due')).rows;
  for (const ms of [2 * hour, 24 * hour, 48 * hour]) await tick(ms);
  expect(await due()).toMatchObject([{ reason: 'linked', attempts: 4 }]);
  expect((await world.pool.query('select first_at from twilio_sync.results_due')).rows).toEqual(first);
  await world.pool.query(
    `drop function refuse() cascade; update twilio.conversations set first_synced_at = '2026-01-01'`,
  );
  await tick(48 * hour);
  expect(await world.resultDifferences()).toEqual([]);
  expect(await givenUp()).toBeNull();
});

test('one that the newest part of the list should have shown gives that up, once', async () => {
  await open({ switches: { servedPageSize: 1 } });
  await world.pool.query(`update twilio.conversations set first_synced_at = '2026-01-01'`);
  const [id = '', other = ''] = ids('CLOSED');
  const ago = (minutes: number) => new Date(world.nowMs - minutes * minute).toISOString();
  world.nowMs += hour;
  for (const minutes of [0, 13]) world.source.addResult(other, { fields: { dateCreated: ago(minutes) } });
  await tick();
  world.source.addResult(id, { fields: { dateCreated: ago(20) } });
  await tick();
  await world.pass('new', 'open', 'lookback');
  await tick(3 * minute);
  expect(await givenUp()).toContain('did not show');
  expect(await world.resultDifferences()).toEqual([]);
});

test.each([
  ['401', { kind: 'status', status: 401 }],
  ['429', { kind: 'status', status: 429 }],
  ['503', { kind: 'status', status: 503 }],
  ['with a reset', { kind: 'reset', at: 'head' }],
] as const)(
  'results and names that all answer %s hold up no conversation, and come once they can be had',
  async (_name, fault) => {
    world = await World.open({ conversations: 30, days: 10, results: true });
    for (const on of ['results', 'names'] as const) world.simulator.faults.add({ on, fault });
    const counts = await world.pass('new', 'open', 'lookback');
    expect(await world.differences()).toEqual([]);
    expect(counts.incomplete.length).toBeGreaterThan(0);
    world.simulator.faults.clear();
    world.nowMs += minute;
    await world.pass('new', 'open', 'lookback');
    expect(await world.resultDifferences()).toEqual([]);
    expect((await world.pool.query('select from twilio.operators')).rowCount).toBeGreaterThan(0);
  },
);
