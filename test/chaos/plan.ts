// A seed in, a world out: what the server is like, what is at the source, how the program is run and how often. The same
// seed gives the same plan. Only what can work at all is drawn: a server without any bound has to list everything.

import { createRandom, type Random } from '../../src/lib/random.ts';
import type { Switches } from '../../src/simulator/switches.ts';
import type { WorldOptions } from '../world.ts';

export interface Plan {
  seed: number;
  world: WorldOptions;
  switches: Partial<Switches>;
  ticks: number;
  /** How likely something happens at the source at each answer of the API. */
  changesMidPass: number;
  /** The list shows half, or nothing, at times. */
  hides: boolean;
  /** People are forgotten meanwhile. */
  forgets: boolean;
}

/** How results are listed, drawn by itself: what seeds were like before results were played stays. */
function drawResultSwitches(random: Random): Partial<Switches> {
  return {
    resultOrder: random.pick(['newestFirst', 'newestFirst', 'newestFirst', 'nearlyNewestFirst', 'oldestFirst', 'none']),
    resultsOfAll: random.pick(['listed', 'listed', 'listed', 'refused']),
    ignoredResultFilters: random.pick([[], [], ['conversationId'], ['operatorId']]),
    resultLagMs: random.pick([0, 0, 40 * second, 9 * minute]),
    linksOfDeleted: random.pick(['removed', 'kept']),
    forbidden: random.pick([[], [], [], ['names']]),
  };
}

const second = 1000;
const minute = 60 * second;

/** Streams of a seed's chance, so that one part can change without the others. */
export const streams = {
  plan: 0x91a,
  history: 0x415,
  script: 0x5c1,
  client: 0xc1e,
  results: 0x2e5,
  erasures: 0xe2a,
} as const;

/** Draws a world. */
export function createPlan(seed: number): Plan {
  const random = createRandom(seed, streams.plan);
  const switches = { ...drawSwitches(random), ...drawResultSwitches(createRandom(seed, streams.results)) };
  const conversations = random.pick([0, 12, 40, 40, 90]);
  const client = createRandom(seed, streams.client);
  return {
    seed,
    switches,
    ticks: random.int(4, 10),
    changesMidPass: random.pick([0, 0.02, 0.1]),
    hides: random.chance(0.2),
    forgets: createRandom(seed, streams.erasures).chance(0.5),
    world: {
      seed,
      switches,
      conversations,
      days: random.pick([1, 10, 45, 100]),
      wild: random.chance(0.4),
      results: true,
      crowd: random.pick([0, Math.floor(conversations / 5)]),
      names: random.pick([
        ['createdAtBefore', 'createdBefore'],
        ['createdAtBefore', 'createdBefore'],
        ['createdBefore', 'createdAtBefore'],
      ]),
      client: {
        // One at a time, all that happens happens in one order; many, and the order is chance's.
        maxConcurrency: random.pick([1, 4, 32]),
        timeoutMs: 5_000,
        pageLimitBytes: 4_000_000,
        random: client.next,
      },
    },
  };
}

function drawSwitches(random: Random): Partial<Switches> {
  const detailLag = random.chance(0.3);
  const switches: Partial<Switches> = {
    boundNames: random.pick(['createdAt', 'createdBefore', 'both', 'none']),
    boundsHonoured: random.pick(['both', 'both', 'upper', 'lower']),
    upperBound: random.pick(['exclusive', 'inclusive']),
    lowerBound: random.pick(['exclusive', 'inclusive']),
    boundGranularity: random.pick(['nanosecond', 'second']),
    fractionalBounds: random.pick(['accepted', 'refused']),
    upperBoundAlone: random.pick(['all', 'last31Days']),
    lowerBoundAlone: random.pick(['all', 'next31Days']),
    unbounded: random.pick(['all', 'last31Days']),
    unknownParameters: random.pick(['ignored', 'refused']),
    order: random.pick(['newestFirst', 'newestFirst', 'oldestFirst', 'none']),
    paging: random.pick(['keyset', 'keyset', 'offset']),
    servedPageSize: random.pick([null, 5, 17, 40]),
    emptyPageEvery: random.pick([null, null, 3]),
    lastToken: random.pick(['absent', 'null', 'empty']),
    tokenAfterLast: random.chance(0.3),
    tokenUses: random.pick([null, null, 1]),
    tokenExpiredStatus: random.pick([400, 404, 410]),
    tokenBindsPageSize: random.chance(0.3),
    fractionDigits: random.pick(['held', 'held', 9, 6, 3, 0]),
    unstableOrder: random.pick(['none', 'items', 'itemsAndDetails']),
    // What tells a lagging detail is the list item's updatedAt and results: without those, nothing could.
    listedResults: random.pick(['all', 'all', detailLag ? 'all' : 'fewer', 'none']),
    itemsWithout: random.pick([
      [],
      [],
      [],
      ['name'],
      ['participants'],
      ['operatorResultIds'],
      detailLag ? [] : ['updatedAt'],
    ]),
    nullFields: random.pick([[], [], [], ['name'], ['conversationConfigurationId']]),
    listLagMs: random.pick([0, 0, 40 * second, 9 * minute]),
    detailLagMs: detailLag ? random.pick([0, 8 * second, 40 * second]) : 0,
    detailLagFetches: detailLag ? random.pick([0, 1, 2]) : 0,
    newDetail: random.pick(['current', 'missing']),
    dateOffsetMs: random.pick([0, 0, 4 * minute, -4 * minute]),
    maxConcurrency: random.pick([null, null, 3]),
    retryAfter: random.pick(['none', 'seconds', 'date']),
  };
  // A list that ends early can be found out where both bounds are honoured. One second may have all of a crowd.
  const isBounded = ['createdAt', 'both'].includes(switches.boundNames ?? '') && switches.boundsHonoured === 'both';
  if (isBounded && random.chance(0.3)) switches.listCap = 40;
  if (random.chance(0.1)) switches.largestPageSize = 100;
  // Without any bound a list of the last 31 days is all that can ever be had.
  return switches.boundNames === 'none' ? { ...switches, unbounded: 'all' } : switches;
}
