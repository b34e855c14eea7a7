// Conversations packed and put together as one array a column: every row in its place, and what a detail did not say out
// of scope. What Postgres makes of the bytes is asked of Postgres (binary.pg.test.ts).

import { describe, expect, test } from 'vitest';
import { childArrays, conversationArrays, pack } from '../../src/postgres/pack.ts';
import * as tables from '../../src/postgres/tables.ts';
import type { ConversationRows } from '../../src/sync/normalize.ts';

function rowsOf(id: string, fields: Partial<ConversationRows> = {}): ConversationRows {
  return {
    id,
    accountId: null,
    name: null,
    status: null,
    conversationConfigurationId: null,
    createdAt: '2026-06-08T20:41:53.000000Z',
    updatedAt: null,
    extra: null,
    channels: null,
    channelIds: null,
    intelligenceConfigurationIds: null,
    operatorResultIds: null,
    participants: null,
    communications: null,
    ...fields,
  };
}

const participant = (id: string, addresses: string[] | null = null) => ({
  id,
  position: 0,
  name: `name of ${id}`,
  type: null,
  extra: null,
  addresses,
});

const childrenOf = (...all: ConversationRows[]) => childArrays(all.map(pack));

const parametersOf = (table: tables.Table, ...all: ConversationRows[]) => {
  const found = childrenOf(...all).find((part) => part.table === table);
  return found && [...found.columns, ...found.scope].map(cellsOf);
};

const readers: Record<number, (cell: Buffer) => unknown> = {
  23: (cell) => cell.readInt32BE(),
  25: (cell) => cell.toString(),
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
  test('one array a column, in the order of the statement’s columns', () => {
    const whole = rowsOf('a', {
      accountId: 'AC',
      name: 'n',
      status: 's',
      conversationConfigurationId: 'c',
      updatedAt: '2026-06-08T20:41:53.250000Z',
      extra: '{}',
    });
    const arrays = conversationArrays([whole, rowsOf('b')].map(pack)).map(cellsOf);
    expect(arrays).toEqual([
      ['a', 'b'],
      ['AC', null],
      ['n', null],
      ['s', null],
      ['c', null],
      ['2026-06-08T20:41:53.000Z', '2026-06-08T20:41:53.000Z'],
      ['2026-06-08T20:41:53.250Z', null],
      ['{}', null],
    ]);
    expect(arrays).toHaveLength(Object.keys(tables.conversations.columns).length);
  });

  test('none are as many empty arrays', () => {
    expect(conversationArrays([]).map(cellsOf)).toEqual(Object.keys(tables.conversations.columns).map(() => []));
  });
});

describe('children', () => {
  test('what no detail said asks for no statement', () => {
    expect(childrenOf()).toEqual([]);
    expect(childrenOf(rowsOf('a'), rowsOf('b'))).toEqual([]);
  });

  test('an empty array is in the scope, without a row; an absent one is in neither', () => {
    const all = [rowsOf('a', { channels: [] }), rowsOf('b'), rowsOf('c', { channels: ['SMS', 'VOICE'] })];
    expect(parametersOf(tables.channels, ...all)).toEqual([
      ['c', 'c'],
      ['SMS', 'VOICE'],
      ['a', 'c'],
    ]);
    expect(parametersOf(tables.channelIds, ...all)).toBeUndefined();
  });

  test('each table gets its own field', () => {
    const one = rowsOf('a', { channels: ['1'], channelIds: ['2'], intelligenceConfigurationIds: ['3'] });
    expect(parametersOf(tables.channels, one)?.[1]).toEqual(['1']);
    expect(parametersOf(tables.channelIds, one)?.[1]).toEqual(['2']);
    expect(parametersOf(tables.intelligenceConfigurations, one)?.[1]).toEqual(['3']);
  });

  test('results carry their place', () => {
    const parameters = parametersOf(tables.operatorResultLinks, rowsOf('a', { operatorResultIds: ['r', 'q'] }));
    expect(parameters).toEqual([['a', 'a'], ['r', 'q'], [0, 1], ['a']]);
  });

  test('communications and participants, column by column', () => {
    const communications = [
      {
        id: 'm',
        position: 3,
        participantId: 'p',
        text: 't',
        createdAt: '2026-06-08T20:41:53.000000Z',
        extra: '{"a":1}',
      },
    ];
    const one = rowsOf('a', { communications, participants: [participant('p')] });
    expect(parametersOf(tables.communications, one)).toEqual([
      ['a'],
      ['m'],
      [3],
      ['p'],
      ['t'],
      ['2026-06-08T20:41:53.000Z'],
      ['{"a":1}'],
      ['a'],
    ]);
    expect(parametersOf(tables.participants, one)).toEqual([['a'], ['p'], [0], ['name of p'], [null], [null], ['a']]);
  });

  test('addresses are known of each participant for itself', () => {
    const all = [
      rowsOf('a', { participants: [participant('p', ['1', '2']), participant('q'), participant('r', [])] }),
      rowsOf('b', { participants: [participant('p', ['3'])] }),
      rowsOf('c', { participants: [] }),
    ];
    expect(parametersOf(tables.participantAddresses, ...all)).toEqual([
      ['a', 'a', 'b'],
      ['p', 'p', 'p'],
      ['1', '2', '3'],
      ['a', 'a', 'b'],
      ['p', 'r', 'p'],
    ]);
  });

  test('every part has an array a column and one a scope column, and parents come before children', () => {
    const one = rowsOf('a', {
      channels: ['x'],
      channelIds: ['x'],
      intelligenceConfigurationIds: ['x'],
      operatorResultIds: ['x'],
      participants: [participant('p', ['x'])],
      communications: [],
    });
    const parts = childrenOf(one);
    for (const { table, rows, columns, scope } of parts) {
      expect(rows).toBe(cellsOf(columns[0] ?? Buffer.alloc(0)).length);
      expect(columns).toHaveLength(Object.keys(table.columns).length);
      expect(scope).toHaveLength(table.scope.length);
    }
    const order = parts.map(({ table }) => table.name);
    expect(order).toHaveLength(7);
    expect(order.indexOf('participants')).toBeLessThan(order.indexOf('participant_addresses'));
  });
});
