// Operator results with their content: found by the account's list, by id and by conversation, and equal to the source.

import { afterEach, expect, test } from 'vitest';
import { migrationLock } from '../../src/postgres/migrate.ts';
import { World, type WorldOptions } from '../world.ts';

let world: World;

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

const open = async (options: WorldOptions = {}) => {
  world = await World.open({ conversations: 120, days: 40, results: true, ...options });
};
const asked = () => {
  const { byEndpoint } = world.simulator.requests;
  return { lists: byEndpoint.resultList, single: byEndpoint.result };
};

test('everything is read once, and nothing is asked for or written again', async () => {
  await open({ wild: true });
  await world.pass('new', 'open', 'lookback');
  expect(await world.differences()).toEqual([]);
  expect(await world.resultDifferences()).toEqual([]);
  const written = await world.rowsWritten();
  world.simulator.requests.reset();
  await world.pass('new', 'open', 'lookback');
  expect(asked()).toEqual({ lists: 1, single: 0 });
  expect(await world.rowsWritten()).toBe(written);
});

test('a result that no conversation list shows is stored by the next tick', async () => {
  await open();
  await world.pass('new', 'open', 'lookback');
  const closed = world.simulator.source.all().findLast(({ status }) => status === 'CLOSED')?.id ?? '';
  world.nowMs += 60_000;
  world.simulator.source.addResult(closed, { silent: true });
  world.simulator.requests.reset();
  await world.pass('new', 'open');
  expect(await world.resultDifferences()).toEqual([]);
  expect(asked()).toEqual({ lists: 1, single: 0 });
});

test('five pages of new results are read by a process that has just started', async () => {
  await open({ conversations: 20, switches: { servedPageSize: 10 } });
  await world.pass('new', 'open', 'lookback');
  const [id = ''] = world.simulator.source.ids();
  for (let count = 0; count < 50; count += 1) {
    world.nowMs += 30_000;
    world.simulator.source.addResult(id, { silent: true });
  }
  await world.restart();
  await world.pass('new', 'open');
  expect(await world.resultDifferences()).toEqual([]);
});

test('more than 20 pages of new results: the rest is read like history', async () => {
  await open({ conversations: 5, switches: { servedPageSize: 2 } });
  await world.pass('new', 'open', 'lookback');
  const [id = ''] = world.simulator.source.ids();
  for (let count = 0; count < 60; count += 1) {
    world.nowMs += 60_000;
    world.simulator.source.addResult(id, { silent: true });
  }
  await world.pass('new', 'open');
  expect(await world.resultDifferences()).toEqual([]);
  const { rows } = await world.pool.query(
    `select kind, ended_at is not null as ended from twilio_sync.results_walks order by id`,
  );
  expect(rows.at(-1)).toEqual({ kind: 'rest', ended: true });
});

test.each(['nearlyNewestFirst', 'oldestFirst', 'none'] as const)(
  'listed %s, all are stored at the latest by the next reconcile',
  async (order) => {
    await open({ switches: { resultOrder: order } });
    await world.pass('new', 'open', 'lookback');
    expect(await world.resultDifferences()).toEqual([]);
    const ids = world.simulator.source.ids();
    for (const id of ids.slice(0, 10)) {
      world.nowMs += 60_000;
      world.simulator.source.addResult(id, { silent: true });
    }
    await world.pass('new', 'open');
    world.nowMs += 3_600_000;
    await world.pass('new', 'open', 'lookback', 'reconcile');
    expect(await world.resultDifferences()).toEqual([]);
  },
);

test.each([
  ['refused without conversationId', { resultsOfAll: 'refused' }],
  ['with the filter by conversation ignored', { ignoredResultFilters: ['conversationId'] }],
] as const)('%s, all are stored', async (_name, switches) => {
  await open({ conversations: 40, switches: switches as never });
  await world.pass('new', 'open', 'lookback');
  world.nowMs += 200_000;
  await world.pass('new', 'open');
  expect(await world.resultDifferences()).toEqual([]);
});

test('without a right to results conversations go on, and results come when it is given', async () => {
  await open({ conversations: 30, switches: { forbidden: ['results', 'names'] as never } });
  const counts = await world.pass('new', 'open', 'lookback');
  expect(counts.incomplete).toEqual([]);
  expect(await world.differences()).toEqual([]);
  expect((await world.pool.query('select from twilio.operator_results')).rowCount).toBe(0);
  Object.assign(world.simulator.switches, { forbidden: [] });
  await world.pass('new', 'open');
  expect((await world.pool.query('select from twilio.operator_results')).rowCount).toBe(0);
  await world.pass('new', 'open', 'reconcile');
  expect(await world.resultDifferences()).toEqual([]);
});

test('deleted results are gone after the next walk, and one whose link stays is known to be gone', async () => {
  await open({ conversations: 60 });
  await world.pass('new', 'open', 'lookback');
  const all = world.simulator.source.results();
  const [one, two] = [all[3], all[7]];
  world.simulator.source.removeResult(one?.id ?? '', { silent: true });
  world.simulator.source.removeResult(two?.id ?? '', { keepLink: true, silent: true });
  world.nowMs += 3_600_000;
  await world.pass('new', 'open', 'reconcile');
  world.nowMs += 200_000;
  await world.pass('new', 'open');
  expect(await world.resultDifferences()).toEqual([]);
  const { rows } = await world.pool.query('select operator_result_id, reason, error from twilio_sync.results_due');
  expect(rows.filter(({ operator_result_id }) => operator_result_id === two?.id)).toEqual([
    { operator_result_id: two?.id, reason: 'gone', error: null },
  ]);
});

test('too many missing results: the brake stops the walk, says so once, and holds until a walk shows them or is let through', async () => {
  await open({ conversations: 60 });
  await world.pass('new', 'open', 'lookback');
  const all = world.simulator.source.results();
  for (const { id } of all.slice(0, 40)) world.simulator.source.removeResult(id, { keepLink: true, silent: true });
  world.nowMs += 3_600_000;
  const counts = await world.pass('new', 'open', 'reconcile');
  const expected = all.length;
  expect(counts.incomplete).toEqual([
    `40 of ${expected} stored operator results were not listed; none was checked, none deleted`,
  ]);
  const stored = async () => (await world.pool.query('select from twilio.operator_results')).rowCount;
  const braked = async () => (await (await world.context()).results?.store.head())?.braked;
  expect(await stored()).toBe(all.length);
  expect(await braked()).toEqual({ expected, missing: 40 });
  expect((await world.pass('new', 'open')).incomplete).toEqual([]);
  await world.restart({ settings: { allowMassDelete: true } });
  world.nowMs += 3_600_000;
  await world.pass('new', 'open', 'reconcile');
  await world.pass('new', 'open');
  expect(await braked()).toBe(null);
  expect(await world.resultDifferences()).toEqual([]);
});

test('an expiring token starts the walk again; where that gets nowhere, each is asked for by conversation', async () => {
  await open({ conversations: 60, switches: { servedPageSize: 5, tokenUses: 0 } });
  await world.pass('new', 'open', 'lookback');
  for (let tick = 0; tick < 4; tick += 1) {
    world.nowMs += 700_000;
    await world.pass('new', 'open');
  }
  expect(await world.resultDifferences()).toEqual([]);
});

test('a reconcile that fails has the whole list read again all the same', async () => {
  await open({ conversations: 30 });
  await world.pass('new', 'open', 'lookback');
  const [deleted] = world.simulator.source.results();
  world.simulator.source.removeResult(deleted?.id ?? '', { keepLink: true, silent: true });
  world.nowMs += 60_000;
  world.simulator.faults.add({ on: 'list', fault: { kind: 'status', status: 401 } });
  await expect(world.pass('reconcile')).rejects.toThrow();
  world.simulator.faults.clear();
  await world.pass('new', 'open');
  expect(await world.resultDifferences()).toEqual([]);
});

test('a new result of a closed conversation has its link a minute later', async () => {
  await open({ conversations: 30 });
  await world.pass('new', 'open', 'lookback');
  const closed = world.simulator.source.all().findLast(({ status }) => status === 'CLOSED')?.id ?? '';
  world.nowMs += 60_000;
  world.simulator.source.addResult(closed, { silent: true });
  await world.pass('new', 'open');
  world.simulator.requests.reset();
  world.nowMs += 61_000;
  await world.pass('new', 'open');
  expect(world.simulator.requests.byEndpoint.detail).toBe(1);
  expect(await world.differences()).toEqual([]);
});

test('one that cannot be had is in quarantine and costs no other', async () => {
  await open({ conversations: 30 });
  await world.pass('new', 'open', 'lookback');
  await world.pool.query(`create function refuse() returns trigger language plpgsql as $$ begin raise 'not that one'; end $$;
    create trigger refuse before insert on twilio.operator_results for each row when (new.label = 'refused') execute function refuse()`);
  const [first = '', second = ''] = world.simulator.source.ids();
  world.nowMs += 60_000;
  world.simulator.source.addResult(first, { silent: true, fields: { result: { label: 'refused' } } as never });
  world.simulator.source.addResult(second, { silent: true });
  await world.pass('new', 'open');
  const found = await world.resultDifferences();
  expect(found).toHaveLength(1);
  const { rows } = await world.pool.query(
    'select conversation_id, reason, operator_result_id is not null as result from twilio_sync.quarantine',
  );
  expect(rows).toEqual([{ conversation_id: first, reason: expect.stringContaining('refuse'), result: true }]);
});

test('a conversation that is listed late has the results that were listed before it', async () => {
  await open({ conversations: 20, switches: { listLagMs: 3_600_000 } });
  world.nowMs += 3_600_000;
  await world.pass('new', 'open', 'lookback');
  const { id } = world.simulator.source.create();
  world.nowMs += 1_000;
  // Not among its ids, so that only its list shows it.
  world.simulator.source.addResult(id, { silent: true, link: false });
  for (let minute = 0; minute < 65; minute += 5) {
    world.nowMs += 300_000;
    await world.pass('new', 'open', 'lookback');
  }
  expect((await world.pool.query('select from twilio.conversations where id = $1', [id])).rowCount).toBe(1);
  expect(await world.resultDifferences()).toEqual([]);
});

test('views that a migration keeps from being made are made by a later tick, without a word', async () => {
  await open();
  const view = async () =>
    (await world.pool.query(`select to_regclass('twilio.result_summary') is not null as made`)).rows[0]?.made;
  const migration = await world.pool.connect();
  try {
    await migration.query('select pg_advisory_lock($1)', [migrationLock]);
    await world.pass('new', 'open', 'lookback');
    expect(await view()).toBe(false);
  } finally {
    migration.release(true);
  }
  await world.pass('new', 'open');
  expect(await view()).toBe(true);
  expect(world.warnings).toEqual([]);
});

test('an operator’s views are there once its name was read; what stands in the way costs only them', async () => {
  await open();
  await world.pool.query(`create table twilio.result_summary (mine int)`);
  await world.pass('new', 'open', 'lookback');
  const scores = `select score from twilio.result_script_adherence where score between 0 and 1`;
  expect((await world.pool.query(scores)).rowCount).toBeGreaterThan(0);
  await world.pool.query('select text from twilio.result_summary_2');
  const [first = {}] = world.source.operators.values();
  const made = { ...first, id: 'new', displayName: 'Made later', outputSchema: { properties: { rating: {} } } };
  world.source.operators.set('new', made);
  await world.pass('new', 'open');
  expect((await world.pool.query(`select to_regclass('twilio.result_made_later') as view`)).rows).toEqual([
    { view: null },
  ]);
  await world.pass('new', 'open', 'lookback');
  await world.pool.query('select rating from twilio.result_made_later');
  expect(world.warnings).toEqual([]);

  await world.pool.query('drop view twilio.result_made_later; create table twilio.result_made_later ()');
  world.source.operators.set('new', { ...made, displayName: 'Made again' });
  await world.pass('new', 'open', 'lookback');
  expect(world.warnings).toEqual([expect.stringMatching(/^the views of an operator are not up to date.*not the view/)]);
  expect(await world.allDifferences()).toEqual([]);
});
