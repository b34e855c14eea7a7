// Walks over the whole list of operator results: what ends and begins them, what they show, and that neither a kill, an
// expiring token, a lost lease nor a lost answer makes them skip or repeat anything.

import { afterEach, expect, test } from 'vitest';
import type { ResultsStore } from '../../src/sync/result-model.ts';
import { World, type WorldOptions } from '../world.ts';

const minute = 60_000;
const hour = 60 * minute;
let world: World;

afterEach(async () => {
  await world[Symbol.asyncDispose]();
});

const open = async (options: WorldOptions = {}) => {
  world = await World.open({ conversations: 60, days: 10, results: true, ...options });
};
const walks = async () =>
  (
    await world.pool.query(
      `select kind, ended_at is not null as ended, braked from twilio_sync.results_walks where kind <> 'gaps' order by id`,
    )
  ).rows;
const whole = async () =>
  (await world.pool.query('select whole_since is not null as whole from twilio_sync.results_head')).rows[0]?.whole;
const loads = async (change: (load: ResultsStore['load']) => ResultsStore['load']) => {
  const { results } = await world.context();
  if (results !== null) results.store = { ...results.store, load: change(results.store.load) };
};
/** Fails at the nth load, before it or after it is committed. */
const failAt = async (n: number, when: 'before' | 'after') => {
  let left = n;
  await loads((load) => async (...given) => {
    left -= 1;
    if (left === 0 && when === 'before') throw new Error('killed');
    const loaded = await load(...given);
    if (left === 0) throw new Error('killed');
    return loaded;
  });
};
const removeSilently = (count: number, { keepLink = true } = {}) => {
  const removed = world.source
    .results()
    .slice(5, 5 + count)
    .map(({ id }) => id);
  for (const id of removed) world.source.removeResult(id, { keepLink, silent: true });
  return removed;
};
const countStored = async (ids: string[]) =>
  (await world.pool.query('select from twilio.operator_results where id = any($1)', [ids])).rowCount;

test.each(['before', 'after'] as const)(
  'an outage with five pages, and a kill %s the first is stored',
  async (when) => {
    await open({ conversations: 20, switches: { servedPageSize: 10 } });
    await world.sync();
    const [id = ''] = world.source.ids();
    for (let count = 0; count < 50; count += 1) {
      world.nowMs += minute;
      world.source.addResult(id, { silent: true });
    }
    await failAt(1, when);
    await expect(world.pass('new', 'open')).rejects.toThrow('killed');
    await world.restart();
    for (let tick = 0; tick < 2; tick += 1) {
      world.nowMs += 2_000;
      await world.pass('new', 'open');
    }
    expect(await world.resultDifferences()).toEqual([]);
  },
);

test('killed after each load of a first walk, it goes on where it was', async () => {
  await open({ switches: { servedPageSize: 7 } });
  const pages = Math.ceil(world.source.results().length / 7);
  let kills = 0;
  for (let done = false; !done; ) {
    await failAt(2, kills % 2 === 0 ? 'after' : 'before');
    await world.pass('new', 'open').then(
      () => {
        done = true;
      },
      () => {
        kills += 1;
      },
    );
    await world.restart();
    expect(kills).toBeLessThan(3 * pages);
  }
  expect(await world.differences()).toEqual([]);
  expect(await world.resultDifferences()).toEqual([]);
  expect(await whole()).toBe(true);
});

test('a load whose answer is lost is repeated without harm', async () => {
  await open({ switches: { servedPageSize: 7 } });
  await loads((load) => async (...given) => {
    const loaded = await load(...given);
    await load(...given);
    return loaded;
  });
  await world.pass('new', 'open', 'lookback');
  const count = world.source.results().length;
  const { rows } = await world.pool.query(`select kind, listed from twilio_sync.results_walks where kind <> 'gaps'`);
  expect(rows).toEqual([{ kind: 'all', listed: count }]);
  const [id = ''] = world.source.ids();
  for (let n = 0; n < 200; n += 1) {
    world.nowMs += minute;
    world.source.addResult(id, { silent: true });
  }
  await world.pass('new', 'open');
  expect((await walks()).filter(({ kind }) => kind === 'rest')).toHaveLength(1);
  expect(await world.resultDifferences()).toEqual([]);
});

test('a walk that is interrupted after each page shows what is deleted all the same', async () => {
  await open({ days: 1, switches: { servedPageSize: 5 } });
  await world.sync();
  const removed = removeSilently(6);
  const { requests } = await world.context();
  await loads((load) => async (...given) => {
    requests.sweeps.add('new');
    return await load(...given);
  });
  const passing = world.pass('reconcile');
  await passing;
  expect(await countStored(removed)).toBe(0);
});

test('who has lost the lease in the middle of a walk writes nothing more', async () => {
  await open({ switches: { servedPageSize: 7 } });
  await world.context();
  let left = 2;
  await loads((load) => async (...given) => {
    left -= 1;
    if (left === 0) {
      world.supersede();
      await world.pass('new', 'open', 'lookback');
    }
    return await load(...given);
  });
  await expect(world.pass('new', 'open')).rejects.toThrow(/lease/);
  expect(await world.allDifferences()).toEqual([]);
});

test('a token that expires in the middle of the walk: it starts again and ends', async () => {
  await open({ switches: { servedPageSize: 7 } });
  world.simulator.faults.add({ on: 'resultList', fault: { kind: 'expireToken' }, nth: 5 });
  await world.sync();
  expect(await world.resultDifferences()).toEqual([]);
  expect(await walks()).toEqual([{ kind: 'all', ended: true, braked: false }]);
});

test('a token that expires in the newest part: the rest is read like history', async () => {
  await open({ switches: { servedPageSize: 7 } });
  await world.sync();
  const [id = ''] = world.source.ids();
  for (let n = 0; n < 50; n += 1) {
    world.nowMs += minute;
    world.source.addResult(id, { silent: true });
  }
  world.simulator.faults.add({ on: 'resultList', fault: { kind: 'expireToken' }, nth: 3 });
  await world.pass('new', 'open');
  expect(await world.resultDifferences()).toEqual([]);
  expect(await walks()).toContainEqual({ kind: 'rest', ended: true, braked: false });
});

test('where tokens never last, what an unfinished walk missed is forgotten, and the next one finds it', async () => {
  await open({ switches: { servedPageSize: 20 } });
  await world.sync();
  const removed = removeSilently(6);
  world.simulator.turn({ tokenUses: 0 });
  await world.pass('new', 'open', 'reconcile');
  const { rows } = await world.pool.query('select from twilio_sync.results_due where walk_id is not null');
  expect(rows).toEqual([]);
  world.simulator.turn({ tokenUses: null });
  world.nowMs += 24 * hour;
  await world.pass('new', 'open', 'reconcile');
  expect(await countStored(removed)).toBe(0);
});

test('pages too large for memory are asked for in smaller ones', async () => {
  await open({ wild: true, conversations: 300, client: { pageLimitBytes: 200_000 } });
  await world.sync();
  expect(await world.resultDifferences()).toEqual([]);
  expect(world.simulator.requests.listQueries('resultList').some((query) => Number(query.get('pageSize')) < 1000)).toBe(
    true,
  );
});

test('so many are missing that none is deleted, which is said; with --allow-mass-delete all are', async () => {
  await open({ conversations: 100 });
  await world.sync();
  const removed = removeSilently(30);
  const counts = await world.pass('new', 'open', 'reconcile');
  expect(await countStored(removed)).toBe(30);
  expect(counts.incomplete).toEqual([expect.stringMatching(/30 of \d+ stored operator results/)]);
  expect((await walks()).at(-1)).toMatchObject({ ended: true, braked: true });
  await world.restart({ settings: { allowMassDelete: true } });
  world.nowMs += hour;
  await world.pass('new', 'open', 'reconcile');
  expect(await countStored(removed)).toBe(0);
});

test('the newest ones are deleted with the next whole walk, also where the list is empty then', async () => {
  await open({ conversations: 3 });
  await world.sync();
  const newestFirst = world.source.results().toSorted((a, b) => (a.dateCreated < b.dateCreated ? 1 : -1));
  expect(newestFirst.length).toBeGreaterThan(2);
  const [first = [], rest = []] = [newestFirst.slice(0, 2), newestFirst.slice(2)].map((all) => all.map(({ id }) => id));
  for (const removed of [first, rest]) {
    for (const id of removed) world.source.removeResult(id, { keepLink: true, silent: true });
    expect(await countStored(removed)).toBe(removed.length);
    world.nowMs += hour;
    await world.sync({ reconcile: true });
    expect(await countStored(removed)).toBe(0);
  }
});

test('fewer are deleted with the next whole walk, with their link or without', async () => {
  await open({ conversations: 100 });
  await world.sync();
  const removed = [...removeSilently(8), ...removeSilently(8, { keepLink: false })];
  await world.pass('new', 'open', 'lookback');
  expect(await countStored(removed)).toBe(16);
  world.nowMs += hour;
  await world.pass('new', 'open', 'reconcile');
  expect(await countStored(removed)).toBe(0);
});

test('other filters, more history, and results wanted again begin a walk', async () => {
  await open({ settings: { start: Date.UTC(2026, 5, 10) / 1000, history: Date.UTC(2026, 5, 10) / 1000 } });
  await world.sync();
  await world.restart({ settings: { start: Date.UTC(2026, 4, 1) / 1000, history: Date.UTC(2026, 4, 1) / 1000 } });
  const requests = async () => {
    world.simulator.requests.reset();
    await world.sync();
    return world.simulator.requests.byEndpoint.resultList;
  };
  expect(await requests()).toBe(2);
  expect(await world.allDifferences()).toEqual([]);
  expect(await requests()).toBe(1);
  await world.restart({ filters: { channels: ['VOICE'] } });
  expect(await requests()).toBe(2);
  await world.restart({ filters: {} });
  expect(await requests()).toBe(2);
  expect(await world.allDifferences()).toEqual([]);
  const { results } = await world.context();
  await results?.store.leave();
  const [id = ''] = world.source.ids();
  world.source.addResult(id, { silent: true });
  removeSilently(3);
  world.nowMs += hour;
  expect(await requests()).toBe(2);
  expect(await world.resultDifferences()).toEqual([]);
});

test('a list that fails keeps its place, and what is said of it may hold anything', async () => {
  await open({ switches: { servedPageSize: 7 } });
  world.simulator.faults.add({
    on: 'resultList',
    fault: { kind: 'status', status: 503, message: 'not \u0000 \ud800 now' },
    from: 5,
  });
  const counts = await world.pass('new', 'open', 'lookback');
  expect(counts.incomplete).toHaveLength(1);
  const { rows } = await world.pool.query(
    'select failures, error, token is not null as placed from twilio_sync.results_walks',
  );
  expect(rows).toEqual([{ failures: 1, error: expect.stringContaining('503'), placed: true }]);
  world.simulator.faults.clear();
  await world.pass('new', 'open');
  expect(await world.resultDifferences()).toEqual([]);
  expect((await walks()).at(-1)).toMatchObject({ ended: true });
});

test('oldest first, within minutes on the first page: the walk finds out, and the newest part is given up', async () => {
  await open({ conversations: 5, switches: { resultOrder: 'oldestFirst', servedPageSize: 10 } });
  const [id = ''] = world.source.ids();
  for (const { id: old } of world.source.results()) world.source.removeResult(old);
  for (let n = 0; n < 60; n += 1) {
    world.nowMs += minute / 2;
    world.source.addResult(id, { silent: true });
  }
  await world.sync();
  const { rows } = await world.pool.query('select given_up from twilio_sync.results_head');
  expect(rows[0]?.given_up).toContain('not newest first');
  expect(world.warnings.filter((each) => each.includes('by conversation from now on'))).toHaveLength(1);
  expect(await world.resultDifferences()).toEqual([]);
});

test('pages that shift while they are read do not give the newest part up', async () => {
  await open({ switches: { paging: 'offset', servedPageSize: 7 } });
  const [id = ''] = world.source.ids();
  await loads((load) => async (...given) => {
    world.source.addResult(id, { silent: true });
    return await load(...given);
  });
  await world.pass('new', 'open', 'lookback');
  const { rows } = await world.pool.query('select given_up from twilio_sync.results_head');
  expect(rows).toEqual([{ given_up: null }]);
});

test('a filter by operator that is ignored: by conversation, and the newest part is read as before', async () => {
  await open({ switches: { servedPageSize: 20, tokenUses: 0, ignoredResultFilters: ['operatorId'] } });
  await world.sync();
  for (let tick = 0; tick < 3; tick += 1) {
    world.nowMs += 11 * minute;
    await world.pass('new', 'open');
  }
  expect(await world.resultDifferences()).toEqual([]);
  const { rows } = await world.pool.query('select given_up from twilio_sync.results_head');
  expect(rows).toEqual([{ given_up: null }]);
});

test('what is gone of names keeps its row; names that are refused cost names alone', async () => {
  await open({ switches: { forbidden: ['names'] } });
  await world.sync();
  expect(await world.resultDifferences()).toEqual([]);
  expect((await world.pool.query('select from twilio.operators')).rowCount).toBe(0);
  world.simulator.turn({ forbidden: [] });
  await world.pass('new', 'open', 'lookback');
  expect(await world.allDifferences()).toEqual([]);
  const [first = ''] = world.source.operators.keys();
  world.source.operators.delete(first);
  await world.pass('new', 'open', 'lookback');
  expect(await world.allDifferences()).toEqual([]);
  const { rows } = await world.pool.query('select deleted_at is not null as gone from twilio.operators where id = $1', [
    first,
  ]);
  expect(rows).toEqual([{ gone: true }]);
});
