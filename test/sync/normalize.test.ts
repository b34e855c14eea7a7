// A detail's rows: every field in its column or in extra, cut and cleaned as the contract says, and no row twice.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isJsonObject, type Json, type JsonObject } from '../../src/lib/json.ts';
import { isRawNumber, parseLossless } from '../../src/lib/lossless-json.ts';
import { storableText } from '../../src/lib/storable.ts';
import { Unstorable } from '../../src/sync/model.ts';
import { maxKeyBytes, normalize } from '../../src/sync/normalize.ts';
import { decodeDetail } from '../../src/twilio/decode.ts';
import { type ConversationRows, conversationOf } from './rows.ts';

const always = { id: 'a', createdAt: '2026-06-08T20:41:53.788355855Z' };
const rowsOf = (fields: JsonObject = {}) =>
  conversationOf(normalize(decodeDetail('GET detail', 'a', { ...always, ...fields }), false));
const extraOf = (fields: JsonObject) => JSON.parse(rowsOf(fields).extra ?? 'null');
const empty: ConversationRows = {
  id: 'a',
  accountId: null,
  name: null,
  status: null,
  conversationConfigurationId: null,
  createdAt: '2026-06-08T20:41:53.788355Z',
  updatedAt: null,
  extra: null,
  channels: null,
  channelIds: null,
  intelligenceConfigurationIds: null,
  operatorResultIds: null,
  participants: null,
  communications: null,
};

describe('a conversation', () => {
  test('with nothing but what it must have', () => {
    expect(rowsOf()).toEqual(empty);
  });

  test('with everything that the reference knows leaves no extra', () => {
    const rows = rowsOf({
      accountId: 'AC1',
      name: 'Order 7',
      status: 'DREAMING',
      conversationConfigurationId: 'conf',
      updatedAt: '2026-06-08T22:41:53.999999999+02:00',
      intelligenceConfigurationIds: ['i'],
      channels: ['VOICE', 'SMS'],
      channelIds: ['CA1'],
      participants: [{ id: 'p', name: 'Ada', type: 'CUSTOMER', addressValues: ['+15550100'] }],
      communications: [{ id: 'c', participantId: 'p', content: { text: 'Hello' }, createdAt: always.createdAt }],
      operatorResultIds: ['r'],
    });
    expect(rows).toEqual({
      id: 'a',
      accountId: 'AC1',
      name: 'Order 7',
      status: 'DREAMING',
      conversationConfigurationId: 'conf',
      createdAt: '2026-06-08T20:41:53.788355Z',
      updatedAt: '2026-06-08T20:41:53.999999Z',
      extra: null,
      channels: ['VOICE', 'SMS'],
      channelIds: ['CA1'],
      intelligenceConfigurationIds: ['i'],
      operatorResultIds: ['r'],
      participants: [{ id: 'p', position: 0, name: 'Ada', type: 'CUSTOMER', extra: null, addresses: ['+15550100'] }],
      communications: [
        {
          id: 'c',
          position: 0,
          participantId: 'p',
          text: 'Hello',
          createdAt: '2026-06-08T20:41:53.788355Z',
          extra: null,
        },
      ],
    });
  });

  test('null is as good as absent; an empty text is a text', () => {
    const nulls = Object.fromEntries(Object.keys(empty).map((name) => [name, null]));
    delete nulls['extra'];
    expect(rowsOf({ ...nulls, ...always })).toEqual(empty);
    expect(rowsOf({ name: '', status: '', accountId: '' })).toEqual({ ...empty, name: '', status: '', accountId: '' });
  });

  test('an empty array is not an absent one', () => {
    const arrays = [
      'channels',
      'channelIds',
      'intelligenceConfigurationIds',
      'operatorResultIds',
      'participants',
      'communications',
    ];
    const none = Object.fromEntries(arrays.map((name) => [name, []]));
    expect(rowsOf(none)).toEqual({ ...empty, ...none });
  });

  test('a repeated value is one, the first, also when only cleaning makes it one', () => {
    const rows = rowsOf({
      channels: ['b', 'a', 'b', 'x\0', 'x\uFFFD', 'A', ''],
      operatorResultIds: ['\uD800', '\uDC00'],
    });
    expect(rows.channels).toEqual(['b', 'a', 'x\uFFFD', 'A', '']);
    expect(rows.operatorResultIds).toEqual(['\uFFFD']);
    expect(rows.extra).toBeNull();
  });

  test('what is not of the kind its column holds is in extra, and the column null', () => {
    const odd = { name: 5, status: { a: 1 }, accountId: [], channels: 'VOICE', operatorResultIds: {} };
    expect(rowsOf(odd)).toMatchObject({
      name: null,
      status: null,
      accountId: null,
      channels: null,
      operatorResultIds: null,
    });
    expect(extraOf(odd)).toEqual(odd);
  });

  test('an array of strings and others: the strings are rows, the whole of it is in extra', () => {
    const odd = { channels: ['VOICE', null, 5, { id: 'SMS' }] };
    expect(rowsOf(odd).channels).toEqual(['VOICE']);
    expect(extraOf(odd)).toEqual(odd);
    expect(rowsOf({ channels: [null] })).toMatchObject({ channels: [], extra: '{"channels":[null]}' });
  });

  test('a field nobody knows is kept as it came: null, empty, deep, and no number altered', () => {
    const text =
      '{"a":null,"b":[],"c":{},"d":{"e":[1,{"f":false}]},"g":12345678901234567890,"h":-1e-400,"__proto__":{"x":1}}';
    expect(rowsOf(parseLossless(text) as JsonObject).extra).toBe(text);
  });

  test('U+0000 and lone surrogates are U+FFFD in columns, in extra, and in the names of its fields', () => {
    const rows = rowsOf({ name: 'a\0b', 'new\0': ['\uD83D', '😀'] });
    expect(rows.name).toBe('a\uFFFDb');
    expect(rows.extra).toBe('{"new\uFFFD":["\uFFFD","😀"]}');
  });
});

describe('participants and communications', () => {
  test('come in the API’s order, counted from 0; a repeated id is one row, the first', () => {
    const { participants, communications } = rowsOf({
      participants: [{ id: 'b', name: 'first' }, { id: 'a' }, { id: 'b', name: 'second', type: 'LOST' }, { id: 'c' }],
      communications: [{ id: 'y' }, { id: 'y\0' }, { id: 'y\uFFFD' }, { id: 'x' }],
    });
    expect(participants?.map(({ id, position, name }) => [id, position, name])).toEqual([
      ['b', 0, 'first'],
      ['a', 1, null],
      ['c', 2, null],
    ]);
    expect(communications?.map(({ id, position }) => [id, position])).toEqual([
      ['y', 0],
      ['y\uFFFD', 1],
      ['x', 2],
    ]);
  });

  test('addresses that the detail does not have are not an empty list', () => {
    const { participants } = rowsOf({
      participants: [
        { id: 'a' },
        { id: 'b', addressValues: null },
        { id: 'c', addressValues: [] },
        { id: 'd', addressValues: ['x', 'x'] },
      ],
    });
    expect(participants?.map(({ addresses }) => addresses)).toEqual([null, null, [], ['x']]);
  });

  test.each<[Json, string | null, Json]>([
    [{ text: 'Hello' }, 'Hello', null],
    [{ text: '' }, '', null],
    [{ text: null }, null, null],
    [{}, null, null],
    [null, null, null],
    [{ text: 'Hello', language: 'en-US' }, 'Hello', { content: { language: 'en-US' } }],
    [{ text: 5, language: null }, null, { content: { text: 5, language: null } }],
    [{ text: { text: 'deep' } }, null, { content: { text: { text: 'deep' } } }],
    ['Hello', null, { content: 'Hello' }],
    [['Hello'], null, { content: ['Hello'] }],
    [7, null, { content: 7 }],
    [{ text: 'Hello', content: { text: 'inner' } }, 'Hello', { content: { content: { text: 'inner' } } }],
  ])('content %j has the text %j', (content, text, extra) => {
    const [row] = rowsOf({ communications: [{ id: 'c', content }] }).communications ?? [];
    expect(row?.text).toBe(text);
    expect(JSON.parse(row?.extra ?? 'null')).toEqual(extra);
  });

  test('content that is a number of many digits is kept as that number', () => {
    const detail = parseLossless('{"communications":[{"id":"c","content":12345678901234567890}]}') as JsonObject;
    expect(rowsOf(detail).communications?.[0]?.extra).toBe('{"content":12345678901234567890}');
  });

  test('content holding a key named __proto__', () => {
    const detail = JSON.parse('{"communications":[{"id":"c","content":{"text":"t","__proto__":{"x":1}}}]}');
    expect(rowsOf(detail).communications?.[0]).toMatchObject({ text: 't', extra: '{"content":{"__proto__":{"x":1}}}' });
  });

  test('fields that lie as columns of another table stay in extra', () => {
    const detail = {
      participants: [{ id: 'p', participantId: 'x', position: 9, createdAt: 'yesterday', extra: { a: 1 } }],
    };
    expect(JSON.parse(rowsOf(detail).participants?.[0]?.extra ?? '')).toEqual({
      participantId: 'x',
      position: 9,
      createdAt: 'yesterday',
      extra: { a: 1 },
    });
  });
});

describe('nothing the API said is thrown away', () => {
  const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 6 }), fc.constantFrom('\0', '\uD800', '', 'NULL', '{}'));
  const number = fc.constantFrom<Json>(0, -1.5, parseLossless('12345678901234567890'), parseLossless('1e400'));
  const leaf = fc.oneof(text, number, fc.boolean(), fc.constant(null));
  const names = fc.constantFrom('new', 'text', 'id', 'content', '__proto__', 'toString', '');
  const { value: any } = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      leaf as fc.Arbitrary<Json>,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(names, tie('value'), { maxKeys: 3 }).map((object) => ({ ...object })),
    ),
  }));
  const strings = fc.array(text, { maxLength: 4 });
  const field = (usual: fc.Arbitrary<Json>) => fc.oneof({ weight: 3, arbitrary: usual }, any);
  const time = fc.constantFrom<Json>(null, '2026-06-08T20:41:53.788355855Z');
  const id = fc.stringMatching(/^[a-z]{1,8}$/);
  const unknown = fc.dictionary(fc.constantFrom('new', 'extra', 'position', '__proto__'), any, { maxKeys: 2 });
  const record = (fields: Record<string, fc.Arbitrary<Json>>, requiredKeys: string[]) =>
    fc.tuple(fc.record(fields, { requiredKeys }), unknown).map(([known, more]): JsonObject => ({ ...known, ...more }));
  const children = (fields: Record<string, fc.Arbitrary<Json>>) =>
    fc.option(fc.uniqueArray(record({ id, ...fields }, ['id']), { maxLength: 3, selector: (child) => child['id'] }), {
      nil: null,
    });
  const detail = record(
    {
      id: fc.constant('a'),
      createdAt: fc.constant(always.createdAt),
      updatedAt: time,
      ...Object.fromEntries(
        ['accountId', 'name', 'status', 'conversationConfigurationId'].map((name) => [name, field(text)]),
      ),
      ...Object.fromEntries(
        ['channels', 'channelIds', 'intelligenceConfigurationIds', 'operatorResultIds'].map((name) => [
          name,
          field(strings),
        ]),
      ),
      participants: children({ name: field(text), type: field(text), addressValues: field(strings) }),
      communications: children({
        participantId: field(text),
        content: field(record({ text: field(text) }, [])),
        createdAt: time,
      }),
    },
    ['id', 'createdAt'],
  );

  test('every leaf of any detail is in a column or in extra', () => {
    fc.assert(
      fc.property(detail, (raw) => {
        const rows = conversationOf(normalize(decodeDetail('GET detail', 'a', raw), false));
        const stored = new Set(leavesOfRows(rows));
        expect([...leaves(raw)].filter((each) => !stored.has(each))).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });

  test('and nothing is stored that it did not say', () => {
    fc.assert(
      fc.property(detail, (raw) => {
        const said = new Set(leaves(raw));
        const rows = conversationOf(normalize(decodeDetail('GET detail', 'a', raw), false));
        expect([...leavesOfRows(rows)].filter((each) => !said.has(each))).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });
});

/** What a value says, as text: path and value of each leaf. The place in an array does not count, times are cut, null says nothing. */
function* leaves(value: Json, path = ''): Generator<string> {
  if (Array.isArray(value)) for (const each of value) yield* leaves(each, `${path}[]`);
  else if (isJsonObject(value) && !isRawNumber(value)) {
    for (const [name, each] of Object.entries(value)) yield* leaves(each, `${path}.${storableText(name)}`);
  } else if (value !== null) {
    const text = typeof value === 'string' ? storableText(value) : value;
    const time = /^\.(communications\[\]\.)?(createdAt|updatedAt)$/.test(path) && typeof text === 'string';
    yield `${path} = ${JSON.stringify(time ? text.slice(0, 26) : text)}`;
  }
}

/** The same of rows: each column under the name its field has, and extra under the object it belongs to. */
function* leavesOfRows({ extra, participants, communications, ...columns }: ConversationRows): Generator<string> {
  const more = (text: string | null) => (text === null ? null : parseLossless(text));
  yield* leaves({ ...columns });
  yield* leaves(more(extra));
  for (const { position: _position, addresses, extra: rest, ...row } of participants ?? []) {
    yield* leaves({ ...row, addressValues: addresses }, '.participants[]');
    yield* leaves(more(rest), '.participants[]');
  }
  for (const { position: _position, text, extra: rest, ...row } of communications ?? []) {
    yield* leaves({ ...row, content: { text } }, '.communications[]');
    yield* leaves(more(rest), '.communications[]');
  }
}

describe('a key that no index can hold', () => {
  const long = 'é'.repeat(maxKeyBytes / 2);

  test.each<[string, JsonObject]>([
    ['channels', { channels: ['a', long] }],
    ['channelIds', { channelIds: [long] }],
    ['intelligenceConfigurationIds', { intelligenceConfigurationIds: [long] }],
    ['operatorResultIds', { operatorResultIds: [long] }],
    ['participants', { participants: [{ id: long }] }],
    ['participants.addressValues', { participants: [{ id: 'pp', addressValues: [long.slice(1)] }] }],
    ['communications', { communications: [{ id: long }] }],
  ])('in %s is refused, and not quoted', (what, fields) => {
    expect(() => rowsOf(fields)).toThrow(Unstorable);
    expect(() => rowsOf(fields)).toThrow(`${what}: a key of `);
    expect(() => rowsOf(fields)).not.toThrow('é');
  });

  test('counts bytes of all its columns together; the longest that fits is taken', () => {
    const fits = `${long.slice(1)}x`;
    expect(rowsOf({ channels: [fits] }).channels).toEqual([fits]);
    expect(() => rowsOf({ channels: [`${fits}x`] })).toThrow(`channels: a key of ${maxKeyBytes + 1} bytes`);
  });

  test('long texts that are no key are no trouble', () => {
    const text = 'x'.repeat(100_000);
    expect(rowsOf({ name: text, communications: [{ id: 'c', content: { text } }] }).name).toBe(text);
  });
});
