// Stretches of time, cut and put together: nothing is left out, nothing listed twice, nothing longer than the API allows.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRandom } from '../../src/lib/random.ts';
import { nothingTooLong } from '../../src/sync/learned.ts';
import type { TimeRange } from '../../src/sync/model.ts';
import { couldList, couldNotList, longestSpan, nextSpan, sliceOf } from '../../src/sync/slices.ts';
import { cut, maxWindowSeconds, newRange, overlapSeconds, startAt, uncovered, upToNow } from '../../src/sync/sweeps.ts';

test('history begins at an instant, or so long ago, cut to the UTC day', () => {
  const at = (iso: string) => Date.parse(iso) / 1000;
  expect(startAt(at('2025-01-01T10:00:00Z'), at('2026-06-15T10:00:00Z'))).toBe(at('2025-01-01T10:00:00Z'));
  const back = { secondsBack: 30 * 86_400 };
  expect(startAt(back, at('2026-06-15T00:00:00Z'))).toBe(at('2026-05-16T00:00:00Z'));
  expect(startAt(back, at('2026-06-15T23:59:59Z'))).toBe(at('2026-05-16T00:00:00Z'));
  expect(startAt({ secondsBack: 3600 }, at('2026-06-15T00:30:00Z'))).toBe(at('2026-06-14T00:00:00Z'));
});

const stretch = fc
  .tuple(fc.integer({ min: -20, max: 60 }), fc.nat(30))
  .map(([from, length]): TimeRange => ({ from, to: from + length }));

/** The seconds of some stretches, each as often as it is in one. */
function secondsOf(stretches: TimeRange[]): number[] {
  return stretches
    .flatMap(({ from, to }) => Array.from({ length: to - from }, (_, at) => from + at))
    .sort((a, b) => a - b);
}

function expectNewestFirst(stretches: TimeRange[]): void {
  for (const [at, each] of stretches.entries()) {
    expect(each.from).toBeLessThan(each.to);
    const older = stretches[at + 1];
    if (older !== undefined) expect(older.to).toBeLessThanOrEqual(each.from);
  }
}

describe('uncovered', () => {
  test('the gaps and what covers them are the whole, each second once', () => {
    fc.assert(
      fc.property(stretch, fc.array(stretch), (whole, covered) => {
        const gaps = uncovered(whole, covered);
        expectNewestFirst(gaps);
        const held = new Set(secondsOf(covered));
        expect(secondsOf(gaps)).toEqual(secondsOf([whole]).filter((second) => !held.has(second)));
      }),
      { numRuns: 1_000 },
    );
  });

  test('the order in which the covering stretches come does not matter, and they stay as they are', () => {
    const covered = [
      { from: 50, to: 60 },
      { from: 10, to: 20 },
      { from: 15, to: 30 },
    ];
    const gaps = uncovered({ from: 0, to: 100 }, covered);
    expect(gaps).toEqual([
      { from: 60, to: 100 },
      { from: 30, to: 50 },
      { from: 0, to: 10 },
    ]);
    expect(uncovered({ from: 0, to: 100 }, covered.toReversed())).toEqual(gaps);
    expect(covered[0]).toEqual({ from: 50, to: 60 });
  });

  test('nothing covers nothing; an edge that is shared is no gap', () => {
    expect(uncovered({ from: 0, to: 10 }, [])).toEqual([{ from: 0, to: 10 }]);
    const halves = [
      { from: 0, to: 5 },
      { from: 5, to: 10 },
    ];
    expect(uncovered({ from: 0, to: 10 }, halves)).toEqual([]);
  });
});

describe('cut', () => {
  test('the windows are the stretches again, each second once, none too long', () => {
    fc.assert(
      fc.property(fc.array(stretch), fc.integer({ min: 1, max: 40 }), (stretches, most) => {
        const windows = cut(stretches, most);
        expect(secondsOf(windows)).toEqual(secondsOf(stretches));
        for (const { from, to } of windows) expect(to - from).toBeLessThanOrEqual(most);
        for (const { from, to } of windows) expect(from).toBeLessThan(to);
      }),
    );
  });

  test('newest first, whole windows at the new end and what is left over at the old one', () => {
    expect(cut([{ from: 0, to: 25 }], 10)).toEqual([
      { from: 15, to: 25 },
      { from: 5, to: 15 },
      { from: 0, to: 5 },
    ]);
  });

  test('without a limit a stretch is one window', () => {
    expect(cut([{ from: 0, to: 25 }], Number.POSITIVE_INFINITY)).toEqual([{ from: 0, to: 25 }]);
  });

  test('a window and a second more at either end fit into the 31 days that the API allows', () => {
    expect(maxWindowSeconds + 2).toBeLessThanOrEqual(31 * 86_400);
    const year = cut([{ from: 0, to: 365 * 86_400 }], maxWindowSeconds);
    expect(year).toHaveLength(13);
  });
});

describe('sliceOf', () => {
  test('slices of whatever length tile the window, newest first, and come to its end', () => {
    const spans = fc.array(fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constant(Number.POSITIVE_INFINITY)), {
      minLength: 1,
    });
    fc.assert(
      fc.property(stretch, spans, (window, lengths) => {
        const slices: TimeRange[] = [];
        for (let cursor = window.to; cursor > window.from; cursor = slices.at(-1)?.from ?? window.from) {
          slices.push(sliceOf({ ...window, cursor }, lengths[slices.length % lengths.length] ?? 1));
        }
        expectNewestFirst(slices);
        expect(secondsOf(slices)).toEqual(secondsOf([window]));
      }),
    );
  });

  test('goes on below the cursor', () => {
    expect(sliceOf({ from: 0, to: 100, cursor: 40 }, 15)).toEqual({ from: 25, to: 40 });
    expect(sliceOf({ from: 30, to: 100, cursor: 40 }, 15)).toEqual({ from: 30, to: 40 });
  });
});

describe('what could not be listed', () => {
  /** Lists so many slices, which double; says how many failed, and how long they were. */
  function list(slices: number, fails: (span: number) => boolean): { failed: number; spans: number[] } {
    let tooLong = nothingTooLong;
    let span = 86_400;
    let failed = 0;
    const spans: number[] = [];
    while (spans.length < slices) {
      if (fails(span)) {
        failed += 1;
        tooLong = couldNotList(tooLong, span);
        span = Math.max(1, Math.floor(span / 4));
      } else {
        spans.push(span);
        tooLong = couldList(tooLong, span);
        span = Math.min(span * 2, longestSpan(tooLong), maxWindowSeconds);
      }
    }
    return { failed, spans };
  }

  test.each([7, 60, 3600, 5_000, 86_399])(
    'a server that lists %i s at most: few slices fail, and they are not short',
    (most) => {
      const { failed, spans } = list(1_000, (span) => span > most);
      expect(failed).toBeLessThan(35);
      expect(spans.filter((span) => span <= most / 4).length).toBeLessThan(50);
    },
  );

  test('failures by chance, whatever the length: slices stay long', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const random = createRandom(seed);
      const { spans } = list(400, () => random.chance(0.1));
      expect(spans.toSorted((a, b) => a - b)[200], `seed ${seed}`).toBeGreaterThan(maxWindowSeconds / 8);
    }
  });

  test('after an outage that no length escapes, the longest is reached at once', () => {
    let tooLong = nothingTooLong;
    for (let seconds = 86_400; seconds >= 1; seconds = Math.floor(seconds / 4))
      tooLong = couldNotList(tooLong, seconds);
    expect(longestSpan(tooLong)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('nextSpan', () => {
  test.each([
    [1000, 6, 6, 500],
    [1001, 6, 6, 500],
    [1000, 6, 0, 500],
    [1000, 5, 5, 1000],
    [1000, 3, 3, 1000],
    [1000, 5, 2, 2000],
    [1000, 2, 2, 2000],
    [1000, 1, 1, 2000],
    [1000, 0, 0, 2000],
    [1, 99, 99, 1],
    [2, 99, 99, 1],
    [maxWindowSeconds, 1, 1, maxWindowSeconds],
    [maxWindowSeconds - 1, 1, 1, maxWindowSeconds],
  ])('after %i s that took %i pages, %i of them with anything, it is %i s', (span, pages, shown, next) => {
    expect(nextSpan(span, { pages, shown, total: 1000 }, Number.POSITIVE_INFINITY)).toBe(next);
  });

  test.each([
    [1000, 4, 1000, 5000, 1000],
    [1000, 1, 1000, 5000, 2000],
    [1000, 1, 800, 1000, 1000],
    [1000, 1, 500, 1000, 1600],
    [1000, 1, 1000, 1000, 800],
    [1000, 1, 0, 1000, 2000],
    [1, 1, 2000, 1000, 1],
  ])('after %i s of %i pages and %i items, where lists end after %i, it is %i s', (span, pages, total, cap, next) => {
    expect(nextSpan(span, { pages, shown: pages, total }, cap)).toBe(next);
  });

  const anySpan = fc.integer({ min: 1, max: maxWindowSeconds });
  const anyCap = fc.oneof(fc.integer({ min: 1, max: 5_000 }), fc.constant(Number.POSITIVE_INFINITY));

  test('whatever a listing was like, it is a whole number of seconds that can be asked for', () => {
    fc.assert(
      fc.property(anySpan, fc.nat(50), fc.nat(50), fc.nat(50_000), anyCap, (span, pages, shown, total, cap) => {
        const next = nextSpan(span, { pages, shown, total }, cap);
        expect(Number.isInteger(next) && next >= 1 && next <= maxWindowSeconds).toBe(true);
      }),
    );
  });
});

describe('newRange', () => {
  const now = 1_000_000;

  test.each([
    ['at first', null, 0, { from: now - overlapSeconds, to: now }],
    ['a minute later', now - 60, 0, { from: now - 60 - overlapSeconds, to: now }],
    ['after three days away', now - 259_200, 0, { from: now - 259_200 - overlapSeconds, to: now }],
    ['where a clock had jumped ahead', now + 86_400, 0, { from: now - overlapSeconds, to: now }],
    ['where the start is recent', now - 60, now - 30, { from: now - 30, to: now }],
  ])('%s', (_when, reached, start, expected) => {
    expect(newRange(now, reached, start)).toEqual([expected]);
  });

  test('there is none before the start', () => {
    expect(newRange(now, null, now)).toEqual([]);
    expect(newRange(now, now, now + 1)).toEqual([]);
  });

  test('one follows the other without a gap, however long apart and whatever the clock did', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -5_000, max: 100_000 }), { minLength: 2, maxLength: 20 }), (steps) => {
        let at = now;
        let reached: number | null = null;
        const listed: TimeRange[] = [];
        for (const step of steps) {
          at += step;
          for (const each of newRange(at, reached, 0)) {
            listed.push(each);
            reached = Math.max(reached ?? 0, each.to);
          }
        }
        const whole = { from: listed[0]?.from ?? 0, to: reached ?? 0 };
        expect(uncovered(whole, listed)).toEqual([]);
      }),
    );
  });
});

describe('upToNow', () => {
  test('all since the start, or only the last seconds of it', () => {
    expect(upToNow(1_000, 100)).toEqual([{ from: 100, to: 1_000 }]);
    expect(upToNow(1_000, 100, 300)).toEqual([{ from: 700, to: 1_000 }]);
    expect(upToNow(1_000, 900, 300)).toEqual([{ from: 900, to: 1_000 }]);
    expect(upToNow(1_000, 1_000)).toEqual([]);
    expect(upToNow(1_000, 2_000, 300)).toEqual([]);
  });
});
