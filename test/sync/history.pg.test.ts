// A history over 90 days, with everything in it that was seen in the wild: all eight tables equal to the source, value by
// value, whatever the server leaves open. Every kind of server is met each time; 5,000 conversations take some ten seconds a
// kind, so the two that a real server is likeliest to be have them each time and the others in turn, all within five days,
// and a tenth of them otherwise. `npm run test:history` gives 5,000 to all.

import { describe, expect, test } from 'vitest';
import type { Switches } from '../../src/simulator/switches.ts';
import { World } from '../world.ts';

interface Kind {
  switches?: Partial<Switches>;
  /** Shares of all conversations, so that a tenth of them meets as many pages. */
  page?: number;
  crowd?: number;
}

const always: Record<string, Kind> = {
  'as the reference says': {},
  'createdAtBefore silently ignored': { switches: { boundNames: 'createdBefore', unknownParameters: 'ignored' } },
};

const inTurn: Record<string, Kind> = {
  'only createdBefore, all else refused': { switches: { boundNames: 'createdBefore', unknownParameters: 'refused' } },
  'no bound at all': { switches: { boundNames: 'none' } },
  'the 31 days before createdAtBefore, and before now': {
    switches: { boundsHonoured: 'upper', upperBoundAlone: 'last31Days', unbounded: 'last31Days' },
  },
  'bounds inclusive': {
    switches: { upperBound: 'inclusive', lowerBound: 'inclusive', boundGranularity: 'second' },
  },
  'oldest first': { switches: { order: 'oldestFirst' } },
  'no order, and arrays in another one each time': { switches: { order: 'none', unstableOrder: 'itemsAndDetails' } },
  'half of all in one instant': { page: 0.08, crowd: 0.5 },
  'tokens that expire': { switches: { tokenUses: 1, tokenLifetimeRequests: 3 }, page: 0.04 },
  'offsets for tokens': { switches: { paging: 'offset', tokenAfterLast: true, listedResults: 'fewer' }, page: 0.06 },
};

/** How many of those in turn have the whole history today. */
const aDay = 2;

function conversationsOf(at: number): number {
  if (process.env['HISTORY_KINDS'] === 'all') return 5000;
  const { length } = Object.keys(inTurn);
  const first = (Math.floor(Date.now() / 86_400_000) * aDay) % length;
  return (at - first + length) % length < aDay ? 5000 : 500;
}

const variants = [
  ...Object.entries(always).map(([name, kind]) => [5000, name, kind] as const),
  ...Object.entries(inTurn).map(([name, kind], at) => [conversationsOf(at), name, kind] as const),
];

describe('a history of 90 days', () => {
  test.each(variants)('%i conversations, %s', async (conversations, _name, { switches, page, crowd }) => {
    await using world = await World.open({
      conversations,
      days: 90,
      wild: true,
      switches: { ...switches, ...(page !== undefined && { servedPageSize: conversations * page }) },
      ...(crowd !== undefined && { crowd: conversations * crowd }),
    });
    const counts = await world.sync();
    expect(counts.incomplete).toEqual([]);
    expect(await world.differences()).toEqual([]);
    expect(new Set(world.simulator.requests.detailIds()).size).toBe(conversations);
  });
});
