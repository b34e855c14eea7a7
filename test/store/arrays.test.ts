// Rows of many conversations as one array a column: every row in its place, and what a detail did not say out of scope.

import { describe, expect, test } from 'vitest';
import { childArrays, conversationArrays } from '../../src/store/arrays.ts';
import * as tables from '../../src/store/tables.ts';
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

const parametersOf = (table: tables.Table, ...all: ConversationRows[]) => {
  const found = childArrays(all).find((part) => part.table === table);
  return found && [...found.columns, ...found.scope];
};

describe('conversations', () => {
  test('one array a column, in the order of the statement’s columns', () => {
    const whole = rowsOf('a', {
      accountId: 'AC',
      name: 'n',
      status: 's',
      conversationConfigurationId: 'c',
      updatedAt: 'u',
      extra: '{}',
    });
    const arrays = conversationArrays([whole, rowsOf('b')]);
    expect(arrays).toEqual([
      ['a', 'b'],
      ['AC', null],
      ['n', null],
      ['s', null],
      ['c', null],
      [whole.createdAt, whole.createdAt],
      ['u', null],
      ['{}', null],
    ]);
    expect(arrays).toHaveLength(Object.keys(tables.conversations.columns).length);
  });

  test('none are as many empty arrays', () => {
    expect(conversationArrays([])).toEqual(Object.keys(tables.conversations.columns).map(() => []));
  });
});

describe('children', () => {
  test('what no detail said asks for no statement', () => {
    expect(childArrays([])).toEqual([]);
    expect(childArrays([rowsOf('a'), rowsOf('b')])).toEqual([]);
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
    const communications = [{ id: 'm', position: 3, participantId: 'p', text: 't', createdAt: 'x', extra: '{"a":1}' }];
    const one = rowsOf('a', { communications, participants: [participant('p')] });
    expect(parametersOf(tables.communications, one)).toEqual([
      ['a'],
      ['m'],
      [3],
      ['p'],
      ['t'],
      ['x'],
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
    const parts = childArrays([one]);
    for (const { table, columns, scope } of parts) {
      expect(columns).toHaveLength(Object.keys(table.columns).length);
      expect(scope).toHaveLength(table.scope.length);
    }
    const order = parts.map(({ table }) => table.name);
    expect(order).toHaveLength(7);
    expect(order.indexOf('participants')).toBeLessThan(order.indexOf('participant_addresses'));
  });
});
