// What is left of an answer: by kind, of whatever shape it comes in, and the rows that follow from it.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../src/lib/json.ts';
import { fingerprint } from '../../src/sync/fingerprint.ts';
import { createMask, type MaskSettings, noMask } from '../../src/sync/mask.ts';
import { createNormalizer, normalize } from '../../src/sync/normalize.ts';
import { type PersonalData, tablesOf } from '../../src/sync/tables.ts';
import { decodeDetail } from '../../src/twilio/decode.ts';
import { wildConversation } from '../privacy/wild.ts';

const key = 'k'.repeat(32);
const maskOf = (given: Partial<MaskSettings>) => createMask({ omit: [], hash: [], key, ...given });

const talk = (): JsonObject => ({
  id: 'c',
  accountId: 'AC1',
  name: 'secret-name',
  createdAt: '2026-06-08T20:41:53Z',
  status: 'CLOSED',
  note: 'secret-extra',
  channels: ['SMS'],
  operatorResultIds: ['r'],
  participants: [
    { id: 'p', name: 'secret-name', type: 'CUSTOMER', addressValues: ['secret-address', 'secret-address'] },
    { id: 'q', name: 'secret-name too', type: 'AGENT', addressValues: null, profile: 'secret-extra' },
  ],
  communications: [
    {
      id: 'm',
      participantId: 'p',
      createdAt: '2026-06-08T20:41:54Z',
      content: { text: 'secret-text of words', language: 'secret-extra' },
    },
    { id: 'n', participantId: 'q', content: null },
  ],
});

/** Everything that could be stored: the rows as one text. */
function rowsOf(raw: JsonObject, mask = noMask): string {
  const detail = decodeDetail('GET detail', String(raw['id']), structuredClone(raw));
  mask.conversation(detail.raw);
  return JSON.stringify(normalize(detail, false, mask).map(({ columns }) => columns));
}

const kinds = ['text', 'name', 'address', 'extra'] as const;

describe('a conversation', () => {
  test.each([
    [['texts'], ['text']],
    [['names'], ['name']],
    [['addresses'], ['address']],
    [['extra'], ['extra']],
    [
      ['texts', 'names', 'addresses', 'extra'],
      ['text', 'name', 'address', 'extra'],
    ],
  ] as [PersonalData[], string[]][])('without %j', (omit, gone) => {
    const rows = rowsOf(talk(), maskOf({ omit }));
    for (const kind of kinds)
      expect({ kind, there: rows.includes(`secret-${kind}`) }).toEqual({ kind, there: !gone.includes(kind) });
    for (const kept of ['AC1', 'CLOSED', 'SMS', 'CUSTOMER', '"r"', '"m"', '"q"']) expect(rows).toContain(kept);
  });

  test('without addresses, a participant has none, which says that stored ones are gone', () => {
    const detail = decodeDetail('GET detail', 'c', talk());
    maskOf({ omit: ['addresses'] }).conversation(detail.raw);
    expect(detail.participants?.map(({ raw }) => raw['addressValues'])).toEqual([[], null]);
  });

  test('without texts, words are not counted, and everything else is', () => {
    const counts = (mask = noMask) => {
      const detail = decodeDetail('GET detail', 'c', talk());
      mask.conversation(detail.raw);
      const [conversation, , , , participants] = normalize(detail, false, mask);
      const at = (table: number, name: string) =>
        Object.keys(tablesOf.conversation[table]?.columns ?? {}).indexOf(name);
      return [
        conversation?.columns[at(0, 'words')],
        participants?.columns[at(4, 'words')],
        conversation?.columns[at(0, 'communications')],
      ];
    };
    expect(counts()).toEqual([[3], [3, 0], [2]]);
    expect(counts(maskOf({ omit: ['texts'] }))).toEqual([[null], [null, null], [2]]);
  });

  test('hashed: equal values alike, others apart, in all places where they stand', () => {
    const mask = maskOf({ hash: ['names', 'addresses'] });
    const detail = decodeDetail('GET detail', 'c', talk());
    mask.conversation(detail.raw);
    const [p, q] = detail.participants?.map(({ raw }) => raw) ?? [];
    expect(mask.hash('secret-name')).toMatch(/^hmac:[0-9a-f]{32}$/);
    expect(detail.raw['name']).toBe(mask.hash('secret-name'));
    expect(p).toMatchObject({
      name: mask.hash('secret-name'),
      addressValues: Array(2).fill(mask.hash('secret-address')),
    });
    expect(q?.['name']).not.toBe(p?.['name']);
    expect(JSON.stringify(detail)).not.toMatch(/secret-(name|address)/);
    expect(maskOf({ hash: ['names'], key: 'l'.repeat(32) }).hash('secret-name')).not.toBe(mask.hash('secret-name'));
  });

  test('is hashed as it would be stored, and once', () => {
    const { hash } = maskOf({ hash: ['names'] });
    expect(hash('a\0b')).toBe(hash('a\ufffdb'));
    expect(hash(hash('a'))).toBe(hash('a'));
  });

  test('a list item and its detail give equal fingerprints, whatever changes in what is masked', () => {
    const mask = maskOf({ omit: ['texts', 'names', 'extra'], hash: ['addresses'] });
    const print = (raw: JsonObject) => fingerprint(mask.conversation(raw));
    const { communications: _left, ...item } = talk();
    const { communications: _too, ...detail } = mask.conversation(talk()) as JsonObject;
    expect(print(item)).toBe(fingerprint(detail));
    expect(print({ ...talk(), name: 'Another', note: 'changed', new: 1 })).toBe(print(talk()));
    expect(print({ ...talk(), status: 'ACTIVE' })).not.toBe(print(talk()));
  });
});

describe('an operator result', () => {
  const normalizeResult = createNormalizer(tablesOf.operatorResult);
  const columns = Object.keys(tablesOf.operatorResult[0]?.columns ?? {});
  const cells = (fields: JsonObject, mask = maskOf({ omit: ['results'] })) => {
    const rows = normalizeResult(mask.result({ id: 'r', conversationId: 'c', ...fields }) as JsonObject);
    mask.blank(rows, tablesOf.operatorResult);
    const of = (name: string) => rows[0]?.columns[columns.indexOf(name)]?.[0];
    return { text: of('text'), label: of('label'), result: of('result'), extra: of('extra') };
  };

  test.each<[Json, string | null]>([
    [{ text: 'secret' }, null],
    ['secret', null],
    [{ label: 'refund', text: 'secret' }, 'refund'],
    [{ label: { secret: 1 } }, null],
    [{ entities: [{ text: 'secret' }] }, null],
    [['secret'], null],
    [null, null],
  ])('keeps its label alone: %j', (result, label) => {
    expect(cells({ result })).toEqual({ text: null, label, result: null, extra: null });
  });

  test('keeps its result without what has no column', () => {
    const { result, extra } = cells({ result: { text: 'a' }, refusal: 'secret' }, maskOf({ omit: ['extra'] }));
    expect({ result, extra }).toEqual({ result: '{"text":"a"}', extra: null });
  });
});

test('nothing personal gets through, of whatever shape it is; masked twice is masked once', () => {
  const settings = fc.constantFrom<Partial<MaskSettings>>(
    { omit: ['texts', 'names', 'addresses'] },
    { omit: ['texts'], hash: ['names', 'addresses'] },
    { omit: ['texts', 'names', 'extra'], hash: ['addresses'] },
  );
  fc.assert(
    fc.property(wildConversation(), settings, (conversation, given) => {
      const mask = maskOf(given);
      const raw = () => structuredClone(conversation) as JsonObject;
      expect(rowsOf(raw(), mask)).not.toContain('secret');
      const once = mask.conversation(raw());
      expect(mask.conversation(structuredClone(once))).toEqual(once);
    }),
    { numRuns: 2_000 },
  );
});

test('a policy names what it does, and changes with the key', () => {
  const policy = (given: Partial<MaskSettings>) => maskOf(given).policy;
  expect(noMask.policy).toBe('');
  expect(policy({ omit: ['names', 'texts'] })).toBe(policy({ omit: ['texts', 'names'] }));
  const all = [
    { omit: ['texts'] },
    { omit: ['names'] },
    { hash: ['names'] },
    { hash: ['names'], key: 'l'.repeat(32) },
  ] as Partial<MaskSettings>[];
  expect(new Set(all.map(policy)).size).toBe(4);
  for (const each of all) expect(policy(each)).not.toMatch(/\.|k{8}/);
});
