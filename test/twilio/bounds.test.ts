// Which bound is believed, by what a server shows when it is asked. The server here is a function of a query.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseTimestamp, timestampOf } from '../../src/lib/timestamp.ts';
import { type BoundName, Bounds, beforeAnything, type Pages, type Query } from '../../src/twilio/bounds.ts';
import type { ListItem, Page } from '../../src/twilio/decode.ts';
import { Refused, Unauthorized } from '../../src/twilio/errors.ts';

const day = 86_400;
const now = 1_780_000_000;
const both: BoundName[] = ['createdAtBefore', 'createdBefore'];
const never = new AbortController().signal;

const itemAt = (seconds: number): ListItem => ({
  id: `conv_${seconds}`,
  createdAt: timestampOf(seconds),
  updatedAt: null,
  raw: {},
});

interface Server {
  /** Names of parameters that it honours; others it ignores. */
  honours: string[];
  /** Names that it refuses with 400. */
  refuses?: string[];
  items?: number[];
  pageSize?: number;
  /** Empty pages that come before the first that shows anything. */
  emptyPages?: number;
  inclusive?: boolean;
}

/** A server, newest first, and what it was asked. */
function serverOf({ honours, refuses = [], items, pageSize = 50, emptyPages = 0, inclusive = false }: Server) {
  const asked: Query[] = [];
  let closed = 0;
  const times = (items ?? [now - 10, now - 5 * day, now - 80 * day]).toSorted((a, b) => b - a);
  const pages: Pages = async function* (query) {
    asked.push(query);
    const refused = query.find(([name]) => refuses.includes(name));
    if (refused !== undefined) throw new Refused('GET list', 400);
    const secondsOf = (...names: string[]) => {
      const found = query.find(([name]) => names.includes(name) && honours.includes(name));
      return found && Date.parse(found[1]) / 1000;
    };
    const upper = secondsOf('createdAtBefore', 'createdBefore') ?? Number.POSITIVE_INFINITY;
    const lower = secondsOf('createdAtAfter') ?? Number.NEGATIVE_INFINITY;
    const shown = times.filter((at) => (at > lower && at < upper) || (inclusive && (at === lower || at === upper)));
    try {
      for (let empty = 0; empty < emptyPages; empty++) yield pageOf([], 'more');
      for (let first = 0; first === 0 || first < shown.length; first += pageSize) {
        yield pageOf(shown.slice(first, first + pageSize), null);
      }
    } finally {
      closed += 1;
    }
  };
  return { pages, asked, witness: itemAt(times[0] ?? now), closed: () => closed };
}

function pageOf(times: number[], nextToken: string | null): Page {
  return { items: times.map(itemAt), bad: [], nextToken };
}

async function proved(server: Server, names = both) {
  const { pages, asked, witness, closed } = serverOf(server);
  const bounds = new Bounds(names);
  await bounds.prove(witness, async () => now, pages, never);
  expect(closed()).toBe(
    asked.length - asked.filter((query) => query.some(([name]) => server.refuses?.includes(name))).length,
  );
  return { bounds, asked };
}

const state = ({ name, hasUpper, hasLower, settled }: Bounds) => ({ name, hasUpper, hasLower, settled });

describe('before anything is known', () => {
  test('the first name is asked with, and nothing is settled', () => {
    expect(state(new Bounds(both))).toEqual({
      name: 'createdAtBefore',
      hasUpper: true,
      hasLower: true,
      settled: false,
    });
    expect(state(new Bounds(['createdBefore']))).toEqual({
      name: 'createdBefore',
      hasUpper: true,
      hasLower: false,
      settled: false,
    });
  });

  test('without a name the list is unbounded, and there is nothing to find out', () => {
    const bounds = new Bounds([]);
    expect(state(bounds)).toEqual({ name: null, hasUpper: false, hasLower: false, settled: true });
    expect(bounds.query({ from: 0, to: 10 })).toEqual([]);
    expect(bounds.check(itemAt(99), { from: 0, to: 10 })).toBeNull();
  });
});

describe('prove', () => {
  const pair = ['createdAtBefore', 'createdAtAfter'];

  test.each<[string, Server, ReturnType<typeof state>]>([
    [
      'both bounds of the reference',
      { honours: pair },
      { name: 'createdAtBefore', hasUpper: true, hasLower: true, settled: true },
    ],
    [
      'both, inclusive',
      { honours: pair, inclusive: true },
      { name: 'createdAtBefore', hasUpper: true, hasLower: true, settled: true },
    ],
    [
      'both, after empty pages',
      { honours: pair, emptyPages: 3 },
      { name: 'createdAtBefore', hasUpper: true, hasLower: true, settled: true },
    ],
    [
      'all three names',
      { honours: [...pair, 'createdBefore'] },
      { name: 'createdAtBefore', hasUpper: true, hasLower: true, settled: true },
    ],
    [
      'only createdBefore, the others ignored',
      { honours: ['createdBefore'] },
      { name: 'createdBefore', hasUpper: true, hasLower: false, settled: true },
    ],
    [
      'only createdBefore, the others refused',
      { honours: ['createdBefore'], refuses: pair },
      { name: 'createdBefore', hasUpper: true, hasLower: false, settled: true },
    ],
    [
      'the upper bound alone of the pair',
      { honours: ['createdAtBefore'] },
      { name: 'createdAtBefore', hasUpper: true, hasLower: false, settled: true },
    ],
    [
      'the lower bound alone',
      { honours: ['createdAtAfter'] },
      { name: 'createdAtBefore', hasUpper: false, hasLower: true, settled: true },
    ],
    ['none, all ignored', { honours: [] }, { name: null, hasUpper: false, hasLower: false, settled: true }],
    [
      'none, all refused',
      { honours: [], refuses: [...pair, 'createdBefore'] },
      { name: null, hasUpper: false, hasLower: false, settled: true },
    ],
  ])('%s', async (_what, server, expected) => {
    expect(state((await proved(server)).bounds)).toEqual(expected);
  });

  test('an upper bound is proved by nothing before anything, not only by the witness being shown', async () => {
    const { bounds } = await proved({ honours: [], items: [now - 10] });
    expect(bounds.name).toBeNull();
  });

  test('something shown where nothing can be proves nothing, though it breaks no bound', async () => {
    /** Shows the witness, and whatever else is asked for at these instants. */
    const showing = (...times: number[]): Pages =>
      async function* ([first, second]) {
        const [after = '', before = ''] = [first?.[1], second?.[1]];
        const within = (at: number) => at > Date.parse(after) / 1000 && at < Date.parse(before) / 1000;
        yield pageOf([now, ...times].filter(within), null);
      };
    const upper = new Bounds(['createdAtBefore']);
    await upper.prove(itemAt(now), async () => now, showing(beforeAnything.from + 5), never);
    expect(state(upper)).toMatchObject({ name: 'createdAtBefore', settled: false });
    const lower = new Bounds(['createdAtBefore']);
    await lower.prove(itemAt(now), async () => now, showing(now + day + 5), never);
    expect(state(lower)).toMatchObject({ name: 'createdAtBefore', settled: true, hasLower: true });
    // Without an upper bound it would be asked with only where its lower one is proved.
    lower.check(itemAt(now), { from: 0, to: 10 });
    expect(lower.name).toBeNull();
  });

  test('asks around the witness, before anything can exist, and in a time still to come', async () => {
    const { asked } = await proved({ honours: pair, items: [now - 10] });
    expect(asked).toEqual([
      [
        ['createdAtAfter', '2026-05-28T20:26:29Z'],
        ['createdAtBefore', '2026-05-28T20:26:32Z'],
      ],
      [
        ['createdAtAfter', '2000-01-01T00:00:00Z'],
        ['createdAtBefore', '2000-01-01T00:00:10Z'],
      ],
      [
        ['createdAtAfter', '2026-05-29T20:26:40Z'],
        ['createdAtBefore', '2026-05-29T20:26:50Z'],
      ],
    ]);
  });

  test('only the names that may be tried are', async () => {
    const { bounds, asked } = await proved({ honours: pair }, ['createdBefore']);
    expect(bounds.name).toBeNull();
    expect(new Set(asked.flat().map(([name]) => name))).toEqual(new Set(['createdBefore']));
  });

  test('what is proved is not asked for again', async () => {
    const { pages, asked, witness } = serverOf({ honours: pair });
    const bounds = new Bounds(both);
    await bounds.prove(witness, async () => now, pages, never);
    const before = asked.length;
    await bounds.prove(witness, async () => now, pages, never);
    expect(asked).toHaveLength(before);
  });

  test('only the first page that shows anything is read', async () => {
    const pulled: number[] = [];
    const pages: Pages = async function* () {
      for (let number = 0; number < 100; number++) {
        pulled.push(number);
        yield pageOf(number < 2 ? [] : [now], 'more');
      }
    };
    await new Bounds(['createdBefore']).prove(itemAt(now), async () => now, pages, never);
    // Around the witness, and before anything: three pages each.
    expect(pulled).toEqual([0, 1, 2, 0, 1, 2]);
  });

  test('a key that is refused, or a signal, is no answer about bounds', async () => {
    const bounds = new Bounds(both);
    const pages: Pages = async function* () {
      yield pageOf([], null);
      throw new Unauthorized('GET list', 401);
    };
    await expect(bounds.prove(itemAt(now), async () => now, pages, never)).rejects.toThrow(Unauthorized);
    expect(state(bounds)).toEqual(state(new Bounds(both)));
    const given: AbortSignal[] = [];
    const watching: Pages = async function* (_query, signal) {
      given.push(signal);
      yield pageOf([], null);
    };
    await new Bounds(['createdBefore']).prove(itemAt(now), async () => now, watching, never);
    expect(given).toEqual([never]);
  });
});

describe('check', () => {
  const asked = { from: 1_000, to: 2_000 };

  test('an item at either edge breaks nothing: whether a bound includes equality is not known', () => {
    const bounds = new Bounds(both);
    for (const at of [1_000, 1_500, 2_000]) expect(bounds.check(itemAt(at), asked)).toBeNull();
    const fraction = parseTimestamp('1970-01-01T00:33:20.999999999Z');
    if (fraction === undefined) throw new Error('unreadable');
    expect(bounds.check({ ...itemAt(0), createdAt: fraction }, asked)).toBeNull();
    expect(bounds.name).toBe('createdAtBefore');
  });

  test('an item above takes the name away, told once; the next name is used', () => {
    const bounds = new Bounds(both);
    expect(bounds.check(itemAt(2_001), asked)).toBe('upper');
    expect(bounds.check(itemAt(2_002), asked, 'createdAtBefore')).toBeNull();
    expect(bounds.name).toBe('createdBefore');
    expect(bounds.check(itemAt(2_001), asked)).toBe('upper');
    expect(bounds.name).toBeNull();
  });

  test('an item below takes away the lower bound alone, and only from who has one', () => {
    const bounds = new Bounds(both);
    expect(bounds.check(itemAt(999), asked)).toBe('lower');
    expect(state(bounds)).toMatchObject({ name: 'createdAtBefore', hasUpper: true, hasLower: false });
    expect(bounds.check(itemAt(0), asked)).toBeNull();
    expect(new Bounds(['createdBefore']).check(itemAt(999), asked)).toBeNull();
  });

  test('knowledge that was proved is taken back by any item that breaks it', async () => {
    const { bounds } = await proved({ honours: ['createdAtBefore', 'createdAtAfter', 'createdBefore'] });
    expect(bounds.check(itemAt(now), { from: 0, to: 10 })).toBe('upper');
    expect(state(bounds)).toMatchObject({ name: 'createdBefore', settled: false });
  });
});

describe('query', () => {
  test('createdBefore goes alone, whole seconds in UTC', () => {
    expect(new Bounds(['createdBefore']).query(beforeAnything)).toEqual([['createdBefore', '2000-01-01T00:00:10Z']]);
  });

  test('where the lower bound is ignored, no more than 31 days lie between the two', () => {
    const bounds = new Bounds(both);
    const year = { from: now - 365 * day, to: now };
    bounds.check(itemAt(0), { from: 10, to: 20 });
    expect(bounds.query(year)).toEqual([
      ['createdAtAfter', '2026-04-27T20:26:40Z'],
      ['createdAtBefore', '2026-05-28T20:26:40Z'],
    ]);
    fc.assert(
      fc.property(fc.nat(400 * day), (length) => {
        const [after, before] = bounds
          .query({ from: now - length, to: now })
          .map(([, value]) => Date.parse(value) / 1000);
        expect(before).toBe(now);
        expect(after).toBe(Math.max(now - length, now - 31 * day));
      }),
    );
  });
});
