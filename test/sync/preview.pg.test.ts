// A dry run: it says what a sync would do, and then nothing is another than before.

import { expect, test } from 'vitest';
import { noFilters } from '../../src/config/config.ts';
import { openDatabase } from '../../src/postgres/database.ts';
import { createStore } from '../../src/postgres/store.ts';
import { preview } from '../../src/sync/once.ts';
import { World } from '../world.ts';

/** Every row of every table. */
async function rowsOf(world: World): Promise<unknown> {
  const { rows: tables } = await world.pool.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('twilio', 'twilio_sync')`,
  );
  const all = tables.map(async ({ name }) => {
    const { rows } = await world.pool.query(`select row_to_json(each)::text as row from ${name} as each order by 1`);
    return [name, rows.map(({ row }) => row)];
  });
  return Object.fromEntries(await Promise.all(all));
}

/** What the context remembers, as a value of its own. */
const remembered = async (world: World) => {
  const { requests, learned, counts, detailRequests } = await world.context();
  return structuredClone({ requests, learned: { ...learned, lost: await learned.lost }, counts, detailRequests });
};

test('over pending windows it lists those too, and notes nothing, also where they cannot be listed', async () => {
  await using world = await World.open({ conversations: 100, days: 60 });
  await world.sync();
  for (const id of world.source.ids()) world.source.say(id, 'More');
  world.simulator.faults.add({ on: 'list', fault: { kind: 'status', status: 500 }, times: 20 });
  await world.pass('reconcile');
  const { rows: pending } = await world.pool.query('select from twilio_sync.windows where completed_at is null');
  expect(pending).toHaveLength(1);
  const context = await world.context();
  context.requests.openFromStart = true;
  const before = { rows: await rowsOf(world), remembered: await remembered(world) };

  const { generation } = context.settings;
  await using opened = new AsyncDisposableStack();
  const database = opened.adopt(openDatabase(world.database.connection), (each) => each.close());
  context.store = createStore({ database, filters: noFilters, generation, epoch: null });
  for (const write of [() => context.store.plan('new', []), () => context.store.load([], null, 0)])
    await expect(write()).rejects.toThrow('without the lease');
  const look = () => preview(context, null, AbortSignal.timeout(60_000));
  const { wouldFetch, incomplete } = await look();
  expect({ incomplete, some: wouldFetch > 20 }).toEqual({ incomplete: [], some: true });
  const fault = world.simulator.faults.add({ on: 'list', fault: { kind: 'status', status: 500 } });
  expect((await look()).incomplete).toContainEqual(expect.stringMatching(/^reconcile: .*500/));
  fault.remove();
  expect({ rows: await rowsOf(world), remembered: await remembered(world) }).toEqual(before);
});

test('what is due by now would be fetched as well', async () => {
  await using world = await World.open({ conversations: 20, days: 10 });
  await world.sync();
  const [id = ''] = world.source.ids();
  const wouldFetch = async () => (await preview(await world.context(), null, AbortSignal.timeout(60_000))).wouldFetch;
  expect(await wouldFetch()).toBe(0);
  await world.pool.query(
    `insert into twilio_sync.due (conversation_id, reason, due_at) values ($1, 'asked', to_timestamp(0))`,
    [id],
  );
  expect(await wouldFetch()).toBe(1);
});
