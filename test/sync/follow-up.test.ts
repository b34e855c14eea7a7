// What follows from each outcome of a fetch, and when: the waits, what is given up, what is deleted.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { noFilters } from '../../src/config/config.ts';
import type { JsonObject } from '../../src/lib/json.ts';
import type { Filters } from '../../src/sync/filters.ts';
import { fingerprint } from '../../src/sync/fingerprint.ts';
import {
  decideFollowUp,
  dueForBadItem,
  dueForMending,
  dueForUpgrade,
  missingFromDetail,
} from '../../src/sync/follow-up.ts';
import { keepEverything } from '../../src/sync/keep.ts';
import { noMask } from '../../src/sync/mask.ts';
import type { Due, DueReason, DueRow, ExpectedFromList, Fetch, Item, Outcome } from '../../src/sync/model.ts';
import { type Detail, decodeDetail } from '../../src/twilio/decode.ts';

const now = 1_780_000_000;
const minute = 60;
const hour = 3_600;
const day = 86_400;
const refresh = [hour, day];
const settingsOf = (refreshSeconds: number[]) => ({
  refreshSeconds,
  filters: noFilters,
  start: 0,
  mask: noMask,
  keep: keepEverything,
  eraseBefore: null,
});
const all: DueReason[] = [
  'behind',
  'absent',
  'closed',
  'open',
  'missing',
  'failed',
  'asked',
  'upgrade',
  'mend',
  'pushed',
];

const at = (seconds: number) => new Date(seconds * 1000).toISOString();
const nothingWanted: ExpectedFromList = { updatedAt: null, operatorResultIds: [], arrays: [] };

function itemOf(wants: Partial<ExpectedFromList> = {}): Item {
  return { id: 'a', fingerprint: 'print', createdFrom: now - 100, wants: { ...nothingWanted, ...wants } };
}

function due(reason: DueReason, fields: Partial<DueRow> = {}): DueRow {
  return {
    id: 'a',
    reason,
    dueAt: now,
    attempts: 0,
    firstAt: now - 7,
    error: null,
    fingerprint: null,
    wants: null,
    createdFrom: null,
    number: 7,
    setAside: false,
    ...fields,
  };
}

/** As the next fetch reads what an earlier one left. */
const noted = (rows: Due[]): DueRow[] => rows.map((each) => ({ ...each, number: 8, setAside: false }));

function fetchOf(fields: Partial<Fetch> = {}): Fetch {
  return { id: 'a', item: null, due: [], stored: true, ...fields };
}

function detailOf(fields: JsonObject = {}): Detail {
  const whole = { id: 'a', createdAt: at(now - 40 * day), communications: [], status: 'ACTIVE', ...fields };
  return decodeDetail('GET detail', 'a', whole);
}

const found = (fields: JsonObject = {}): Outcome => ({ kind: 'found', detail: detailOf(fields), bytes: 100 });
const verdict = (fetch: Partial<Fetch>, outcome: Outcome, when = now) =>
  decideFollowUp(fetchOf(fetch), outcome, when, settingsOf(refresh));

/** When a reason comes due again, each time it is tried and the same comes of it. */
function waitsOf(reason: DueReason, item: Item | null, outcome: Outcome, times: number): (number | undefined)[] {
  let rows =
    item === null ? [due(reason, { wants: item === null ? { ...nothingWanted, arrays: ['channels'] } : null })] : [];
  let from = item;
  let when = now;
  return Array.from({ length: times }, () => {
    rows = noted(decideFollowUp(fetchOf({ item: from, due: rows, stored: false }), outcome, when, settingsOf([])).due);
    from = null;
    const [again] = rows.filter((each) => each.reason === reason);
    const wait = again && again.dueAt - when;
    when = again?.dueAt ?? when;
    return wait;
  });
}

describe('found', () => {
  test('it is stored, and nothing is due, whatever was', () => {
    for (const stored of [true, false]) {
      expect(verdict({ item: itemOf(), stored }, found())).toEqual({ store: true, deleted: false, due: [] });
    }
    for (const reason of all.filter((each) => each !== 'missing' && each !== 'open')) {
      expect(verdict({ due: [due(reason)] }, found())).toEqual({ store: true, deleted: false, due: [] });
    }
    for (const reason of all) {
      expect(verdict({ item: itemOf(), due: [due(reason)] }, found()).due).toEqual([]);
    }
  });

  test('behind its list item: asked for again 2, 10 and 60 s later, then believed', () => {
    const wanting = itemOf({ arrays: ['channels'] });
    expect(waitsOf('behind', wanting, found(), 5)).toEqual([2, 10, 60, undefined, undefined]);
  });

  test('a newer list item begins the waits anew', () => {
    const late = due('behind', { attempts: 3, wants: { ...nothingWanted, arrays: ['channels'] } });
    const { due: rows } = verdict({ item: itemOf({ arrays: ['channels'] }), due: [late] }, found());
    expect(rows).toMatchObject([{ reason: 'behind', attempts: 1, dueAt: now + 2, firstAt: now - 7 }]);
  });

  test('what is still wanted is only what is still lacking', () => {
    const wants = { updatedAt: null, operatorResultIds: ['r', 'q'], arrays: ['channels', 'participants'] };
    const { due: rows } = verdict({ item: itemOf(wants) }, found({ operatorResultIds: ['r'], channels: [] }));
    expect(rows).toMatchObject([
      { reason: 'behind', wants: { updatedAt: null, operatorResultIds: ['q'], arrays: ['participants'] } },
    ]);
  });

  test('without communications it is behind any list item, and stored all the same', () => {
    const { store, due: rows } = verdict({ item: itemOf() }, found({ communications: null }));
    expect(store).toBe(true);
    expect(rows).toMatchObject([{ reason: 'behind', wants: { arrays: ['communications'] } }]);
  });

  test('an older one takes the place of nothing that is stored, until it is believed', () => {
    const newer = itemOf({ updatedAt: '2026-06-08T20:41:53.000000001Z' });
    const older = found({ updatedAt: '2026-06-08T20:41:53Z' });
    expect(verdict({ item: newer }, older).store).toBe(false);
    expect(verdict({ item: newer, stored: false }, older).store).toBe(true);
    const last = due('behind', { attempts: 3, wants: newer.wants });
    expect(verdict({ due: [last] }, older)).toEqual({ store: true, deleted: false, due: [] });
    expect(verdict({ item: newer }, found({ updatedAt: '2026-06-08T20:41:53.000000001Z' })).due).toEqual([]);
  });

  test.each([
    ['just closed', 0, hour],
    ['a moment before the first instant', hour - 1, 1],
    ['at the first instant, which this fetch serves', hour, day - hour],
    ['between both', 2 * hour, day - 2 * hour],
    ['at the last instant', day, null],
    ['long after', 40 * day, null],
  ])('closed, %s: once more at the next instant that lies ahead', (_when, ago, wait) => {
    const { due: rows } = verdict({ item: itemOf() }, found({ status: 'CLOSED', updatedAt: at(now - ago) }));
    expect(rows.map(({ reason, dueAt }) => [reason, dueAt])).toEqual(wait === null ? [] : [['closed', now + wait]]);
  });

  test('instants after closing count from createdAt where nothing says when it was updated, in any order', () => {
    const closed = { status: 'CLOSED', createdAt: at(now - 10), updatedAt: null };
    const { due: rows } = decideFollowUp(fetchOf(), found(closed), now, settingsOf([day, minute, hour]));
    expect(rows.map(({ dueAt }) => dueAt)).toEqual([now + minute - 10]);
  });

  test('missing and still there: asked again after 1, 2, 4, 8, 16, 30 and each further 30 days, until a list shows it', () => {
    const days = [1, 2, 4, 8, 16, 30, 30, 30].map((count) => count * day);
    expect(waitsOf('missing', null, found(), 8)).toEqual(days);
    expect(verdict({ item: itemOf(), due: [due('missing', { attempts: 5 })] }, found()).due).toEqual([]);
  });

  test('not listed as open and still open: asked again ever more rarely, until it has closed', () => {
    expect(waitsOf('open', null, found(), 6)).toEqual([minute, 10 * minute, hour, 6 * hour, day, day]);
    expect(verdict({ due: [due('open')] }, found({ status: 'INACTIVE' })).due).toMatchObject([{ reason: 'open' }]);
    expect(verdict({ due: [due('open')] }, found({ status: 'CLOSED' })).due).toEqual([]);
  });
});

describe('gone', () => {
  const gone: Outcome = { kind: 'gone' };

  test('deleted takes two keys: not listed, and 404', () => {
    expect(verdict({ due: [due('missing')] }, gone)).toEqual({ store: false, deleted: true, due: [] });
    for (const reason of all.filter((each) => each !== 'missing')) {
      expect(verdict({ due: [due(reason)] }, gone).deleted).toBe(false);
    }
    expect(verdict({ item: itemOf(), due: [due('missing')] }, gone).deleted).toBe(false);
  });

  test('listed: asked for again after 2, 10, 60 s, then after 1, 2, 4, 8, 16, 30 days', () => {
    const days = [1, 2, 4, 8, 16, 30, 30].map((count) => count * day);
    expect(waitsOf('absent', itemOf(), gone, 10)).toEqual([2, 10, 60, ...days]);
    expect(verdict({ item: itemOf() }, gone).due).toMatchObject([{ reason: 'absent', fingerprint: 'print' }]);
  });

  test('asked for by a person and never seen: forgotten', () => {
    expect(verdict({ due: [due('asked')], stored: false }, gone).due).toEqual([]);
    expect(verdict({ due: [], stored: false }, gone).due).toEqual([]);
    expect(verdict({ due: [due('asked')], stored: true }, gone).due).toMatchObject([{ reason: 'absent' }]);
    expect(verdict({ item: itemOf(), due: [due('asked')], stored: false }, gone).due).toMatchObject([
      { reason: 'absent' },
    ]);
  });
});

describe('failed', () => {
  const failed: Outcome = { kind: 'failed', error: 'the API answers 500', cause: null, perhapsAll: false };

  test('tried again after ever longer waits, and never given up', () => {
    expect(waitsOf('failed', itemOf(), failed, 7)).toEqual([
      minute,
      5 * minute,
      30 * minute,
      2 * hour,
      8 * hour,
      day,
      day,
    ]);
  });

  test('says why, since when, and for which list item', () => {
    const first = verdict({ item: itemOf() }, failed).due;
    expect(noted(first)).toEqual([
      {
        ...due('failed', { number: 8 }),
        dueAt: now + minute,
        attempts: 1,
        firstAt: now,
        error: 'the API answers 500',
        fingerprint: 'print',
        createdFrom: now - 100,
      },
    ]);
    const later = decideFollowUp(
      fetchOf({ due: noted(first) }),
      { kind: 'tooLarge' },
      now + minute,
      settingsOf(refresh),
    );
    expect(later).toMatchObject({ store: false, deleted: false });
    expect(later.due).toMatchObject([
      { attempts: 2, firstAt: now, error: 'the detail is too large', fingerprint: 'print', createdFrom: now - 100 },
    ]);
    // When it was created stays known, whatever it waits for next.
    expect(verdict({ due: noted(first) }, { kind: 'gone' }).due).toMatchObject([
      { reason: 'absent', createdFrom: now - 100 },
    ]);
  });

  test('what was missing stays so: a failure is no answer', () => {
    const rows = verdict({ due: [due('missing', { attempts: 2 }), due('closed')] }, failed).due;
    expect(rows).toMatchObject([
      { reason: 'failed', dueAt: now + minute },
      { reason: 'missing', attempts: 2, dueAt: now + minute },
    ]);
  });

  test.each(['asked', 'mend'] as const)(
    '%s stays so, and with it that rows are written whatever is remembered',
    (reason) => {
      const rows = verdict({ due: [due(reason)] }, failed).due;
      expect(rows).toMatchObject([{ reason: 'failed' }, { reason, dueAt: now + minute }]);
    },
  );

  test('what is listed is no longer missing, though its detail fails', () => {
    expect(verdict({ item: itemOf(), due: [due('missing')] }, failed).due).toMatchObject([{ reason: 'failed' }]);
  });

  test('a wait that is longer already stays as long', () => {
    const rows = verdict({ due: [due('absent', { dueAt: now + 9 * day })] }, failed).due;
    expect(rows).toMatchObject([{ reason: 'failed' }, { reason: 'absent', dueAt: now + 9 * day }]);
  });
});

describe('announced by a webhook', () => {
  const wants = { ...nothingWanted, operatorResultIds: ['r', 'q'] };
  const pushed = due('pushed', { wants });

  test('the results that the detail does not show are asked for 2, 10 and 60 s later; it is stored each time', () => {
    const shown = found({ operatorResultIds: ['r'] });
    let rows = [pushed];
    const waits: (number | undefined)[] = [];
    for (let time = 0; time < 4; time += 1) {
      const result = verdict({ due: rows }, shown);
      expect(result.store).toBe(true);
      rows = noted(result.due);
      waits.push(rows[0] && rows[0].dueAt - now);
      for (const row of rows) expect(row).toMatchObject({ reason: 'pushed', wants: { operatorResultIds: ['q'] } });
    }
    expect(waits).toEqual([2, 10, 60, undefined]);
    expect(verdict({ due: [pushed] }, found({ operatorResultIds: ['q', 'r'] })).due).toEqual([]);
  });

  test('one that is not stored is asked for again where it answers 404, and then let be', () => {
    expect(waitsOf('pushed', null, { kind: 'gone' }, 5)).toEqual([2, 10, 60, undefined, undefined]);
    const { due: rows } = verdict({ due: [pushed], stored: false }, { kind: 'gone' });
    expect(rows).toMatchObject([{ reason: 'pushed', wants: { operatorResultIds: ['r', 'q'] } }]);
    const before = [due('pushed', { attempts: 3 }), due('failed', { error: 'x' })];
    expect(verdict({ due: before, stored: false }, { kind: 'gone' }).due).toEqual([]);
  });

  test('one that is stored may be deleted, as any other that answers 404', () => {
    expect(verdict({ due: [pushed] }, { kind: 'gone' }).due).toMatchObject([{ reason: 'absent' }]);
    const missing = verdict({ due: [pushed, due('missing')] }, { kind: 'gone' });
    expect(missing).toEqual({ store: false, deleted: true, due: [] });
  });

  test('stays so after a failure, with what it announced', () => {
    const { due: rows } = verdict({ due: [pushed] }, { kind: 'failed', error: 'x', cause: null, perhapsAll: false });
    expect(rows).toMatchObject([{ reason: 'failed' }, { reason: 'pushed', wants, dueAt: now + minute }]);
  });

  describe('and never listed: stored only if a listing would show it', () => {
    const calls: Filters = { ...noFilters, channels: ['VOICE'] };
    const sms = found({ channels: ['SMS'] });
    const under = (fetch: Partial<Fetch>, outcome: Outcome, filters = calls, start = 0) =>
      decideFollowUp(fetchOf({ stored: false, due: [pushed], ...fetch }), outcome, now, {
        ...settingsOf(refresh),
        filters,
        start,
      });
    const nothing = { store: false, deleted: false, due: [] };

    test('the filters, and the start of history', () => {
      expect(under({}, sms)).toEqual(nothing);
      expect(under({}, found({ channels: ['SMS', 'VOICE'] })).store).toBe(true);
      expect(under({}, sms, noFilters).store).toBe(true);
      expect(under({}, sms, noFilters, now)).toEqual(nothing);
      expect(under({ due: [pushed, due('failed', { error: 'x' })] }, sms)).toEqual(nothing);
    });

    test('one that was listed, asked for or stored is stored, as ever', () => {
      expect(under({ item: itemOf() }, sms).store).toBe(true);
      expect(under({ stored: true }, sms).store).toBe(true);
      expect(under({ due: [pushed, due('asked')] }, sms).store).toBe(true);
      expect(under({ due: [pushed, due('failed', { error: 'x', createdFrom: now - 5 })] }, sms).store).toBe(true);
    });
  });
});

test('whatever came of it, nothing is due before now, nothing twice, and all of it for this conversation', () => {
  const outcome = fc.constantFrom<Outcome>(
    { kind: 'gone' },
    { kind: 'tooLarge' },
    { kind: 'failed', error: 'x', cause: null, perhapsAll: false },
    found(),
    found({ status: 'CLOSED', updatedAt: at(now - hour) }),
    found({ communications: null, updatedAt: at(now - day) }),
  );
  const rows = fc.uniqueArray(
    fc
      .record({ reason: fc.constantFrom(...all), attempts: fc.nat(40) })
      .map(({ reason, attempts }) => due(reason, { attempts })),
    { selector: ({ reason }) => reason },
  );
  const item = fc.option(fc.constant(itemOf({ updatedAt: at(now), arrays: ['channels'] })), { nil: null });
  fc.assert(
    fc.property(item, rows, fc.boolean(), outcome, (from, before, stored, what) => {
      const result = decideFollowUp(fetchOf({ item: from, due: before, stored }), what, now, settingsOf(refresh));
      for (const each of result.due) {
        expect(each.id).toBe('a');
        expect(each.dueAt).toBeGreaterThan(now);
        expect(each.dueAt).toBeLessThanOrEqual(now + 30 * day);
      }
      expect(new Set(result.due.map(({ reason }) => reason)).size).toBe(result.due.length);
      expect(result.deleted && result.store).toBe(false);
      expect(result.store).toBe(result.store && what.kind === 'found');
    }),
  );
});

describe('missingFromDetail', () => {
  test.each<[string, Partial<ExpectedFromList>, JsonObject, Partial<ExpectedFromList> | null]>([
    ['nothing wanted', {}, {}, null],
    ['as new', { updatedAt: '2026-06-08T20:41:53.000000000Z' }, { updatedAt: '2026-06-08T20:41:53Z' }, null],
    ['newer', { updatedAt: '2026-06-08T20:41:53.000000000Z' }, { updatedAt: '2026-06-09T20:41:53+02:00' }, null],
    [
      'a nanosecond older',
      { updatedAt: '2026-06-08T20:41:53.000000001Z' },
      { updatedAt: '2026-06-08T20:41:53Z' },
      { updatedAt: '2026-06-08T20:41:53.000000001Z' },
    ],
    [
      'no time at all',
      { updatedAt: '2026-06-08T20:41:53.000000000Z' },
      {},
      { updatedAt: '2026-06-08T20:41:53.000000000Z' },
    ],
    ['more results than the list shows', { operatorResultIds: ['r'] }, { operatorResultIds: ['q', 'r'] }, null],
    ['a result fewer', { operatorResultIds: ['r', 'q'] }, { operatorResultIds: ['r'] }, { operatorResultIds: ['q'] }],
    [
      'results that are no array',
      { operatorResultIds: ['r'] },
      { operatorResultIds: 'r' },
      { operatorResultIds: ['r'] },
    ],
    ['an empty array', { arrays: ['channels'] }, { channels: [] }, null],
    ['null for an array', { arrays: ['channels'] }, { channels: null }, { arrays: ['channels'] }],
  ])('%s', (_what, wants, detail, lacking) => {
    const expected = lacking && { ...nothingWanted, ...lacking };
    expect(missingFromDetail({ ...nothingWanted, ...wants }, detailOf(detail))).toEqual(expected);
  });
});

describe('due without a fetch', () => {
  test('upgrades are spread over a day, each at a time of its own that does not change', () => {
    const times = Array.from({ length: 2_000 }, (_, number) => {
      const item = { ...itemOf(), fingerprint: fingerprint(number) };
      const { dueAt } = dueForUpgrade(item, now);
      expect(dueForUpgrade(item, now).dueAt).toBe(dueAt);
      return dueAt - now;
    });
    expect(Math.min(...times)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...times)).toBeLessThan(day);
    const perHour = Object.values(Object.groupBy(times, (seconds) => Math.floor(seconds / hour))).map(
      (each) => each?.length,
    );
    expect(perHour).toHaveLength(24);
    expect(Math.max(...perHour.map((count) => count ?? 0))).toBeLessThan(140);
  });

  test('what has lost rows is due at once; an item without an id never, but in sight', () => {
    expect(dueForMending(itemOf(), now)).toMatchObject({ id: 'a', reason: 'mend', dueAt: now, createdFrom: now - 100 });
    expect(
      dueForBadItem({ id: 'item:x', error: 'id: is empty', fingerprint: 'x', createdFrom: now - 9 }, now),
    ).toMatchObject({
      id: 'item:x',
      reason: 'failed',
      dueAt: Number.POSITIVE_INFINITY,
      attempts: 1,
      error: 'id: is empty',
    });
  });
});
