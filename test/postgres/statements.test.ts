// The tables' descriptors compared with the schema, and the statements that follow from them.

import { getTableColumns, getTableName, is } from 'drizzle-orm';
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core';
import { describe, expect, test } from 'vitest';
import * as schema from '../../src/postgres/schema.ts';
import {
  conversationStatement,
  differenceStatement,
  insertStatement,
  mergeStatement,
} from '../../src/postgres/statements.ts';
import { conversations, scopeOf, type Table, tablesOf } from '../../src/sync/tables.ts';
import { exampleTables } from '../sync/example-tables.ts';

const all: readonly Table[] = Object.values(tablesOf).flat();
const children = all.filter((table) => table !== conversations);
const byName = new Map<string, PgTable>(
  Object.values(schema)
    .filter((each) => is(each, PgTable))
    .map((each) => [getTableName(each), each]),
);

function schemaOf({ name }: Table): PgTable {
  const found = byName.get(name);
  if (found === undefined) throw new Error(`there is no table ${name}`);
  return found;
}

const typeNames: Record<string, string> = { 'timestamp with time zone': 'timestamptz' };

test('every table of the schema is loaded, and no other', () => {
  expect(all.map(({ name }) => name).sort()).toEqual([...byName.keys()].sort());
});

describe.each(all.map((table) => [table.name, table] as const))('%s', (_name, table) => {
  const columns = Object.values(getTableColumns(schemaOf(table)));

  test('has the columns of the schema with their types, but for what loading itself says', () => {
    const own = ['first_synced_at', 'synced_at', 'deleted_at'];
    const expected = columns
      .filter(({ name }) => table.key.length > 1 || !own.includes(name))
      .map((column) => [column.name, typeNames[column.getSQLType()] ?? column.getSQLType()]);
    expect(Object.entries(table.columns).map(([name, { type }]) => [name, type])).toEqual(expected);
  });

  test('has its primary key, which begins with the conversation where it is of one', () => {
    const { primaryKeys } = getTableConfig(schemaOf(table));
    const single = columns.filter(({ primary }) => primary).map(({ name }) => name);
    expect(table.key).toEqual(primaryKeys[0]?.columns.map(({ name }) => name) ?? single);
    expect(table.key[0]).toBe(table.key.length === 1 ? 'id' : 'conversation_id');
  });
});

test('every table of objects keeps the fields that have no column', () => {
  const ofObjects = all.filter(({ columns }) => Object.values(columns).some(({ from }) => from === 'field'));
  expect(ofObjects.filter(({ columns }) => columns['extra']?.from !== 'rest')).toEqual([]);
});

test('as many parameters are used as there are columns and scope columns', () => {
  const highest = (statement: string) => Math.max(...[...statement.matchAll(/\$(\d+)/g)].map(([, at]) => Number(at)));
  for (const table of [...children, ...exampleTables]) {
    const count = Object.keys(table.columns).length + scopeOf(table).length;
    expect(highest(mergeStatement(table))).toBe(count);
    expect(highest(differenceStatement(table))).toBe(count);
    expect(highest(insertStatement(table))).toBe(Object.keys(table.columns).length);
  }
  expect(highest(conversationStatement())).toBe(Object.keys(conversations.columns).length);
  expect(highest(differenceStatement(conversations))).toBe(Object.keys(conversations.columns).length);
});
