// The program under pairs of everything that the API's reference leaves open: whatever the server is like, what is at the
// source is in the tables, value by value; and once it is, nothing is fetched or written again.

import { describe, expect, test } from 'vitest';
import type { Switches } from '../../src/simulator/switches.ts';
import { pairwise } from '../lib/pairs.ts';
import { World } from '../world.ts';

const rows = pairwise<Partial<Switches>>({
  boundNames: ['createdAt', 'createdBefore', 'both', 'none'],
  boundsHonoured: ['both', 'upper', 'lower'],
  order: ['newestFirst', 'oldestFirst', 'none'],
  upperBound: ['exclusive', 'inclusive'],
  lowerBound: ['exclusive', 'inclusive'],
  boundGranularity: ['nanosecond', 'second'],
  fractionalBounds: ['accepted', 'refused'],
  upperBoundAlone: ['all', 'last31Days'],
  unbounded: ['all', 'last31Days'],
  unknownParameters: ['ignored', 'refused'],
  paging: ['keyset', 'offset'],
  servedPageSize: [null, 7, 40],
  emptyPageEvery: [null, 3],
  lastToken: ['absent', 'null', 'empty'],
  tokenAfterLast: [false, true],
  tokenUses: [null, 1],
  tokenExpiredStatus: [400, 404, 410],
  fractionDigits: ['held', 9],
  unstableOrder: ['none', 'items', 'itemsAndDetails'],
  listedResults: ['all', 'fewer', 'none'],
})
  // Without any bound a list of the last 31 days is all that can ever be had.
  .map((row): Partial<Switches> => (row.boundNames === 'none' ? { ...row, unbounded: 'all' } : row));

describe('pairs of switches', () => {
  test.each(rows.map((switches) => [differing(switches), switches] as const))('%s', async (_name, switches) => {
    await using world = await World.open({ conversations: 140, days: 70, wild: true, crowd: 12, switches });
    const first = await world.sync();
    expect(await world.differences()).toEqual([]);
    expect(first.incomplete).toEqual([]);
    const written = await world.rowsWritten();
    world.simulator.requests.reset();
    await world.sync({ reconcile: true });
    expect(world.simulator.requests.detailIds()).toEqual([]);
    expect(await world.rowsWritten()).toBe(written);
  });
});

function differing(switches: Partial<Switches>): string {
  return Object.entries(switches)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}
