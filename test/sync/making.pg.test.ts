// Fingerprints that were made in another way, by another algorithm or under another policy, cannot be compared: a release that
// makes them anew takes conversations over within a day, and those that changed meanwhile at once.

import { expect, test } from 'vitest';
import { algorithm } from '../../src/sync/fingerprint.ts';
import { World } from '../world.ts';

const day = 86_400;

async function open() {
  const world = await World.open({ conversations: 300, days: 60, settings: { refreshSeconds: [] } });
  await world.sync();
  return world;
}

async function upgrades(world: World): Promise<{ ids: Set<string>; spread: number; first: number; last: number }> {
  const { rows } = await world.pool.query<{ id: string; at: number }>(
    `select conversation_id as id, extract(epoch from due_at)::float8 as at from twilio_sync.due where reason = 'upgrade'`,
  );
  const at = rows.map((row) => row.at - world.nowMs / 1000);
  const hours = new Set(at.map((seconds) => Math.floor(seconds / 3600)));
  return { ids: new Set(rows.map(({ id }) => id)), spread: hours.size, first: Math.min(...at), last: Math.max(...at) };
}

test.each([
  ['another algorithm', `algorithm = 0, item = 'another of ' || item, detail = 'another of ' || detail`],
  ['another policy, with the same fingerprints', `policy = 'without names'`],
])('a relist after %s fetches what was updated, and nothing else at once', async (_what, made) => {
  await using world = await open();
  const [moved = '', failing = '', ...others] = world.source.ids();
  await world.pool.query(`update twilio_sync.fingerprints set ${made}`);
  await world.pool.query(
    `insert into twilio_sync.due (conversation_id, reason, due_at, fingerprint, error) values ($1, 'failed', to_timestamp($2), '0..another', '400')`,
    [failing, world.nowMs / 1000 + 2 * day],
  );
  world.source.say(moved, 'And another thing');
  const { rows: before } = await world.pool.query('select id, synced_at from twilio.conversations order by id');

  for (const counts of [
    await world.pass('new', 'open', 'lookback', 'reconcile'),
    await world.pass('open', 'reconcile'),
  ]) {
    expect(counts).toMatchObject({ incomplete: [], differing: counts.fetched });
    const { ids, spread, first, last } = await upgrades(world);
    expect(ids).toEqual(new Set(others));
    expect({ spread: spread > 20, from: first >= 0, to: last < day }).toEqual({ spread: true, from: true, to: true });
  }
  const { rows: moves } = await world.pool.query(
    'select detail from twilio_sync.fingerprints where algorithm = $1 and policy = $2',
    [algorithm, ''],
  );
  expect(moves).toHaveLength(1);
  expect(await world.differences()).toEqual([]);

  world.nowMs += day * 1000;
  expect(await world.pass()).toMatchObject({ fetched: 298, changed: 0 });
  expect(await world.pass('open', 'reconcile')).toMatchObject({ fetched: 0 });
  const { rows: after } = await world.pool.query('select id, synced_at from twilio.conversations order by id');
  expect(after.filter(({ id }) => id !== moved)).toEqual(before.filter(({ id }) => id !== moved));
  const { rows: left } = await world.pool.query(
    'select conversation_id as id from twilio_sync.fingerprints where algorithm <> $1 or policy <> $2',
    [algorithm, ''],
  );
  expect(left).toEqual([{ id: failing }]);
});

test('one whose detail lags behind its list item is asked for after its waits, not with every listing', async () => {
  await using world = await open();
  const [id = ''] = world.source.ids();
  await world.pool.query('update twilio_sync.fingerprints set algorithm = 0');
  world.simulator.turn({ detailLagMs: 5000 });
  world.source.say(id, 'And another thing');
  expect(await world.pass('reconcile')).toMatchObject({ fetched: 1 });
  expect(await world.pass('reconcile')).toMatchObject({ fetched: 0 });
  world.nowMs += 2000;
  expect(await world.pass()).toMatchObject({ fetched: 1, changed: 0 });
  world.nowMs += 10_000;
  expect(await world.pass()).toMatchObject({ fetched: 1, changed: 1 });
  expect(await world.differences()).toEqual([]);
});

test('verify calls a difference drift only where it can tell', async () => {
  await using world = await open();
  const [id = ''] = world.source.ids();
  await world.pool.query('update twilio_sync.fingerprints set algorithm = 0');
  world.source.redact(id, { silent: true, text: '[redacted]' });
  expect(await world.verify('full')).toMatchObject({
    checked: 300,
    findings: [{ id, kind: 'changed', where: ['communications.text'] }],
  });
});
