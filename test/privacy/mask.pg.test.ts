// With SYNC_OMIT and SYNC_HASH: what must not be stored is nowhere in the database, what is left is equal to the source.

import { describe, expect, test } from 'vitest';
import { createMask, type MaskSettings } from '../../src/sync/mask.ts';
import { dumpOf, foundIn } from '../dump.ts';
import { maskKey, World } from '../world.ts';
import { maskedDifferences, traces } from './masked.ts';

const most: Partial<MaskSettings> = { omit: ['texts', 'names', 'results', 'extra'], hash: ['addresses'] };
const maskOf = (settings: Partial<MaskSettings>) => createMask({ omit: [], hash: [], key: maskKey, ...settings });

/** Everything that was said outside of the database, too. */
async function everything(world: World): Promise<string> {
  return [await dumpOf(world.pool), ...world.news, ...world.warnings].join('\n');
}

test.each([
  most,
  { omit: ['texts', 'results'], hash: ['names', 'addresses'] },
  { omit: ['texts', 'addresses', 'names', 'results'] },
] as Partial<MaskSettings>[])('loaded under %j', async (settings) => {
  const mask = maskOf(settings);
  await using world = await World.open({ conversations: 200, days: 30, wild: true, results: true, mask: settings });
  await world.sync();
  const secret = traces(world, mask);
  expect(secret.size).toBeGreaterThan(150);
  expect(foundIn(await everything(world), secret)).toEqual([]);
  expect(await maskedDifferences(world, mask)).toEqual([]);
  expect(await world.verify('full')).toMatchObject({ checked: 200, findings: [] });

  // Nothing is fetched again that changed only in what is not stored.
  const [id = ''] = world.source.ids();
  world.source.redact(id, { silent: true, text: 'Something else' });
  expect(await world.pass('new', 'open', 'lookback', 'reconcile')).toMatchObject({ changed: 0 });
});

describe('switched on later', () => {
  test.each([most, { omit: ['texts', 'results'], hash: ['names', 'addresses'] }] as Partial<MaskSettings>[])(
    'what is stored is masked at once, without a request: %j',
    async (settings) => {
      const mask = maskOf(settings);
      await using world = await World.open({ conversations: 250, days: 60, wild: true, results: true });
      await world.sync();
      expect(await world.allDifferences()).toEqual([]);
      const secret = traces(world, mask);
      expect(foundIn(await everything(world), secret).length).toBeGreaterThan(secret.size * 0.9);
      const read = 'select id, synced_at::text as at from twilio.conversations order by id';
      const before = (await world.pool.query<{ id: string; at: string }>(read)).rows;

      await world.restart({ mask: settings });
      const refused = world.simulator.faults.add({ on: 'any', fault: { kind: 'status', status: 401 } });
      await expect(world.pass('new')).rejects.toThrow('401');
      refused.remove();
      expect(foundIn(await everything(world), secret)).toEqual([]);
      expect(await maskedDifferences(world, mask)).toEqual([]);
      const { rows } = await world.pool.query(`select from twilio_sync.fingerprints where item <> '' or detail <> ''`);
      expect(rows).toEqual([]);
      const after = (await world.pool.query<{ id: string; at: string }>(read)).rows;
      expect(after.filter(({ at }, nth) => at > (before[nth]?.at ?? '')).length).toBeGreaterThan(230);

      expect(await world.verify('full')).toMatchObject({ checked: 250, findings: [] });
      // Nothing counts as changed; all are fetched within a day, and none differs.
      expect(await world.pass('new', 'open', 'lookback', 'reconcile')).toMatchObject({
        fetched: 0,
        changed: 0,
        lost: 0,
      });
      world.nowMs += 86_400_000;
      expect(await world.pass()).toMatchObject({ fetched: 250, changed: 0 });
      expect(await world.pass('reconcile')).toMatchObject({ fetched: 0, lost: 0 });
      expect(foundIn(await everything(world), secret)).toEqual([]);
    },
  );

  test('goes on where it was, and what is loaded meanwhile is masked once', async () => {
    const settings: Partial<MaskSettings> = { omit: ['texts'], hash: ['names', 'addresses'] };
    await using world = await World.open({ conversations: 250, days: 60, results: true });
    await world.sync();
    await world.restart({ mask: settings });
    const { store } = await world.context();
    expect(await store.maskStored()).toBe(true);
    await world.fetch(world.source.ids().slice(0, 50));
    await world.restart();
    await world.pass();
    expect(await maskedDifferences(world, maskOf(settings))).toEqual([]);
  });
});

test('switched off again, everything is fetched again within a day', async () => {
  await using world = await World.open({ conversations: 120, days: 30, wild: true, results: true, mask: most });
  await world.sync();
  await world.restart({ mask: {} });
  expect(await world.pass('new', 'open', 'lookback', 'reconcile')).toMatchObject({ fetched: 0 });
  world.nowMs += 86_400_000;
  expect(await world.pass('reconcile')).toMatchObject({ fetched: 120 });
  expect(await world.allDifferences()).toEqual([]);
  expect(await world.verify('full')).toMatchObject({ checked: 120, findings: [] });
});

test('switched off again where the account has no list of results, those are requested by conversation', async () => {
  const options = { conversations: 60, days: 30, results: true, mask: most };
  await using world = await World.open({ ...options, switches: { resultsOfAll: 'refused' } });
  await world.sync();
  world.nowMs += 86_400_000;
  await world.sync();
  expect(await maskedDifferences(world, maskOf(most))).toEqual([]);
  // Some were fetched again under the other mask, some were only masked where they are.
  await world.restart({ mask: {} });
  await world.fetch(world.source.ids().slice(0, 20));
  await world.restart({ mask: most });
  await world.pass();
  await world.restart({ mask: {} });
  await world.pass('new', 'open', 'lookback', 'reconcile');
  world.nowMs += 86_400_000;
  await world.pass('reconcile');
  world.nowMs += 3_600_000;
  await world.pass('new');
  expect(await world.allDifferences()).toEqual([]);
  world.simulator.requests.reset();
  world.nowMs += 86_400_000;
  await world.pass('reconcile');
  expect(world.simulator.requests.byEndpoint).toMatchObject({ detail: 0, result: 0 });
});

test('with another key, hashes are made anew within a day', async () => {
  const settings = { hash: ['names', 'addresses'] } satisfies Partial<MaskSettings>;
  await using world = await World.open({ conversations: 50, days: 30, results: true, mask: settings });
  await world.sync();
  const other = { ...settings, key: 'another key of at least thirty-two letters' };
  await world.restart({ mask: other });
  await world.pass('new', 'open', 'lookback', 'reconcile');
  world.nowMs += 86_400_000;
  await world.pass();
  expect(await maskedDifferences(world, maskOf(other))).toEqual([]);
});

test('what a command without the settings has stored is masked by the next that has them', async () => {
  await using world = await World.open({ conversations: 30, days: 30, results: true, mask: most });
  await world.sync();
  const [id = ''] = world.source.ids();
  await world.restart({ mask: {} });
  await world.fetch([id]);
  const secret = traces(world, maskOf(most));
  expect(foundIn(await everything(world), secret).length).toBeGreaterThan(2);
  await world.restart({ mask: most });
  await world.pass();
  expect(foundIn(await everything(world), secret)).toEqual([]);
  expect(await maskedDifferences(world, maskOf(most))).toEqual([]);
});
