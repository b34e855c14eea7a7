// Rows that were deleted by hand. By accident: a reconcile finds them, says the day and mends them. On purpose: what was
// forgotten stays away, whoever asks for it, and what was deleted at the API and then here stays deleted.

import { expect, test } from 'vitest';
import { openDatabase } from '../../src/postgres/database.ts';
import { forget } from '../../src/postgres/tombstones.ts';
import { World } from '../world.ts';

const minute = 60_000;
const day = 24 * 60 * minute;

test('a reconcile mends conversations and children that an accident took, and names their days', async () => {
  await using world = await World.open({ conversations: 60, days: 20, wild: true });
  await world.sync();
  const ids = world.source.ids();
  const with2 = ids.filter((id) => (world.source.get(id).communications ?? []).length > 1);
  const [whole = '', parts = '', address = ''] = [ids[3], with2[0], with2[1]];
  await world.pool.query('delete from twilio.conversations where id = $1', [whole]);
  await world.pool.query(
    `delete from twilio.communications where (conversation_id, id) in
       (select conversation_id, min(id) from twilio.communications where conversation_id = $1 group by 1)`,
    [parts],
  );
  const gone = await world.pool.query('delete from twilio.participant_addresses where conversation_id = $1', [address]);
  const lost = [whole, parts, ...(gone.rowCount === 0 ? [] : [address])];
  world.nowMs += minute;
  await world.sync();
  expect(await world.differences()).not.toEqual([]);

  const counts = await world.sync({ reconcile: true });
  expect(await world.differences()).toEqual([]);
  expect(counts.lost).toBe(new Set(lost).size);
  const days = new Set(lost.map((id) => world.source.get(id).createdAt.slice(0, 10)));
  for (const each of days) expect(world.warnings.filter((said) => said.includes(`"day":"${each}"`))).toHaveLength(1);

  world.warnings.length = 0;
  expect((await world.sync({ reconcile: true })).lost).toBe(0);
  expect(world.warnings).toEqual([]);
});

test('where a detail does not say all, what is stored is what is counted', async () => {
  await using world = await World.open();
  const { id } = world.source.create({
    channels: ['VOICE', 'SMS'],
    participants: [{ id: 'p', addressValues: ['x', 'y'] }],
  });
  world.nowMs += minute;
  await world.sync();
  const { channels: _, ...rest } = world.source.get(id);
  world.source.put({ ...rest, name: 'Without channels' });
  await world.sync();
  expect((await world.sync({ reconcile: true })).lost).toBe(0);
  await world.pool.query(`delete from twilio.participant_addresses where address = 'y'`);
  expect((await world.sync({ reconcile: true })).lost).toBe(1);
  expect(await world.pool.query('select from twilio.participant_addresses')).toMatchObject({ rowCount: 2 });
});

test('rows that a trigger keeps out are asked for once, not with every reconcile', async () => {
  await using world = await World.open({ conversations: 10, days: 2 });
  await world.pool.query(`create function public.keep_out() returns trigger language plpgsql as $$ begin return null; end $$;
    create trigger keep_out before insert on twilio.operator_result_links for each row execute function public.keep_out()`);
  await world.sync();
  expect((await world.sync({ reconcile: true })).lost).toBeGreaterThan(0);
  expect((await world.sync({ reconcile: true })).lost).toBe(0);
});

test('rows whose children were never counted say nothing', async () => {
  await using world = await World.open({ conversations: 10, days: 2 });
  await world.sync();
  await world.pool.query('update twilio_sync.fingerprints set children = null');
  expect((await world.sync({ reconcile: true })).lost).toBe(0);
});

test('what is deleted at the API, and then here by a person, stays deleted', async () => {
  await using world = await World.open({ conversations: 10, days: 2 });
  await world.sync();
  const [id = ''] = world.source.ids();
  world.source.remove(id);
  await world.sync({ reconcile: true });
  await world.pool.query('delete from twilio.conversations where deleted_at is not null');
  for (const reconcile of [true, false, true]) {
    world.nowMs += day;
    expect(await world.sync({ reconcile })).toMatchObject({ lost: 0, changed: 0 });
  }
  expect(await world.pool.query('select from twilio.conversations where id = $1', [id])).toMatchObject({ rowCount: 0 });
});

test('what was forgotten stays away: from ticks, reconciles, asks, a newer normalizer, and when it changes', async () => {
  await using world = await World.open({ conversations: 12, days: 3 });
  await world.sync();
  const [id = '', other = ''] = world.source.ids();
  const database = openDatabase(world.database.connection);
  await forget(database, [id]);
  await database.close();
  const away = async () => {
    const tables = ['twilio.conversations', 'twilio.communications', 'twilio_sync.fingerprints', 'twilio_sync.due'];
    const found = await Promise.all(tables.map((table) => world.pool.query(`select each::text from ${table} as each`)));
    expect(found.flatMap(({ rows }) => rows).filter(({ each }) => each.includes(id))).toEqual([]);
    expect((await world.pool.query('select from twilio.conversations')).rowCount).toBe(11);
  };
  await away();
  world.nowMs += minute;
  world.source.say(id, 'And another thing');
  await world.sync();
  await away();
  await world.sync({ reconcile: true });
  await away();
  await world.fetch([id, other]);
  await away();
  await world.pool.query('update twilio_sync.fingerprints set normalizer = 0');
  await world.restart({ filters: { channels: ['VOICE', 'SMS', 'WHATSAPP', 'CHAT', 'EMAIL', 'RCS', 'API', 'SYSTEM'] } });
  await world.sync({ reconcile: true });
  world.nowMs += 2 * day;
  await world.sync();
  await away();
});
