// The API's rows in, differences from the stored rows out: for each conversation, the tables and columns that differ.
// Only reads, and never shows what is in a column.

import type { Mask } from '../sync/mask.ts';
import type { Packed } from '../sync/model.ts';
import type { Queries } from './database.ts';
import { findWrongMetrics } from './metrics.ts';
import { childArrays, conversationArrays } from './pack.ts';
import { differenceStatement } from './statements.ts';

/** See Store.compare. */
export async function readDifferences(queries: Queries, rows: Packed[], mask: Mask): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  const computed = new Map<string, string[]>();
  for (const { table, columns, scope } of [...conversationArrays(rows), ...childArrays(rows)]) {
    const parameters = [...columns, ...scope];
    const differing = await queries.sql<{ id: string; place: string }>(differenceStatement(table), parameters);
    for (const { id, place } of differing) {
      const kind = table.columns[place]?.from === 'computed' ? computed : found;
      kind.set(id, [...new Set([...(kind.get(id) ?? []), `${table.name}.${place}`])]);
    }
  }
  // Of these the answer does not say all: what is computed of the stored rows has to be right.
  const partly = rows.filter(({ children }) => children === null).map(({ id }) => id);
  for (const id of await findWrongMetrics(queries, partly, mask)) computed.set(id, ['conversation_metrics']);
  // Where anything else differs, so does what is computed of it.
  return new Map([...computed, ...found]);
}
