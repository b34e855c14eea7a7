// What is listed, and what is believed of it: a list that ends early is found out whatever its order, and one that does not
// is listed whole at the cost of a few short listings, also while conversations come and go.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRandom } from '../../src/lib/random.ts';
import type { Context } from '../../src/sync/context.ts';
import type { Sweep } from '../../src/sync/model.ts';
import { slices } from '../../src/sync/slices.ts';
import { decodePage } from '../../src/twilio/decode.ts';
import { contextOf, day, now } from './context.ts';

const never = new AbortController().signal;

type Order = 'newestFirst' | 'oldestFirst' | 'none';

interface Given {
  /** Seconds before now at which the conversations began. */
  ages: number[];
  order?: Order;
  cap?: number;
  pageSize?: number;
  selective?: boolean;
  /** Called before each page, with how many were asked for so far. */
  onPage?: (server: Server, pages: number) => void;
}

interface Server {
  ages: number[];
  cap: number;
  pages: number;
  /** Walks, by their first pages. */
  lists: number;
  warnings: string[];
  failed: string[];
  context: Context;
}

/** A list as the reference has it, but for what is given; its pages are of whatever is there when they are asked for. */
function serverOf({ ages, order = 'newestFirst', cap = Number.POSITIVE_INFINITY, pageSize = 100, ...given }: Given) {
  const random = createRandom(1, 2);
  const server: Server = { ages, cap, pages: 0, lists: 0, warnings: [], failed: [], context: contextOf() };
  const rank = new Map<string, number>();
  const rows = (from: number, to: number) => {
    const all = server.ages.map((age, at) => ({ id: `c${at}`, at: now - age }));
    const shown = all.filter(({ at }) => at >= from - 1 && at <= to + 1);
    if (order === 'none') for (const { id } of shown) rank.set(id, random.int(0, 1e9));
    const key = ({ id, at }: { id: string; at: number }) =>
      order === 'none' ? (rank.get(id) ?? 0) : order === 'newestFirst' ? -at : at;
    return shown.sort((a, b) => key(a) - key(b)).slice(0, server.cap);
  };
  server.context = contextOf({
    api: {
      selective: given.selective ?? true,
      async *list({ from, to }, _status, _signal, otherPages = false) {
        server.lists += 1;
        const size = otherPages ? pageSize - 1 : pageSize;
        const all = rows(from, to);
        for (let first = 0; first === 0 || first < all.length; first += size) {
          server.pages += 1;
          given.onPage?.(server, server.pages);
          const page = all.slice(first, first + size);
          const items = page.map(({ id, at }) => ({ id, createdAt: new Date(at * 1000).toISOString() }));
          const decoded = decodePage('GET list', { items });
          const belongs = (_: unknown, at: number) => (page[at]?.at ?? 0) >= from && (page[at]?.at ?? 0) < to;
          yield {
            ...decoded,
            items: decoded.items.filter(belongs),
            times: decoded.items.map(({ createdAt }) => createdAt),
          };
        }
      },
    },
    store: {
      known: async () => new Map(),
      findMissing: async () => ({ expected: 0, missing: [] }),
      async fail(_window, error) {
        server.failed.push(error);
      },
    },
  });
  server.context.watcher.warn = (message) => server.warnings.push(message);
  return server;
}

async function listed({ context }: Server, seconds: number, sweep: Sweep = 'lookback'): Promise<number[]> {
  const window = { id: 1, sweepId: 1, sweep, from: now - seconds, to: now, cursor: now, failures: 0 };
  const ids = new Set<string>();
  for await (const { items } of slices(context, [window], never)) for (const { id } of items) ids.add(id);
  return Array.from(ids, (id) => Number(id.slice(1))).sort((a, b) => a - b);
}

const spread = (count: number, seconds: number) =>
  Array.from({ length: count }, (_, at) => Math.max(1, Math.floor((at * seconds) / count)));
const places = (count: number) => Array.from({ length: count }, (_, at) => at);

const orders: Order[] = ['newestFirst', 'oldestFirst', 'none'];

describe.each(orders)('a list in order %s', (order) => {
  test('that ends early is listed whole, wherever it ends', async () => {
    for (const cap of [2, 7, 99, 100, 101, 250, 1000]) {
      const server = serverOf({ ages: spread(1500, day), order, cap });
      expect(await listed(server, day), `cap ${cap}`).toEqual(places(1500));
      expect(server.failed).toEqual([]);
      expect(server.context.learned.trust.provenTotal).toBeLessThanOrEqual(cap);
    }
  });

  test('that ends early is listed whole, however dense some of it is', async () => {
    const time = fc.oneof(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 2_000, max: 2_040 }));
    await fc.assert(
      fc.asyncProperty(fc.array(time, { maxLength: 300 }), fc.integer({ min: 40, max: 120 }), async (ages, cap) => {
        const server = serverOf({ ages, order, cap, pageSize: 30 });
        const all = await listed(server, 5_000);
        if (server.failed.length === 0) expect(all).toEqual(places(ages.length));
        // What one second has is listed whole as long as the list does not end within it and the seconds beside it.
        const within = ages.map((age) => ages.filter((other) => Math.abs(other - age) <= 2).length);
        if (Math.max(0, ...within) < cap) expect(server.failed).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  test('that is whole costs little more than its pages', async () => {
    const random = createRandom(3, 4);
    const ages = Array.from({ length: 30_000 }, () => random.int(1, 40 * day));
    const server = serverOf({ ages, order, pageSize: 100 });
    server.context.learned.spans.all = day / 4;
    expect(await listed(server, 40 * day)).toEqual(places(30_000));
    const proved = server.pages;
    server.pages = 0;
    server.context.learned.trust.provenTotal = Number.POSITIVE_INFINITY;
    server.context.learned.spans.all = day / 4;
    await listed(server, 40 * day);
    // Of over 300 pages. Without an order each proof is as long as what it proves.
    expect(proved - server.pages).toBeLessThanOrEqual(order === 'none' ? 50 : 12);
    expect(server.warnings).toEqual([]);
  });

  test('is proved once: listing fewer costs no request more', async () => {
    const server = serverOf({ ages: spread(260, day), order });
    await listed(server, day);
    expect(server.lists).toBe(order === 'none' ? 3 : 2);
    expect(server.context.learned.trust.provenTotal).toBe(260);
    server.lists = 0;
    server.ages.pop();
    await listed(server, day);
    expect(server.lists).toBe(1);
  });

  test('that grows to where it ends, and beyond, is listed whole each time', async () => {
    const server = serverOf({ ages: spread(30, day), order, cap: 40 });
    for (let age = 500; server.ages.length < 50; age += 1000) {
      server.ages.push(age);
      expect(await listed(server, day)).toEqual(places(server.ages.length));
      server.context.learned.spans.all = day;
    }
  });

  test('that grows and shrinks while it is proved is listed whole all the same, at once', async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const random = createRandom(seed, 9);
      const onPage = (server: Server) => {
        if (random.chance(0.3)) server.ages.push(random.int(1, day));
        // Gone from the list, as when an open one is closed.
        if (random.chance(0.3)) server.ages[random.int(0, server.ages.length - 1)] = 1e9;
      };
      const server = serverOf({ ages: spread(400, day), order, onPage, pageSize: 50 });
      const before = [...server.ages];
      const all = new Set(await listed(server, day));
      const stayed = before.flatMap((_, at) => (server.ages[at] === 1e9 ? [] : [at]));
      expect(
        stayed.filter((at) => !all.has(at)),
        `seed ${seed}`,
      ).toEqual([]);
      expect(server.failed, `seed ${seed}`).toEqual([]);
      expect(server.pages, `seed ${seed}`).toBeLessThan(100);
    }
  });
});

test.each([0, 1])('%i conversations need no proof', async (count) => {
  const server = serverOf({ ages: spread(count, day) });
  await listed(server, day);
  expect(server.lists).toBe(1);
});

describe('one second', () => {
  const crowd = (count: number) => [...Array.from({ length: count }, () => 3_000), 100, 9_000];

  test('with 2,500 conversations is listed twice with pages of different sizes, and believed with one warning', async () => {
    const server = serverOf({ ages: crowd(2_500), pageSize: 1_000 });
    expect(await listed(server, day)).toEqual(places(2_502));
    const alone = serverOf({ ages: Array.from({ length: 2_500 }, () => 3_000), pageSize: 1_000 });
    for (let time = 0; time < 2; time += 1) expect(await listed(alone, day)).toEqual(places(2_500));
    expect(alone.warnings).toEqual([expect.stringMatching(/^a second cannot be listed in parts/)]);
    expect(alone.failed).toEqual([]);
    // It proves nothing: the list may end after as many elsewhere.
    expect(alone.context.learned.trust.provenTotal).toBe(2);
  });

  test('with few is nothing to warn of', async () => {
    const server = serverOf({ ages: [60, 60, 60] });
    expect(await listed(server, day)).toEqual(places(3));
    expect(server.warnings).toEqual([]);
    expect(server.lists).toBe(4);
  });

  test('with more than the list shows is not taken for whole: the window stays pending and says so', async () => {
    const server = serverOf({ ages: crowd(2_500), cap: 1_000, pageSize: 1_000 });
    await listed(server, day);
    expect(server.failed).toEqual(['the list ends silently after 1000 items, and one second has as many']);
    expect(server.context.counts.incomplete).toHaveLength(1);
  });

  test('that other pages show otherwise is not taken for whole', async () => {
    // It ends after ten pages, whatever their size.
    const server = serverOf({ ages: Array.from({ length: 95 }, () => 3_000), pageSize: 10 });
    const { list } = server.context.api;
    server.context.api.list = async function* (...asked) {
      let pages = 0;
      for await (const page of list(...asked)) {
        yield page;
        pages += 1;
        if (pages === 10) return;
      }
    };
    await listed(server, 10_000);
    expect(server.failed).toEqual(['one second is listed differently with other pages: 95 and 90 items']);
  });

  test('beside which other seconds hide is found not to be all', async () => {
    const server = serverOf({ ages: [...Array.from({ length: 60 }, () => 100), ...spread(40, day)], cap: 50 });
    await listed(server, day);
    expect(server.failed).toHaveLength(1);
    expect(server.warnings).toEqual([]);
  });
});

test('a server without bounds is believed, with one warning', async () => {
  const server = serverOf({ ages: spread(300, day), selective: false });
  for (let time = 0; time < 3; time += 1) expect(await listed(server, day)).toEqual(places(300));
  expect(server.lists).toBe(3);
  expect(server.warnings).toEqual([expect.stringMatching(/cannot be proved to be complete without bounds/)]);
});

test('a list that begins to end early is found out once much of what is stored is missing', async () => {
  const server = serverOf({ ages: spread(400, day) });
  await listed(server, day);
  expect(server.context.learned.trust.provenTotal).toBe(400);
  server.cap = 150;
  let hidden = 250;
  server.context.store.findMissing = async (_stretch, _open, { size }) => {
    const missing = Array.from({ length: Math.min(hidden, 400 - size) }, (_, at) => `m${at}`);
    hidden = 0;
    return { expected: 400, missing };
  };
  expect(await listed(server, day)).toHaveLength(150);
  expect(await listed(server, day)).toEqual(places(400));
});
