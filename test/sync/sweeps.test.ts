// Which stretches each sweep is made of, and when so many are missing that none is believed.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Store } from '../../src/sync/context.ts';
import type { Sweep, TimeRange, Window } from '../../src/sync/model.ts';
import {
  inOrder,
  isRecent,
  isRetention,
  isTooMany,
  maxWindowSeconds,
  planSweeps,
  rangesOf,
  uncovered,
} from '../../src/sync/sweeps.ts';
import { contextOf, day, now, start } from './context.ts';

describe('rangesOf', () => {
  test('new: from ten minutes before what was reached, to now', async () => {
    expect(await rangesOf(contextOf(), 'new', now - 60)).toEqual([{ from: now - 660, to: now }]);
    expect(await rangesOf(contextOf(), 'new', null)).toEqual([{ from: now - 600, to: now }]);
  });

  test('new, after two months away: in windows that the API takes, newest first', async () => {
    const stretches = await rangesOf(contextOf(), 'new', now - 61 * day);
    expect(stretches).toHaveLength(3);
    expect(stretches[0]).toEqual({ from: now - 30 * day, to: now });
    expect(stretches.at(-1)?.from).toBe(now - 61 * day - 600);
  });

  test('lookback: as far back as the setting says, and never before the start', async () => {
    expect(await rangesOf(contextOf(), 'lookback', null)).toEqual([{ from: now - 3 * day, to: now }]);
    const recent = contextOf({ settings: { start: now - day } });
    expect(await rangesOf(recent, 'lookback', null)).toEqual([{ from: now - day, to: now }]);
  });

  test('reconcile: everything since the start, in one piece where the server honours no bound', async () => {
    const stretches = await rangesOf(contextOf(), 'reconcile', null);
    expect(stretches).toHaveLength(4);
    expect(uncovered({ from: start, to: now }, stretches)).toEqual([]);
    expect(await rangesOf(contextOf({ bounded: false }), 'reconcile', null)).toEqual([{ from: start, to: now }]);
  });

  test('open: where open ones are stored, within the lookback; once from the start where that was asked for', async () => {
    const asked: TimeRange[] = [];
    const store = {
      openRanges: async (within: TimeRange) => {
        asked.push(within);
        return [{ from: 1, to: 2 }];
      },
    };
    const context = contextOf({ store, openFromStart: true });
    expect(await rangesOf(context, 'open', null)).toEqual([{ from: 1, to: 2 }]);
    await rangesOf(context, 'open', null);
    expect(asked).toEqual([
      { from: start, to: now },
      { from: now - 3 * day, to: now },
    ]);
  });

  test('open: nowhere, where only closed ones are synced', async () => {
    expect(await rangesOf(contextOf({ settings: { status: 'CLOSED' } }), 'open', null)).toEqual([]);
  });

  test.each<Sweep>(['new', 'lookback', 'reconcile', 'open'])(
    '%s: nothing, where the start lies ahead',
    async (sweep) => {
      expect(await rangesOf(contextOf({ settings: { start: now + day } }), sweep, null)).toEqual([]);
    },
  );
});

describe('plan', () => {
  const windowOf = (sweep: Sweep, stretch: TimeRange, failures = 0): Window => ({
    ...stretch,
    id: 1,
    sweepId: 1,
    sweep,
    cursor: stretch.to,
    failures,
  });

  /** What plan makes where these are pending and covered. */
  async function planned(requested: Sweep[], pending: Window[], covered: TimeRange[], reached: number | null = null) {
    const made: [Sweep, TimeRange[]][] = [];
    const store: Partial<Store> = {
      windows: async () => ({ pending, covered, reached }),
      openRanges: async () => [],
      async plan(sweep, stretches) {
        made.push([sweep, stretches]);
        return stretches.map((stretch) => windowOf(sweep, stretch));
      },
    };
    const context = contextOf({ requested, store });
    const windows = await planSweeps(context);
    return { made, windows, requested: [...context.requests.sweeps] };
  }

  test('at first: what was asked for, and all history that it leaves, each second once', async () => {
    const { windows } = await planned(['lookback', 'new'], [], []);
    expect([...new Set(windows.map(({ sweep }) => sweep))]).toEqual(['new', 'lookback', 'backfill']);
    const backfill = windows.filter(({ sweep }) => sweep === 'backfill');
    expect(uncovered({ from: start, to: now - 3 * day }, backfill)).toEqual([]);
    expect(backfill.reduce((sum, { from, to }) => sum + to - from, 0)).toBe(97 * day);
    for (const { from, to } of windows) expect(to - from).toBeLessThanOrEqual(maxWindowSeconds);
  });

  test('nothing, where nothing is asked for and all is covered or pending', async () => {
    const middle = now - 50 * day;
    const pending = [windowOf('backfill', { from: start, to: middle }, 9)];
    expect(await planned([], pending, [{ from: middle, to: now }])).toEqual({ made: [], windows: [], requested: [] });
  });

  test('where the database fails, all that was asked for stays so, and is planned the next time', async () => {
    const made: Sweep[] = [];
    let failures = 1;
    const store: Partial<Store> = {
      windows: async () => ({ pending: [], covered: [{ from: start, to: now }], reached: now }),
      openRanges: async (within) => [within],
      async plan(sweep, ranges) {
        if (sweep === 'reconcile' && failures-- > 0) throw new Error('connection lost');
        made.push(sweep);
        return ranges.map((range) => windowOf(sweep, range));
      },
    };
    const context = contextOf({ requested: ['new', 'open', 'reconcile'], openFromStart: true, store });
    await expect(planSweeps(context)).rejects.toThrow('connection lost');
    expect([...context.requests.sweeps]).toEqual(['new', 'open', 'reconcile']);
    expect(context.requests.openFromStart).toBe(true);
    made.length = 0;
    await planSweeps(context);
    expect(made).toEqual(['new', 'open', 'reconcile']);
    expect(context.requests).toEqual({ sweeps: new Set(), openFromStart: false, names: false });
  });

  test('a window over open ones covers no history', async () => {
    const { windows } = await planned([], [windowOf('open', { from: start, to: now })], []);
    expect(uncovered({ from: start, to: now }, windows)).toEqual([]);
  });

  describe('where a sweep of the kind is unfinished', () => {
    const stretch = { from: now - 3 * day, to: now };
    const covered = [{ from: start, to: now }];

    test('and gets on, none is planned: a recent one stays asked for, a reconcile goes on instead', async () => {
      const pending = [windowOf('lookback', stretch), windowOf('lookback', stretch, 1), windowOf('reconcile', stretch)];
      const found = await planned(['lookback', 'reconcile'], pending, covered);
      expect(found).toEqual({ made: [], windows: [], requested: ['lookback'] });
    });

    test('and could not be listed, or is of another kind, it is planned', async () => {
      for (const pending of [windowOf('lookback', stretch, 1), windowOf('new', stretch)]) {
        const found = await planned(['lookback'], [pending], covered, now);
        expect(found).toMatchObject({ made: [['lookback', [stretch]]], requested: [] });
      }
    });

    test('what was not listed of it and is not planned again is history', async () => {
      const [newest, middle, oldest] = [30, 60, 90].map((days) => ({
        from: now - days * day,
        to: now - (days - 30) * day,
      }));
      if (!newest || !middle || !oldest) throw new Error('no windows');
      const cursor = middle.from + day;
      const pending = [{ ...windowOf('new', middle, 1), cursor }, windowOf('new', oldest, 1)];
      const { made } = await planned(['new'], pending, [newest, { from: start, to: oldest.from }], now);
      expect(made).toEqual([
        ['new', [{ from: now - 600, to: now }]],
        [
          'backfill',
          [
            { from: oldest.to - 29 * day, to: cursor },
            { from: oldest.from, to: oldest.to - 29 * day },
          ],
        ],
      ]);
    });

    test('and nothing was ever listed, its lower edge is kept: history gets no pieces', async () => {
      const before = now - 3600;
      const pending = [
        windowOf('new', { from: before - 600, to: before }, 1),
        windowOf('lookback', { from: before - 3 * day, to: before }, 1),
        windowOf('backfill', { from: start, to: before - 3 * day }, 1),
      ];
      expect((await planned(['new', 'lookback'], pending, [])).made).toEqual([
        ['new', [{ from: before - 600, to: now }]],
        ['lookback', [{ from: before - 3 * day, to: now }]],
      ]);
    });
  });
});

test('new is listed first, then open, then the lookback; of each the newest window first', () => {
  const windows = (['lookback', 'open', 'new', 'open'] as const).map((sweep, id) => ({
    id,
    sweepId: id % 3,
    sweep,
    from: 0,
    to: 1,
    cursor: 1,
    failures: 0,
  }));
  expect(inOrder(windows).map(({ id }) => id)).toEqual([2, 1, 3, 0]);
});

describe('the deletion brake', () => {
  test.each([
    [0, 0, false],
    [20, 20, false],
    [21, 21, true],
    [400, 20, false],
    [420, 21, false],
    [419, 21, true],
    [10_000, 500, false],
    [10_000, 501, true],
  ])('of %i expected, %i missing are too many: %s', (expected, missing, tooMany) => {
    expect(isTooMany(expected, missing)).toBe(tooMany);
  });

  test('one more missing never makes it let go', () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.nat(100_000), (expected, missing) => {
        if (isTooMany(expected, missing)) expect(isTooMany(expected, missing + 1)).toBe(true);
      }),
    );
  });
});

describe('what a source no longer keeps', () => {
  const night = {
    sweep: 'reconcile',
    expected: 700,
    missing: 100,
    complete: true,
    oldestListed: now - 7 * day,
    oldestMissing: now - 8.9 * day,
    newestMissing: now - 7.1 * day,
    secondsSinceReconcile: day,
  } as const;

  test.each([
    ['lies below all that was listed, and reaches over the days since', {}, true],
    ['reaches over a day more than have passed', { oldestMissing: now - 9.1 * day }, true],
    ['reaches further', { oldestMissing: now - 9.2 * day }, false],
    [
      'reaches as far as the days that have passed since',
      { oldestMissing: now - 20 * day, secondsSinceReconcile: 12 * day },
      true,
    ],
    ['has something listed below it', { oldestListed: now - 8 * day }, false],
    ['has something listed beside it', { oldestListed: now - 7.1 * day }, false],
    ['has nothing listed above it', { oldestListed: null }, false],
    ['is of a reconcile that could not list everything', { complete: false }, false],
    ['is of a lookback', { sweep: 'lookback' as const }, false],
    ['is of unknown age', { oldestMissing: null, newestMissing: null }, false],
  ])('%s', (_what, fields, believed) => {
    expect(isRetention({ ...night, ...fields })).toBe(believed);
  });
});

test('new, open and lookback do not wait for history; backfill, reconcile and a range are history', () => {
  const sweeps: Sweep[] = ['new', 'open', 'lookback', 'backfill', 'reconcile', 'range'];
  const recent = sweeps.filter((sweep) =>
    isRecent({ id: 1, sweepId: 1, sweep, from: 0, to: 1, cursor: 1, failures: 0 }),
  );
  expect(recent).toEqual(['new', 'open', 'lookback']);
});
