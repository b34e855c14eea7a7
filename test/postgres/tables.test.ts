// The tables as loading knows them, held to the schema that the database was made from.

import { getTableColumns, getTableName, is } from 'drizzle-orm';
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core';
import { describe, expect, test } from 'vitest';
import * as schema from '../../src/postgres/schema.ts';
import * as tables from '../../src/postgres/tables.ts';
import {
  childStatement,
  conversationStatement,
  differenceStatement,
  insertStatement,
  type Table,
} from '../../src/postgres/tables.ts';

const { conversations } = tables;
const all = Object.values(tables).filter((each): each is Table => typeof each === 'object' && 'name' in each);
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

const typeNames: Record<string, string> = { integer: 'int4', 'timestamp with time zone': 'timestamptz' };

test('every table of the schema is loaded, and no other', () => {
  expect(all.map(({ name }) => name).sort()).toEqual([...byName.keys()].sort());
});

describe.each(all.map((table) => [table.name, table] as const))('%s', (_name, table) => {
  const columns = Object.values(getTableColumns(schemaOf(table)));

  test('has the columns of the schema with their types, but for what loading itself says', () => {
    const own = ['first_synced_at', 'synced_at', 'deleted_at'];
    const expected = columns
      .filter(({ name }) => table !== conversations || !own.includes(name))
      .map((column) => [column.name, typeNames[column.getSQLType()] ?? column.getSQLType()]);
    expect(Object.entries(table.columns)).toEqual(expected);
  });

  test('has its primary key, beginning with the conversation, and a scope within it', () => {
    const { primaryKeys } = getTableConfig(schemaOf(table));
    const single = columns.filter(({ primary }) => primary).map(({ name }) => name);
    expect(table.key).toEqual(primaryKeys[0]?.columns.map(({ name }) => name) ?? single);
    expect(table.key[0]).toBe(table === conversations ? 'id' : 'conversation_id');
    expect(table.key.slice(0, table.scope.length)).toEqual(table.scope);
  });
});

test('as many parameters are used as there are columns and scope columns', () => {
  const highest = (statement: string) => Math.max(...[...statement.matchAll(/\$(\d+)/g)].map(([, at]) => Number(at)));
  for (const table of children) {
    const count = Object.keys(table.columns).length + table.scope.length;
    expect(highest(childStatement(table))).toBe(count);
    expect(highest(differenceStatement(table))).toBe(count);
    expect(highest(insertStatement(table))).toBe(Object.keys(table.columns).length);
  }
  expect(highest(conversationStatement())).toBe(Object.keys(conversations.columns).length);
  expect(highest(differenceStatement(conversations))).toBe(Object.keys(conversations.columns).length);
});
