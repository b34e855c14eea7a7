// What is erased because the API no longer has it, and what is fetched again because nobody would notice otherwise.

import { describe, expect, test } from 'vitest';
import { keepEverything } from '../../src/sync/keep.ts';
import { dumpOf, foundIn } from '../dump.ts';
import { World } from '../world.ts';

const minute = 60_000;
const day = 86_400_000;

describe('SYNC_DELETED=erase', () => {
  const erasing = { keep: { ...keepEverything, eraseDeleted: true } };

  test('erases what is gone, also what was marked before, and stores again what comes back', async () => {
    await using world = await World.open({ conversations: 60, days: 20, results: true });
    await world.sync();
    const [first = '', second = '', ...others] = world.source.ids();
    world.source.remove(first);
    await world.sync({ reconcile: true });
    const left = async () => foundIn(await dumpOf(world.pool), [first, second]);
    expect(await left()).toEqual([first, second]);

    await world.restart({ settings: erasing });
    expect(await world.sync()).toMatchObject({ erased: 1, deleted: 0 });
    expect(await left()).toEqual([second]);
    const removed = world.source.get(second);
    world.source.remove(second);
    expect(await world.sync({ reconcile: true })).toMatchObject({ erased: 1, deleted: 1 });
    expect(await left()).toEqual([]);
    expect(await world.allDifferences()).toEqual([]);
    const { rows } = await world.pool.query('select cause, conversations from twilio_sync.erasures');
    expect(rows).toEqual([{ cause: 'SYNC_DELETED', conversations: 2 }]);

    world.source.put(removed);
    expect(await world.sync({ reconcile: true })).toMatchObject({ erased: 0 });
    expect(await world.differences()).toEqual([]);

    // Too many at once: the brake holds for erasing as it does for marking.
    for (const id of others.slice(0, 25)) world.source.remove(id);
    const before = await world.pool.query('select from twilio.conversations');
    expect(await world.sync({ reconcile: true })).toMatchObject({
      erased: 0,
      incomplete: expect.arrayContaining([expect.stringMatching(/^reconcile: 25 of 59/)]),
    });
    expect((await world.pool.query('select from twilio.conversations')).rowCount).toBe(before.rowCount);
  });

  test('one that only its detail hides is neither marked nor erased', async () => {
    await using world = await World.open({ conversations: 20, days: 10, settings: erasing });
    await world.sync();
    const [id = ''] = world.source.ids();
    const fault = world.simulator.faults.add({ on: 'detail', id, fault: { kind: 'status', status: 404 } });
    await world.fetch([id]);
    await world.sync({ reconcile: true });
    fault.remove();
    expect(await world.differences()).toEqual([]);
  });
});

describe('SYNC_REREAD', () => {
  const every = 10 * day;
  const settings = { refreshSeconds: [], keep: { ...keepEverything, rereadSeconds: every / 1000 } };

  test('fetches each closed conversation once in that time, evenly, and finds what no listing shows', async () => {
    await using world = await World.open({ conversations: 200, days: 20, settings });
    await world.sync();
    const closed = world.source.all().filter(({ status }) => status === 'CLOSED');
    for (const { id } of closed) world.source.redact(id, { silent: true, text: '[redacted]' });
    world.nowMs += minute;
    await world.pass('new', 'open', 'lookback', 'reconcile');
    expect((await world.differences()).length).toBeGreaterThan(closed.length);
    const fetched: number[] = [];
    for (let step = 0; step < 40; step += 1) {
      world.nowMs += every / 40;
      fetched.push((await world.pass('new')).fetched);
    }
    expect(await world.differences()).toEqual([]);
    const sum = fetched.reduce((total, count) => total + count, 0);
    // A walk is done a little early, and the next one begins: about a tenth is fetched twice.
    expect(sum).toBeGreaterThanOrEqual(closed.length);
    expect(sum).toBeLessThan(closed.length * 1.2);
    const even = closed.length / 40;
    expect(Math.max(...fetched)).toBeLessThan(even * 2 + 3);
    expect(
      foundIn(JSON.stringify((await world.pool.query('select * from twilio_sync.reread')).rows), ['conv_']),
    ).toEqual([]);
  });

  test('where it is not set, closed ones are left alone', async () => {
    await using world = await World.open({ conversations: 20, days: 10, settings: { refreshSeconds: [] } });
    await world.sync();
    world.nowMs += 300 * day;
    expect(await world.pass('new')).toMatchObject({ fetched: 0 });
  });
});
