// What follows from a descriptor alone, on tables of another object than the conversation.

import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../src/lib/json.ts';
import { rawNumber } from '../../src/lib/lossless-json.ts';
import { createNormalizer } from '../../src/sync/normalize.ts';
import { ofParent, rest, type Table, text } from '../../src/sync/tables.ts';
import { exampleTables, resultOf } from './example-tables.ts';
import { rowsIn } from './rows.ts';

const normalize = createNormalizer(exampleTables);
const [results, references] = exampleTables as [Table, Table];

function rowsOf(fields: JsonObject = {}) {
  const [own, links] = normalize(resultOf(fields));
  if (own === undefined || links === undefined) throw new Error('a table has no rows');
  const [row] = rowsIn(results, own);
  return {
    row: row ?? {},
    extra: JSON.parse(String(row?.['extra'] ?? null)),
    links,
    references: rowsIn(references, links),
  };
}

const channels = { executionDetails: { channels: ['VOICE'] } };
const big = rawNumber('12345678901234567890') as unknown as Json;

test('nested fields are in their columns, and only what is left of their objects is in extra', () => {
  const { row, extra, links } = rowsOf();
  expect(row).toMatchObject({
    conversation_id: 'conv',
    id: 'r',
    operator_id: 'op',
    operator_version: 3,
    label: 'sad',
    result: '{"label":"sad","score":0.1234567890123456789}',
    triggered_at: '2026-06-08T20:41:53.788355Z',
    input_truncated: false,
  });
  expect(extra).toEqual(channels);
  expect(rowsOf().references).toEqual([
    { conversation_id: 'conv', operator_result_id: 'r', reference_id: 'x' },
    { conversation_id: 'conv', operator_result_id: 'r', reference_id: 'y' },
  ]);
  expect(links).toMatchObject({ complete: true, scope: [['conv'], ['r']] });
});

describe('extra', () => {
  test.each<[string, JsonObject, Json]>([
    ['an object of which nothing is left is left out', { executionDetails: { trigger: {} } }, null],
    ['a null where an object is expected is left out', { executionDetails: null, operator: null }, null],
    [
      'another null stays',
      { executionDetails: { trigger: { on: null } } },
      { executionDetails: { trigger: { on: null } } },
    ],
    ['no object where one is expected', { operator: 5 }, { operator: 5, ...channels }],
    ['an array where an object is expected', { operator: ['op'] }, { operator: ['op'], ...channels }],
    ['a text that is no text', { operator: { id: 5, version: 3 } }, { operator: { id: 5 }, ...channels }],
    [
      'a time that is none',
      { executionDetails: { trigger: { timestamp: 'noon' } } },
      { executionDetails: { trigger: { timestamp: 'noon' } } },
    ],
    [
      'a boolean that is none',
      { metadata: { system: { inputTruncated: 0 } } },
      { metadata: { system: { inputTruncated: 0 } }, ...channels },
    ],
    ['elements that are no keys', { referenceIds: ['x', 5] }, { referenceIds: ['x', 5], ...channels }],
    [
      'a field nobody knows, inside',
      { operator: { id: 'op', version: 3, parameters: {} } },
      { operator: { parameters: {} }, ...channels },
    ],
  ])('%s', (_name, fields, expected) => {
    expect(rowsOf(fields).extra).toEqual(expected);
  });
});

test.each<[Json, number | null]>([
  [0, 0],
  [-(2 ** 31), -(2 ** 31)],
  [2 ** 31 - 1, 2 ** 31 - 1],
  [2 ** 31, null],
  [1.5, null],
  ['3', null],
  [true, null],
  [null, null],
])('a version of %j is the integer %j, or stays in extra', (version, expected) => {
  const { row, extra } = rowsOf({ operator: { id: 'op', version } });
  expect(row['operator_version']).toBe(expected);
  expect(extra).toEqual(expected === null && version !== null ? { operator: { version }, ...channels } : channels);
});

test('a number of too many digits is no integer, and keeps its digits', () => {
  const { row } = rowsOf({ operator: { version: big } });
  expect(row).toMatchObject({ operator_version: null });
  expect(row['extra']).toContain('{"operator":{"version":12345678901234567890}');
});

test.each<[Json, string | null, string | null]>([
  [{ label: 'sad' }, 'sad', '{"label":"sad"}'],
  ['sad', 'sad', '"sad"'],
  [{ label: 5 }, null, '{"label":5}'],
  [big, null, '12345678901234567890'],
  [['a\0', null], null, '["a\uFFFD",null]'],
  [null, null, null],
])('a result of %j is stored whole, and its label is %j', (result, label, stored) => {
  const { row, extra } = rowsOf({ result });
  expect(row).toMatchObject({ label, result: stored });
  expect(extra).toEqual(channels);
});

test('an array that the object does not have says nothing of its rows', () => {
  expect(rowsOf({ referenceIds: null }).links).toMatchObject({ complete: false, scopes: 0, rows: 0 });
  expect(rowsOf({ referenceIds: [] }).links).toMatchObject({ complete: true, scopes: 1, rows: 0 });
});

test('an object without a key is refused', () => {
  expect(() => rowsOf({ id: null })).toThrow('id: is missing');
});

test.each<[string, Partial<Table>]>([
  ['its columns begin with its key', { columns: { b: text('b'), a: text('a') } }],
  ['its key ends in a text of its rows', { columns: { a: ofParent, extra: rest } }],
  ['the column of the rest comes last', { columns: { a: text('a'), extra: rest, b: text('b') } }],
  ["its key is its parent's and one column more", { parent: { table: results, array: 'a' } }],
])('a descriptor is refused unless %s', (reason, fields) => {
  const table: Table = { name: 't', key: ['a'], columns: { a: text('a') }, ...fields };
  expect(() => createNormalizer([table])).toThrow(`t: ${reason}`);
});
