// Small plays for operator results: a kill between two pages, an id that is deleted, a token, an order, one key of two. Each
// ends with the first thing that is wrong, or null.

import type { ResultsStore } from '../../src/sync/result-model.ts';
import { World, type WorldOptions } from '../world.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const first = (found: string[]) => found[0] ?? null;

async function open(options: WorldOptions = {}): Promise<World> {
  return await World.open({ conversations: 20, days: 5, results: true, switches: { servedPageSize: 10 }, ...options });
}

function addMany(world: World, count: number): void {
  const [id = ''] = world.source.ids();
  for (let n = 0; n < count; n += 1) {
    world.nowMs += minute;
    world.source.addResult(id, { silent: true });
  }
}

/** The nth load is committed, and the process ends. */
async function killAfter(world: World, n: number): Promise<void> {
  const { results } = await world.context();
  if (results === null) return;
  let left = n;
  const load: ResultsStore['load'] = results.store.load;
  results.store = {
    ...results.store,
    async load(...given) {
      const loaded = await load(...given);
      left -= 1;
      if (left === 0) throw new Error('killed');
      return loaded;
    },
  };
}

/** After an outage, the process is killed between two pages of what is new. */
async function resultsKilled(): Promise<string | null> {
  await using world = await open();
  await world.sync();
  addMany(world, 50);
  await killAfter(world, 1);
  await world.pass('new', 'open').catch(() => {});
  await world.restart();
  await world.pass('new', 'open');
  return first(await world.resultDifferences());
}

/** More is new than a tick reads: the rest waits, and is read. */
async function resultsRest(): Promise<string | null> {
  await using world = await open({ switches: { servedPageSize: 2 } });
  await world.sync();
  addMany(world, 60);
  await world.pass('new', 'open');
  return first(await world.resultDifferences());
}

/** Results come late, below one that was stored long before. */
async function resultsLate(): Promise<string | null> {
  await using world = await open({ switches: { servedPageSize: 3 } });
  await world.sync();
  const [id = ''] = world.source.ids();
  addMany(world, 6);
  await world.pass('new', 'open');
  const dateCreated = new Date(world.nowMs - 5 * minute - 1).toISOString();
  world.source.addResult(id, { silent: true, fields: { dateCreated } });
  world.nowMs += minute;
  await world.pass('new', 'open');
  return first(await world.resultDifferences());
}

/** A walk is killed after some of its pages, and goes on where it was. */
async function resultsPlace(): Promise<string | null> {
  await using world = await open({ conversations: 60 });
  await killAfter(world, 4);
  await world.pass('new', 'open').catch(() => {});
  await world.restart();
  world.simulator.requests.reset();
  await world.sync();
  const [head, walk] = world.simulator.requests.listQueries('resultList');
  if (head?.has('pageToken') || !walk?.has('pageToken')) return 'the walk begins again, instead of going on';
  if (world.simulator.requests.byEndpoint.result > 0) return 'what the walk has passed is asked for by itself';
  return first(await world.resultDifferences());
}

/** The list shows nothing for once, and each result is there: one key is not two. */
async function resultsOneKey(): Promise<string | null> {
  await using world = await open({ conversations: 40 });
  await world.sync();
  // Not on the first page, which each tick reads, and of a conversation that the lookback lists.
  const made = world.source.results().toSorted((a, b) => (a.dateCreated < b.dateCreated ? 1 : -1));
  const isRecent = (id: string) => Date.parse(world.source.get(id).createdAt) > world.nowMs - 2 * day;
  const some = made.slice(10).find(({ conversationId }) => isRecent(conversationId));
  if (some === undefined) return 'there is no result to unlink';
  const { id, conversationId } = some;
  world.source.resultStore.keep(conversationId);
  const whole = world.source.get(conversationId);
  const operatorResultIds = (whole.operatorResultIds ?? []).filter((each) => each !== id);
  world.source.put({ ...whole, operatorResultIds, updatedAt: world.source.stamp() });
  await world.pass('new', 'open', 'lookback');
  return first(await world.resultDifferences());
}

/** A detail names a result that the list shows later: it is awaited. */
async function resultsGap(): Promise<string | null> {
  await using world = await open({ switches: { resultsOfAll: 'refused' } });
  await world.sync();
  const id = world.source.ids().at(-1) ?? '';
  world.nowMs += minute;
  world.source.addResult(id);
  await world.sync();
  return first(await world.resultDifferences());
}

/** A list without an order: the newest part is given up, and conversations find what it does not show. */
async function resultsOrder(): Promise<string | null> {
  await using world = await open({ switches: { resultOrder: 'none', servedPageSize: 10 } });
  await world.sync();
  const { rows } = await world.pool.query<{ given_up: string | null }>('select given_up from twilio_sync.results_head');
  return rows[0]?.given_up == null ? 'the newest part of a list without order is believed' : null;
}

/** Half of all results are gone at once, or seem to be. */
async function resultsBrake(): Promise<string | null> {
  await using world = await open({ conversations: 60 });
  await world.sync();
  const gone = world.source.results().slice(0, 50);
  for (const { id } of gone) world.source.removeResult(id, { silent: true, keepLink: true });
  world.nowMs += hour;
  await world.pass('new', 'open', 'reconcile');
  const { rowCount } = await world.pool.query('select from twilio.operator_results where id = any($1)', [
    gone.map(({ id }) => id),
  ]);
  return rowCount === gone.length ? null : `${gone.length - (rowCount ?? 0)} results are deleted, as many were missing`;
}

/** A walk is replaced while it has set some aside as missing: the next one finds them. */
async function resultsReplaced(): Promise<string | null> {
  await using world = await open({ conversations: 60 });
  await world.sync();
  const gone = world.source.results().slice(-20, -15);
  for (const { id } of gone) world.source.removeResult(id, { silent: true, keepLink: true });
  await killAfter(world, 6);
  await world.pass('new', 'open', 'reconcile').catch(() => {});
  await world.restart({ filters: { channels: ['VOICE', 'CHAT', 'SMS', 'EMAIL', 'WHATSAPP', 'RCS'] } });
  await world.sync();
  await world.sync({ reconcile: true });
  return first(await world.resultDifferences());
}

export const resultScenarios = {
  resultsKilled,
  resultsRest,
  resultsLate,
  resultsPlace,
  resultsOneKey,
  resultsGap,
  resultsOrder,
  resultsBrake,
  resultsReplaced,
};
