// The API's operator results in, differences from the stored ones out: result, table and column, never what is in it. Reads only.

import type { Mask } from '../sync/mask.ts';
import type { ResultDifference, ResultItem } from '../sync/result-model.ts';
import { tablesOf } from '../sync/tables.ts';
import type { Queries } from './database.ts';
import { packer, packResults } from './results.ts';
import { pairs } from './results-due.ts';
import { differenceStatement } from './statements.ts';

/** See ResultsStore.compare. */
export async function compareResults(
  queries: Queries,
  conversationIds: string[],
  items: ResultItem[],
  mask: Mask,
): Promise<ResultDifference[]> {
  if (conversationIds.length === 0) return [];
  const unique = [...new Map(items.map((item) => [JSON.stringify([item.conversationId, item.id]), item])).values()];
  const found = await queries.sql<Omit<ResultDifference, 'due'>>(
    `select stored.conversation_id as "conversationId", stored.id as "resultId", 'operator_results.row too many' as place
     from twilio.operator_results stored
     where stored.conversation_id = any($1) and not exists (
       select from unnest($2::text[], $3::text[]) as listed(conversation_id, id)
       where listed.conversation_id = stored.conversation_id and listed.id = stored.id)`,
    [conversationIds, ...pairs(unique)],
  );
  const packed = packResults(unique, mask);
  for (const { table, columns, scope } of packer.arrays(packed, tablesOf.operatorResult)) {
    const rows = await queries.sql<{ id: string; part: string; place: string }>(differenceStatement(table), [
      ...columns,
      ...scope,
    ]);
    for (const { id, part, place } of rows)
      found.push({ conversationId: id, resultId: part, place: `${table.name}.${place}` });
  }
  return found.length === 0 ? [] : await withDue(queries, found);
}

async function withDue(queries: Queries, found: Omit<ResultDifference, 'due'>[]): Promise<ResultDifference[]> {
  const rows = await queries.sql<{ conversationId: string; id: string; failed: boolean }>(
    `select conversation_id as "conversationId", operator_result_id as id, error is not null as failed from twilio_sync.results_due
     where conversation_id = any($1) and reason <> 'gone'`,
    [found.map(({ conversationId }) => conversationId)],
  );
  const due = new Map(rows.map(({ conversationId, id, failed }) => [JSON.stringify([conversationId, id]), failed]));
  return found.map((each) => {
    const failed =
      due.get(JSON.stringify([each.conversationId, each.resultId])) ??
      due.get(JSON.stringify([each.conversationId, '']));
    return { ...each, due: failed === undefined ? null : failed ? 'failed' : 'due' };
  });
}

/** See ResultsStore.idsOf. */
export async function readResultIds(queries: Queries, conversationId: string): Promise<string[]> {
  const rows = await queries.sql<{ id: string }>(
    `select id from twilio.operator_results where conversation_id = $1
     union select operator_result_id from twilio.operator_result_links where conversation_id = $1`,
    [conversationId],
  );
  return rows.map(({ id }) => id);
}
