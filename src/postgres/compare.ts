// The API's rows in, differences from the stored rows out: for each conversation, the tables and columns that differ.
// Only reads, and never shows what is in a column.

import type { Packed } from '../sync/model.ts';
import type { Queries } from './database.ts';
import { childArrays, conversationArrays } from './pack.ts';
import { differenceStatement } from './statements.ts';

/** See Store.compare. */
export async function readDifferences(queries: Queries, rows: Packed[]): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (const { table, columns, scope } of [...conversationArrays(rows), ...childArrays(rows)]) {
    const parameters = [...columns, ...scope];
    const differing = await queries.sql<{ id: string; place: string }>(differenceStatement(table), parameters);
    for (const { id, place } of differing) {
      found.set(id, [...new Set([...(found.get(id) ?? []), `${table.name}.${place}`])]);
    }
  }
  return found;
}
