// Details too large for the memory that this process may use: each is fetched alone, and what has ended the process twice
// is in quarantine the third time.

import { expect, test, vi } from 'vitest';
import { World } from '../world.ts';

const megabyte = 1_000_000;

async function quarantine(world: World): Promise<{ id: string; reason: string }[]> {
  const { rows } = await world.pool.query<{ id: string; reason: string }>(
    'select conversation_id as id, reason from twilio_sync.quarantine order by conversation_id',
  );
  return rows;
}

const large = (world: World) => world.pool.query(`select attempts from twilio_sync.due where reason = 'large'`);

test('what is over the most is in quarantine, and says what to do; others are stored', async () => {
  await using world = await World.open({ conversations: 30, days: 10, settings: { memoryBytes: 256 * megabyte } });
  const [huge = '', big = ''] = world.source.ids();
  world.simulator.faults.add({ on: 'detail', id: huge, fault: { kind: 'huge', bytes: 30 * megabyte } });
  world.simulator.faults.add({ on: 'detail', id: big, fault: { kind: 'huge', bytes: 12 * megabyte } });
  expect(await world.sync()).toMatchObject({ changed: 29, failed: 1 });
  expect(await quarantine(world)).toEqual([
    {
      id: huge,
      reason: "the detail is larger than the 14 MB that this process's memory allows; give it more memory",
    },
  ]);
  expect((await large(world)).rows).toEqual([]);
  await world.restart({ settings: {} });
  world.nowMs += 61_000;
  await world.pass();
  expect(await quarantine(world)).toEqual([]);
});

test('what ends the process twice is in quarantine the third time, until there is more memory, or a person asks', async () => {
  await using world = await World.open({ conversations: 12, days: 10, settings: { memoryBytes: 512 * megabyte } });
  const [id = ''] = world.source.ids();
  world.simulator.faults.add({ on: 'detail', id, fault: { kind: 'huge', bytes: 12 * megabyte }, nth: 1 });
  world.simulator.faults.add({ on: 'detail', id, fault: { kind: 'huge', bytes: 12 * megabyte }, nth: 3 });
  const silence = world.simulator.faults.add({ on: 'detail', id, fault: { kind: 'silence', at: 'body' }, times: 2 });
  const dead: Promise<unknown>[] = [];
  for (const times of [1, 2]) {
    dead.push(world.pass('new').catch(() => {}));
    await vi.waitFor(() => expect(silence.struck).toBe(times), { timeout: 60_000 });
    // The process ends in the middle of the request, and the next one begins.
    world.supersede();
  }
  expect((await large(world)).rows).toEqual([{ attempts: 2 }]);
  world.simulator.faults.clear();
  const rule = world.simulator.faults.add({ on: 'detail', id, fault: { kind: 'huge', bytes: 12 * megabyte } });
  await world.pass('new');
  const reason = 'fetching the detail, of more than 8 MB, has ended this process twice; give it more memory';
  expect(await quarantine(world)).toEqual([{ id, reason }]);
  expect(rule.struck).toBe(1);
  expect(await world.differences()).not.toEqual([]);
  // It is not tried again by itself, nor does it count as due.
  world.nowMs += 61_000;
  await world.pass();
  expect(await quarantine(world)).toEqual([{ id, reason }]);
  expect(rule.struck).toBe(2);
  await world.fetch([id]);
  expect(await quarantine(world)).toEqual([]);
  expect((await large(world)).rows).toEqual([]);
  await world.restart();
  await Promise.all(dead);
});

test('another limit of memory: it is tried again', async () => {
  await using world = await World.open({ conversations: 3, days: 10, settings: { memoryBytes: 512 * megabyte } });
  const [id = ''] = world.source.ids();
  world.simulator.faults.add({ on: 'detail', id, fault: { kind: 'huge', bytes: 12 * megabyte } });
  const { store } = await world.context();
  for (const expected of [1, 2, 3]) expect(await store.recordAttempt(id, String(512 * megabyte))).toBe(expected);
  await world.sync();
  expect(await quarantine(world)).toMatchObject([{ id }]);
  await world.restart({ settings: { memoryBytes: 600 * megabyte } });
  world.nowMs += 61_000;
  await world.pass();
  expect(await quarantine(world)).toEqual([]);
});

test('a pass that ends while the process lives is no attempt that ended it', async () => {
  await using world = await World.open({ conversations: 3, days: 10 });
  const [id = ''] = world.source.ids();
  world.simulator.faults.add({ on: 'detail', id, fault: { kind: 'huge', bytes: 12 * megabyte } });
  await world.pool.query(`create function twilio.refuse() returns trigger language plpgsql as $$ begin
      if (select count(*) from fresh where length(extra::text) > 1000000) > 0 then raise exception 'on purpose' using errcode = '53100'; end if;
      return null; end $$;
    create trigger refuse after insert on twilio.conversations referencing new table as fresh execute function twilio.refuse()`);
  for (let count = 0; count < 3; count += 1) await expect(world.pass('new')).rejects.toThrow(/53100/);
  expect((await large(world)).rows).toEqual([]);
});
