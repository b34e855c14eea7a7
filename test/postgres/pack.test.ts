// Objects packed and put together as one array for each column: every row in its place, and what an object does not say
// out of scope. What Postgres makes of the bytes is tested in binary.pg.test.ts.

import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/lib/json.ts';
import { childArrays, conversationArrays, createPacker, pack } from '../../src/postgres/pack.ts';
import { createNormalizer, normalize } from '../../src/sync/normalize.ts';
import * as tables from '../../src/sync/tables.ts';
import { decodeDetail } from '../../src/twilio/decode.ts';
import { exampleTables, resultOf } from '../sync/example-tables.ts';

const packed = (id: string, fields: JsonObject = {}) =>
  pack(normalize(decodeDetail('GET detail', id, { id, createdAt: '2026-06-08T20:41:53Z', ...fields }), false));

type Packed = ReturnType<typeof packed>;

const parametersOf = (table: tables.Table, ...all: Packed[]) => {
  const found = childArrays(all).find((part) => part.table === table);
  return found && [...found.columns, ...found.scope].map(cellsOf);
};

const readers: Record<number, (cell: Buffer) => unknown> = {
  16: (cell) => cell[0] === 1,
  23: (cell) => cell.readInt32BE(),
  25: (cell) => cell.toString(),
  701: (cell) => cell.readDoubleBE(),
  1184: (cell) => new Date(Date.UTC(2000, 0) + Number(cell.readBigInt64BE()) / 1000).toISOString(),
  3802: (cell) => (cell[0] === 1 ? cell.toString('utf8', 1) : 'of no version that is known'),
};

/** The cells of an array in Postgres' binary format: five numbers, the third its elements' type, the fourth how many there are. */
function cellsOf(array: Buffer): unknown[] {
  const read = readers[array.readInt32BE(8)];
  const cells: unknown[] = [];
  let at = 20;
  while (at < array.length) {
    const length = array.readInt32BE(at);
    at += 4;
    cells.push(length === -1 ? null : read?.(array.subarray(at, at + length)));
    at += Math.max(0, length);
  }
  expect(cells).toHaveLength(array.readInt32BE(12));
  return cells;
}

describe('conversations', () => {
  test('one array for each column, in the order of the statement’s columns', () => {
    const whole = packed('a', {
      accountId: 'AC',
      name: 'n',
      status: 's',
      conversationConfigurationId: 'c',
      updatedAt: '2026-06-08T20:41:53.25Z',
      new: 1,
    });
    const [arrays] = conversationArrays([whole, packed('b')]);
    const given = Object.values(tables.conversations.columns).findIndex(({ from }) => from === 'computed');
    expect(arrays?.columns.slice(0, given).map(cellsOf)).toEqual([
      ['a', 'b'],
      ['AC', null],
      ['n', null],
      ['s', null],
      ['c', null],
      ['2026-06-08T20:41:53.000Z', '2026-06-08T20:41:53.000Z'],
      ['2026-06-08T20:41:53.250Z', null],
      ['{"new":1}', null],
    ]);
  });

  test('none are as many empty arrays', () => {
    const columns = Object.keys(tables.conversations.columns);
    expect(conversationArrays([]).map((each) => each.columns.map(cellsOf))).toEqual([columns.map(() => [])]);
  });
});

describe('children', () => {
  test('what no detail said asks for no statement', () => {
    expect(childArrays([])).toEqual([]);
    expect(childArrays([packed('a'), packed('b')])).toEqual([]);
  });

  test('an empty array is in the scope, without a row; an absent one is in neither', () => {
    const all = [packed('a', { channels: [] }), packed('b'), packed('c', { channels: ['SMS', 'VOICE'] })];
    expect(parametersOf(tables.channels, ...all)).toEqual([
      ['c', 'c'],
      ['SMS', 'VOICE'],
      ['a', 'c'],
    ]);
    expect(parametersOf(tables.channelIds, ...all)).toBeUndefined();
  });

  test('each table gets its own field', () => {
    const one = packed('a', { channels: ['1'], channelIds: ['2'], intelligenceConfigurationIds: ['3'] });
    expect(parametersOf(tables.channels, one)?.[1]).toEqual(['1']);
    expect(parametersOf(tables.channelIds, one)?.[1]).toEqual(['2']);
    expect(parametersOf(tables.intelligenceConfigurations, one)?.[1]).toEqual(['3']);
  });

  test('results carry their place', () => {
    const parameters = parametersOf(tables.operatorResultLinks, packed('a', { operatorResultIds: ['r', 'q'] }));
    expect(parameters).toEqual([['a', 'a'], ['r', 'q'], [0, 1], ['a']]);
  });

  test('communications and participants, column by column', () => {
    const communication = { participantId: 'p', content: { text: 't' }, createdAt: '2026-06-08T20:41:53Z', a: 1 };
    const one = packed('a', {
      communications: [{ id: 'l' }, { id: 'm', ...communication }],
      participants: [{ id: 'p', name: 'Ada' }],
    });
    expect(parametersOf(tables.communications, one)).toEqual([
      ['a', 'a'],
      ['l', 'm'],
      [0, 1],
      [null, 'p'],
      [null, 't'],
      [null, '2026-06-08T20:41:53.000Z'],
      [null, '{"a":1}'],
      ['a'],
    ]);
    const participants = parametersOf(tables.participants, one) ?? [];
    expect(participants.slice(0, 6)).toEqual([['a'], ['p'], [0], ['Ada'], [null], [null]]);
    expect(participants.at(-1)).toEqual(['a']);
  });

  test('addresses are known of each participant for itself', () => {
    const all = [
      packed('a', {
        participants: [{ id: 'p', addressValues: ['1', '2'] }, { id: 'q' }, { id: 'r', addressValues: [] }],
      }),
      packed('b', { participants: [{ id: 'p', addressValues: ['3'] }] }),
      packed('c', { participants: [] }),
    ];
    expect(parametersOf(tables.participantAddresses, ...all)).toEqual([
      ['a', 'a', 'b'],
      ['p', 'p', 'p'],
      ['1', '2', '3'],
      ['a', 'a', 'b'],
      ['p', 'r', 'p'],
    ]);
  });

  const everything: JsonObject = {
    channels: ['x'],
    channelIds: ['x'],
    intelligenceConfigurationIds: ['x'],
    operatorResultIds: ['x'],
    participants: [{ id: 'p', addressValues: ['x'] }],
    communications: [],
  };

  test('every table has an array for each column and each scope column, and parents come before children', () => {
    const parts = childArrays([packed('a', everything)]);
    for (const { table, rows, columns, scope } of parts) {
      expect(rows).toBe(cellsOf(columns[0] ?? Buffer.alloc(0)).length);
      expect(columns).toHaveLength(Object.keys(table.columns).length);
      expect(scope).toHaveLength(tables.scopeOf(table).length);
    }
    const order = parts.map(({ table }) => table.name);
    expect(order).toHaveLength(7);
    expect(order.indexOf('participants')).toBeLessThan(order.indexOf('participant_addresses'));
  });

  test('are counted where the detail says all of them', () => {
    expect(packed('a', everything).children).toBe(6);
    expect(packed('a', { ...everything, channels: [] }).children).toBe(5);
    expect(packed('a', { ...everything, channels: null }).children).toBeNull();
    expect(packed('a', { ...everything, participants: [] }).children).toBe(4);
    expect(packed('a', { ...everything, participants: [{ id: 'p' }] }).children).toBeNull();
  });
});

test('tables of another object, with columns of every type', () => {
  const packer = createPacker(exampleTables);
  const normalizeResult = createNormalizer(exampleTables);
  const all = [resultOf(), resultOf({ id: 'r2', metadata: null, result: null, referenceIds: null })];
  const [results, references] = packer.arrays(
    all.map((each) => packer.pack(normalizeResult(each))),
    exampleTables,
  );
  expect(results?.columns.map(cellsOf)).toEqual([
    ['conv', 'conv'],
    ['r', 'r2'],
    ['op', 'op'],
    [3, 3],
    ['sad', null],
    ['{"label":"sad","score":0.1234567890123456789}', null],
    ['2026-06-08T20:41:53.788Z', '2026-06-08T20:41:53.788Z'],
    [false, null],
    ['{"executionDetails":{"channels":["VOICE"]}}', '{"executionDetails":{"channels":["VOICE"]}}'],
  ]);
  expect(results?.scope).toEqual([]);
  expect(references?.columns.map(cellsOf)).toEqual([
    ['conv', 'conv'],
    ['r', 'r'],
    ['x', 'y'],
  ]);
  expect(references?.scope.map(cellsOf)).toEqual([['conv'], ['r']]);
});

describe('the memory of packed rows', () => {
  const named = (id: string, length: number) => packed(id, { name: id.repeat(Math.ceil(length / id.length)) });

  test('many of all sizes are each as if they were packed alone', () => {
    const lengths = Array.from({ length: 400 }, (_, at) => (at % 50 === 49 ? 3_000_000 : (at * 7919) % 40_000));
    const all = lengths.map((length, at) => named(`conversation${at}`, length));
    const [arrays] = conversationArrays(all);
    const at = Object.keys(tables.conversations.columns).indexOf('name');
    const names = cellsOf(arrays?.columns[at] ?? Buffer.alloc(0));
    expect(names.map((name) => createHash('md5').update(String(name)).digest('hex'))).toEqual(
      lengths.map((length, nth) => {
        const id = `conversation${nth}`;
        return createHash('md5')
          .update(id.repeat(Math.ceil(length / id.length)))
          .digest('hex');
      }),
    );
  });

  test('small ones share slabs with nothing else; a large one has no more than it needs', () => {
    const [one, other] = [named('a', 100), named('b', 100)];
    if (one.bytes.buffer !== other.bytes.buffer) expect(other.bytes.byteOffset).toBe(0);
    else expect(other.bytes.byteOffset).toBe(one.bytes.byteOffset + one.bytes.length);
    expect(other.bytes.buffer).not.toBe(Buffer.from('any other buffer').buffer);
    const large = named('c', 1_000_000);
    expect(large.bytes.buffer.byteLength).toBe(large.bytes.length);
  });
});
