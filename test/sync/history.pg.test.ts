// A history of 5,000 conversations over 90 days, with everything in it that was seen in the wild: all eight tables equal
// to the source, value by value, whatever the server leaves open.

import { describe, expect, test } from 'vitest';
import type { Switches } from '../../src/simulator/switches.ts';
import { World } from '../world.ts';

const variants: [string, Partial<Switches>, { crowd?: number }][] = [
  ['as the reference says', {}, {}],
  ['only createdBefore, all else refused', { boundNames: 'createdBefore', unknownParameters: 'refused' }, {}],
  ['createdAtBefore silently ignored', { boundNames: 'createdBefore', unknownParameters: 'ignored' }, {}],
  ['no bound at all', { boundNames: 'none' }, {}],
  [
    'the 31 days before createdAtBefore, and before now',
    { boundsHonoured: 'upper', upperBoundAlone: 'last31Days', unbounded: 'last31Days' },
    {},
  ],
  ['bounds inclusive', { upperBound: 'inclusive', lowerBound: 'inclusive', boundGranularity: 'second' }, {}],
  ['oldest first', { order: 'oldestFirst' }, {}],
  ['no order, and arrays in another one each time', { order: 'none', unstableOrder: 'itemsAndDetails' }, {}],
  ['2,500 conversations in one instant', { servedPageSize: 400 }, { crowd: 2500 }],
  ['tokens that expire', { tokenUses: 1, tokenLifetimeRequests: 3, servedPageSize: 200 }, {}],
  ['offsets for tokens', { paging: 'offset', servedPageSize: 300, tokenAfterLast: true, listedResults: 'fewer' }, {}],
];

describe('5,000 conversations over 90 days', () => {
  test.each(variants)('%s', async (_name, switches, { crowd }) => {
    await using world = await World.open({
      conversations: 5000,
      days: 90,
      wild: true,
      switches,
      ...(crowd !== undefined && { crowd }),
    });
    const counts = await world.sync();
    expect(counts.incomplete).toEqual([]);
    expect(await world.differences()).toEqual([]);
    expect(new Set(world.simulator.requests.detailIds()).size).toBe(5000);
  });
});
