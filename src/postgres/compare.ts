// Rows of answers in, what is stored otherwise out: by conversation, the places in which they differ. Reads only, and
// names tables and columns, never what is in them.

import type { Packed } from '../sync/model.ts';
import type { Queries } from './database.ts';
import { childArrays, conversationArrays } from './pack.ts';
import { conversations, differenceStatement } from './tables.ts';

/** See Store.compare. */
export async function readDifferences(queries: Queries, rows: Packed[]): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  const parts = [{ table: conversations, columns: conversationArrays(rows), scope: [] }, ...childArrays(rows)];
  for (const { table, columns, scope } of parts) {
    const parameters = [...columns, ...scope];
    const differing = await queries.sql<{ id: string; place: string }>(differenceStatement(table), parameters);
    for (const { id, place } of differing) {
      found.set(id, [...new Set([...(found.get(id) ?? []), `${table.name}.${place}`])]);
    }
  }
  return found;
}
