// What a listing showed against what is stored: fetched is what is new or changed, and nothing else.

import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/lib/json.ts';
import { algorithm } from '../../src/sync/fingerprint.ts';
import { reduce } from '../../src/sync/list-whole.ts';
import { noMask } from '../../src/sync/mask.ts';
import type { DueReason, DueRow, Item, Known } from '../../src/sync/model.ts';
import { normalizerVersion } from '../../src/sync/normalize.ts';
import { diff } from '../../src/sync/slices.ts';
import { decodePage } from '../../src/twilio/decode.ts';

const now = 1_780_000_000;
const generation = 4;
const settings = { generation, mask: noMask };

function itemOf(fields: JsonObject): Item {
  const page = decodePage('GET list', { items: [{ id: 'a', createdAt: '2026-06-08T20:41:53Z', ...fields }] });
  const [item] = page.items;
  if (item === undefined) throw new Error(page.bad[0]?.reason);
  return reduce(item);
}

const item = itemOf({ status: 'ACTIVE' });

function due(reason: DueReason, fields: Partial<DueRow> = {}): DueRow {
  const { id, fingerprint } = item;
  return {
    id,
    reason,
    dueAt: now,
    attempts: 1,
    firstAt: now,
    error: null,
    fingerprint,
    wants: null,
    createdFrom: null,
    number: 7,
    setAside: false,
    ...fields,
  };
}

function known(stored: Partial<NonNullable<Known['stored']>> | null, ...all: DueRow[]): Map<string, Known> {
  const usual = {
    item: item.fingerprint,
    detail: 'detail',
    normalizer: normalizerVersion,
    generation,
    children: 2,
    algorithm,
    policy: '',
    updatedAt: null,
  };
  return new Map([[item.id, { stored: stored && { ...usual, ...stored }, due: all, forgotten: false }]]);
}

const nothing = { changed: [], touched: [], relisted: [], due: [] };
const fetched = (stored: boolean, ...due: DueRow[]) => ({
  ...nothing,
  changed: [{ id: item.id, item, due, stored }],
});

describe('diff', () => {
  const found = (map: Map<string, Known>) => diff([item], map, settings, now);

  test('what is new, changed or back after its deletion is fetched', () => {
    expect(found(new Map())).toEqual(fetched(false));
    expect(found(known(null))).toEqual(fetched(false));
    expect(found(known({ item: 'another' }))).toEqual(fetched(true));
    expect(found(known({ item: null }))).toEqual(fetched(true));
  });

  test('what is unchanged is not', () => {
    expect(found(known({}))).toEqual(nothing);
    expect(found(known({}, due('closed'), due('behind'), due('asked')))).toEqual(nothing);
  });

  test.each<DueReason>(['failed', 'absent'])('%s waits for its time, unless its item has changed since', (reason) => {
    expect(found(known(null, due(reason)))).toEqual(nothing);
    expect(found(known({ item: 'another' }, due(reason)))).toEqual(nothing);
    for (const fingerprint of ['another', null]) {
      const waiting = due(reason, { fingerprint });
      expect(found(known(null, waiting))).toEqual(fetched(false, waiting));
    }
  });

  test('no other reason holds a changed item back', () => {
    for (const reason of ['behind', 'closed', 'open', 'missing', 'asked', 'upgrade'] as const) {
      expect(found(known({ item: 'another' }, due(reason)))).toEqual(fetched(true, due(reason)));
    }
  });

  test('what other filters had listed is noted as listed under these', () => {
    expect(found(known({ generation: generation - 1 }))).toEqual({ ...nothing, touched: [item.id] });
    expect(found(known({ generation: 0 }))).toEqual({ ...nothing, touched: [item.id] });
  });

  test.each<DueReason>(['missing', 'open'])('what was %s and is listed again is noted, and not fetched', (reason) => {
    expect(found(known({}, due(reason)))).toEqual({ ...nothing, relisted: [{ id: item.id, number: 7 }] });
  });

  test.each<DueReason>(['missing', 'open'])(
    'what waits in quarantine and was %s is no longer, once it is listed',
    (reason) => {
      const failed = due('failed', { number: 8 });
      const relisted = [{ id: item.id, number: 7 }];
      expect(found(known({}, failed, due(reason)))).toEqual({ ...nothing, relisted });
      expect(found(known({ item: 'another' }, due(reason), failed))).toEqual({ ...nothing, relisted });
      expect(found(known(null, failed, due(reason)))).toEqual({ ...nothing, relisted });
      const setAside = due(reason, { setAside: true });
      expect(found(known({ generation: 1 }, failed, setAside))).toEqual({ ...nothing, relisted, touched: [item.id] });
    },
  );

  test('what a person has had forgotten is neither fetched nor noted', () => {
    expect(found(new Map([[item.id, { stored: null, due: [], forgotten: true }]]))).toEqual(nothing);
  });

  test('rows of an older normalizer are due once, within a day', () => {
    const upgrade = found(known({ normalizer: normalizerVersion - 1 }));
    expect(upgrade).toMatchObject({ changed: [], due: [{ id: item.id, reason: 'upgrade' }] });
    const [first] = upgrade.due;
    expect(first?.dueAt).toBeGreaterThanOrEqual(now);
    expect(first?.dueAt).toBeLessThan(now + 86_400);
    expect(found(known({ normalizer: normalizerVersion - 1 }, due('upgrade')))).toEqual(nothing);
    expect(found(known({ normalizer: normalizerVersion + 1 }))).toEqual(nothing);
  });
});

describe('where fingerprints were made in another way', () => {
  const updated = itemOf({ updatedAt: '2026-06-08T20:41:53.123456789Z' });
  const found = (map: Map<string, Known>) => diff([updated], map, settings, now);
  const others = [{ algorithm: algorithm - 1 }, { algorithm: algorithm + 1 }, { policy: 'without texts' }].map(
    (made) => ({ item: 'another', updatedAt: '2026-06-08T20:41:53.123456', ...made }),
  );
  const fetchedNow = (...due: DueRow[]) => ({
    ...nothing,
    changed: [{ id: updated.id, item: updated, due, stored: true }],
  });

  test.each(others)('one that was not updated since is due within a day, once: %o', (stored) => {
    const upgrade = found(known({ ...stored, generation: 1 }));
    expect(upgrade).toMatchObject({ changed: [], touched: [updated.id], due: [{ id: updated.id, reason: 'upgrade' }] });
    expect(upgrade.due[0]?.dueAt).toBeGreaterThanOrEqual(now);
    expect(upgrade.due[0]?.dueAt).toBeLessThan(now + 86_400);
    expect(found(known(stored, due('upgrade')))).toEqual(nothing);
  });

  test.each(others)('one that was updated, or is back after its deletion, is fetched now: %o', (stored) => {
    expect(found(known({ ...stored, updatedAt: '2026-06-08T20:41:53.123455' }))).toEqual(fetchedNow());
    expect(found(known({ ...stored, updatedAt: null }))).toEqual(fetchedNow());
    expect(found(known({ ...stored, item: null }))).toEqual(fetchedNow());
    // By accident the same.
    expect(found(known({ ...stored, item: updated.fingerprint, updatedAt: null }))).toEqual(fetchedNow());
  });

  test('what failed waits for its time; what was listed without a detail, which can be a month, does not', () => {
    const failed = due('failed', { fingerprint: `0.without texts.${updated.fingerprint}` });
    const absent = { ...failed, reason: 'absent' } as const;
    expect(found(known(null, failed))).toEqual(nothing);
    expect(found(known({ item: updated.fingerprint }, failed))).toEqual(nothing);
    expect(found(known({ item: 'another' }, absent))).toEqual(fetchedNow(absent));
  });
});

describe('reduce', () => {
  test('says what the detail will have to show: the time, the results, and every array', () => {
    const raw = {
      updatedAt: '2026-06-08T20:41:53.5Z',
      channels: [],
      participants: [{}],
      operatorResultIds: ['r', 'q'],
    };
    expect(itemOf(raw).wants).toEqual({
      updatedAt: '2026-06-08T20:41:53.500000000Z',
      operatorResultIds: ['r', 'q'],
      arrays: ['channels', 'participants', 'operatorResultIds'],
    });
  });

  test('wants nothing that the item does not have, or has as something else', () => {
    const nothingWanted = { updatedAt: null, operatorResultIds: [], arrays: [] };
    expect(itemOf({}).wants).toEqual(nothingWanted);
    expect(itemOf({ updatedAt: null, channels: null, operatorResultIds: 'r', participants: {} }).wants).toEqual(
      nothingWanted,
    );
    expect(itemOf({ operatorResultIds: [null, 5, 'r', {}] }).wants.operatorResultIds).toEqual(['r']);
  });

  test.each<[string, JsonObject, JsonObject, boolean]>([
    ['a field that nobody knows yet', { new: 1 }, { new: 2 }, true],
    ['results alone', { operatorResultIds: ['r'] }, { operatorResultIds: ['r', 'q'] }, true],
    ['null and absent', { name: null }, {}, true],
    [
      'a digit of a nanosecond',
      { updatedAt: '2026-06-08T20:41:53.000000001Z' },
      { updatedAt: '2026-06-08T20:41:53.000000002Z' },
      true,
    ],
    ['the order of an array', { channels: ['SMS', 'VOICE'] }, { channels: ['VOICE', 'SMS'] }, false],
  ])('by %s, an item is another one: %#', (_what, a, b, differs) => {
    expect(itemOf(a).fingerprint !== itemOf(b).fingerprint).toBe(differs);
  });
});
