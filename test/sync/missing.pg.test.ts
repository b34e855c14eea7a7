// Stored conversations that a listing does not show, where something else is in the way: a stretch that cannot be listed
// stops no deletion elsewhere, and a source that keeps only so many days is told from one that hides something.

import { describe, expect, test } from 'vitest';
import { pass } from '../../src/sync/pass.ts';
import { World } from '../world.ts';

const minute = 60_000;
const day = 24 * 60 * minute;

async function deleted(world: World): Promise<string[]> {
  const { rows } = await world.pool.query<{ id: string }>(
    'select id from twilio.conversations where deleted_at is not null order by created_at',
  );
  return rows.map(({ id }) => id);
}

/** Conversations of the source created so many days ago, oldest first. */
const idsOf = (world: World, fromDays: number, toDays: number) =>
  world.source
    .all()
    .filter(({ createdAt }) => {
      const days = (world.nowMs - Date.parse(createdAt)) / day;
      return days < fromDays && days >= toDays;
    })
    .toSorted((a, b) => (a.createdAt < b.createdAt ? -1 : 1))
    .map(({ id }) => id);

/** From so many days ago to so many days ago, no list can be had. */
const hide = (world: World, fromDays: number, toDays: number) =>
  world.simulator.faults.add({
    on: 'list',
    meeting: { fromMs: world.nowMs - fromDays * day, toMs: world.nowMs - toDays * day },
    fault: { kind: 'status', status: 503 },
  });

describe('one window that can never be listed', () => {
  test('stops no deletion in another, and the next reconcile finds those that come later', async () => {
    await using world = await World.open({ conversations: 100, days: 90 });
    await world.sync({ reconcile: true });
    const reconciledAt = async () => {
      const { rows } = await world.pool.query<{ at: Date | null }>(
        `select max(ended_at) as at from twilio_sync.sweeps where sweep = 'reconcile' and not braked`,
      );
      return rows[0]?.at;
    };
    const before = await reconciledAt();
    hide(world, 55, 35);
    const gone: string[] = [];
    for (let days = 1; days <= 3; days += 1) {
      world.nowMs += day;
      const [old = '', older = ''] = [idsOf(world, 25, 15)[0], idsOf(world, 88, 65)[0]];
      for (const id of [old, older]) world.source.remove(id);
      gone.push(old, older);
      const { incomplete } = await world.pass('new', 'reconcile');
      expect(new Set(incomplete)).toEqual(new Set([expect.stringMatching(/^reconcile: .* 503/)]));
      expect((await deleted(world)).toSorted()).toEqual(gone.toSorted());
    }
    expect(await reconciledAt()).toEqual(before);
    world.simulator.faults.clear();
    await world.sync({ reconcile: true });
    expect(await world.differences()).toEqual([]);
    expect(await reconciledAt()).not.toEqual(before);
  });

  test('does not open the brake: what is too much for what was listed waits until the sweep can look again', async () => {
    await using world = await World.open({ conversations: 200, days: 90, settings: { refreshSeconds: [] } });
    await world.sync();
    hide(world, 55, 35);
    world.simulator.turn({ lists: 'half' });
    world.simulator.requests.reset();
    const braked = expect.stringMatching(/^reconcile: .* none was checked/);
    expect((await world.pass('reconcile')).incomplete).toEqual([expect.stringMatching(/503/), braked]);
    // Said once, not pass after pass, and again by the next reconcile that is no better off.
    expect((await world.pass()).incomplete).toEqual([expect.stringMatching(/503/)]);
    world.nowMs += day;
    expect((await world.pass('reconcile')).incomplete).toContainEqual(braked);
    expect(world.simulator.requests.detailIds()).toEqual([]);
    world.simulator.turn({ lists: 'all' });
    world.simulator.faults.clear();
    expect((await world.pass('new', 'reconcile')).incomplete).toEqual([]);
    expect(await deleted(world)).toEqual([]);
    expect(await world.differences()).toEqual([]);
  });
});

test('what one sweep still holds as missing, and another lists, is not deleted by one 404', async () => {
  await using world = await World.open({ conversations: 40, days: 20 });
  await world.sync();
  const [id = ''] = idsOf(world, 2, 0);
  const whole = world.source.get(id);
  world.source.remove(id);
  const context = await world.context();
  const stop = new AbortController();
  const { load } = context.store;
  context.requests.sweeps.add('reconcile');
  context.store = {
    ...context.store,
    async load(changes, mark, now) {
      const loaded = await load(changes, mark, now);
      if (mark?.window.sweep === 'reconcile' && mark.missing.includes(id)) stop.abort(new Error('stopped'));
      return loaded;
    },
  };
  await expect(pass(context, stop.signal)).rejects.toThrow('stopped');
  await world.restart();
  // Back as it was, before the reconcile has gone on to its end.
  world.source.put(whole);
  world.simulator.faults.add({ on: 'detail', id, fault: { kind: 'status', status: 404 } });
  await world.pass('lookback');
  expect(await deleted(world)).toEqual([]);
  world.simulator.faults.clear();
  expect(await world.differences()).toEqual([]);
});

describe('a source that keeps seven days', () => {
  /** A night passes: conversations of the day come, those that are too old are dropped. */
  async function night(world: World, keepDays = 7): Promise<string[]> {
    for (let hour = 0; hour < 24; hour += 1) {
      world.nowMs += day / 24;
      for (let count = 0; count < 2; count += 1) world.source.create({ status: 'CLOSED' });
    }
    world.nowMs += minute;
    const old = idsOf(world, 1000, keepDays);
    for (const id of old) world.source.remove(id);
    return old;
  }

  /** As if the last reconcile had been a day ago: the database's clock does not move with the simulator's. */
  const ages = (world: World, days: number) =>
    world.pool.query(`update twilio_sync.sweeps set ended_at = ended_at - $1 * interval '1 day'`, [days]);

  test('night after night, what it drops is marked deleted, and the brake never holds', async () => {
    await using world = await World.open({ conversations: 400, days: 8, settings: { refreshSeconds: [] } });
    await world.sync();
    const dropped: string[] = idsOf(world, 1000, 7);
    for (const id of dropped) world.source.remove(id);
    expect((await world.sync({ reconcile: true })).incomplete).toEqual([]);
    // More than the brake lets through of itself.
    expect(dropped.length).toBeGreaterThan(20);
    for (let nights = 0; nights < 4; nights += 1) {
      dropped.push(...(await night(world)));
      expect((await world.sync({ reconcile: true })).incomplete, `night ${nights}`).toEqual([]);
      expect(await deleted(world)).toHaveLength(dropped.length);
    }
    expect(await world.differences()).toEqual([]);
  });

  test('after some nights without a worker, those days are believed, and not one more than another', async () => {
    await using world = await World.open({ conversations: 300, days: 7, settings: { refreshSeconds: [] } });
    await world.sync({ reconcile: true });
    for (let nights = 0; nights < 3; nights += 1) await night(world);
    await ages(world, 1);
    expect((await world.sync({ reconcile: true })).incomplete).toEqual([expect.stringMatching(/^reconcile: /)]);
    expect(await deleted(world)).toEqual([]);
    await ages(world, 1.1);
    expect((await world.sync({ reconcile: true })).incomplete).toEqual([]);
    expect((await deleted(world)).length).toBeGreaterThan(100);
    expect(await world.differences()).toEqual([]);
  });

  test.each([
    ['the newest day', 1, 0],
    ['a day in the middle', 4, 3],
    ['everything but the oldest day', 6, 0],
  ])('an outage that hides %s is none of it', async (_name, fromDays, toDays) => {
    await using world = await World.open({ conversations: 300, days: 7, settings: { refreshSeconds: [] } });
    await world.sync({ reconcile: true });
    await ages(world, 1);
    for (const id of idsOf(world, fromDays, toDays)) world.source.remove(id);
    expect((await world.pass('reconcile')).incomplete).toEqual([expect.stringMatching(/^reconcile: /)]);
    expect(await deleted(world)).toEqual([]);
  });

  test('nor is a list that shows nothing at all', async () => {
    await using world = await World.open({ conversations: 60, days: 1, settings: { refreshSeconds: [] } });
    await world.sync({ reconcile: true });
    world.simulator.turn({ lists: 'nothing' });
    world.simulator.faults.add({ on: 'detail', fault: { kind: 'status', status: 404 } });
    expect((await world.pass('reconcile')).incomplete).toEqual([expect.stringMatching(/^reconcile: /)]);
    expect(await deleted(world)).toEqual([]);
  });
});
