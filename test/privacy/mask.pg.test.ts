// With SYNC_OMIT and SYNC_HASH: what must not be stored is nowhere in the database, what is left is equal to the source.

import { expect, test } from 'vitest';
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
