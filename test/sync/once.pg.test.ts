// `sync --from`: one range, listed with as few requests as the server allows.

import { expect, test } from 'vitest';
import { preview, syncRange } from '../../src/sync/once.ts';
import { World } from '../world.ts';

const day = 86_400;
const signal = AbortSignal.timeout(300_000);

test('a server without bounds is read once, however long the range is', async () => {
  await using world = await World.open({ conversations: 60, days: 100, switches: { boundNames: 'none' } });
  const context = await world.context();
  const to = world.nowMs / 1000;
  const signal = AbortSignal.timeout(60_000);
  const requestsFor = async (days: number, list: typeof syncRange | typeof preview) => {
    world.simulator.requests.reset();
    await list(context, { from: to - days * day, to }, signal);
    return world.simulator.requests.byEndpoint.list;
  };
  await requestsFor(1, syncRange);
  const once = await requestsFor(1, syncRange);
  expect(await requestsFor(100, preview)).toBe(once);
  expect(await requestsFor(100, syncRange)).toBe(once);
  const { rows } = await world.pool.query('select count(*)::int as stored from twilio.conversations');
  expect(rows).toEqual([{ stored: 60 }]);
});

/** Takes all results of these conversations away, as if they had come since. */
const lose = (world: World, ids: string[]) =>
  world.pool.query('delete from twilio.operator_results where conversation_id = any($1)', [ids]);

test('a sync asks at once for results that a worker would wait for, and not for one that has failed', async () => {
  // What the newest page shows is stored anyhow.
  await using world = await World.open({ conversations: 60, results: true, switches: { servedPageSize: 5 } });
  await world.sync();
  const { rows } = await world.pool.query<{ id: string; result: string }>(
    `delete from twilio.operator_results where (conversation_id, id) in (
       select conversation_id, min(id) from twilio.operator_results group by 1 order by min(created_at) limit 2)
     returning conversation_id as id, id as result`,
  );
  const [waiting, failed] = rows;
  await world.pool.query(
    `insert into twilio_sync.results_due (conversation_id, operator_result_id, reason, due_at, attempts, error) values
       ($1, $2, 'linked', to_timestamp($5) + interval '10 minutes', 0, null), ($3, $4, 'linked', to_timestamp($5) + interval '1 minute', 1, 'refused')`,
    [waiting?.id, waiting?.result, failed?.id, failed?.result, world.nowMs / 1000],
  );
  await world.sync();
  expect(await world.resultDifferences()).toEqual([`${failed?.id} ${failed?.result}: not stored`]);
});

test('single conversations are fetched with all their results, and nothing else is asked for', async () => {
  await using world = await World.open({ conversations: 60, results: true });
  await world.sync();
  const [one = '', other = ''] = [
    ...new Set(world.simulator.source.results().map(({ conversationId }) => conversationId)),
  ];
  await lose(world, [one, other]);
  world.simulator.requests.reset();
  await world.fetch([one]);
  const missing = await world.resultDifferences();
  expect(missing.length).toBeGreaterThan(0);
  expect(missing.every((each) => each.startsWith(other))).toBe(true);
  expect(world.simulator.requests.byEndpoint).toMatchObject({ detail: 1, resultList: 1, result: 0 });
});

test('a range is stored with its results: one request a conversation, or the whole list where that is less', async () => {
  await using world = await World.open({ conversations: 60, days: 30, results: true });
  const to = world.nowMs / 1000;
  const context = await world.context();
  const read = async (days: number) => {
    world.simulator.requests.reset();
    await syncRange(context, { from: to - days * day, to }, signal);
    return world.simulator.requests.byEndpoint.resultList;
  };
  const inRange = async () =>
    (
      await world.pool.query('select from twilio.conversations where created_at >= $1', [
        new Date((to - 3 * day) * 1000),
      ])
    ).rowCount;
  // The first load has not begun.
  expect(await read(3)).toBe(await inRange());
  expect(await world.resultDifferences()).toEqual([]);
  await world.sync();
  await lose(world, world.source.ids());
  expect(await read(40)).toBe(1);
  expect(await world.resultDifferences()).toEqual([]);
});

test('a dry run says for how many results the whole list would be read, and asks for none', async () => {
  await using world = await World.open({ conversations: 60, results: true });
  const context = await world.context();
  const results = async (range: 'reconcile' | null) => (await preview(context, range, signal)).results;
  expect(await results(null)).toBe(0);
  expect(world.simulator.requests.byEndpoint).toMatchObject({ resultList: 0, result: 0 });
  await world.sync();
  expect(await results(null)).toBe(null);
  expect(await results('reconcile')).toBe(world.simulator.source.results().length);
});
