// Operator results as rows: a page or an answer in, everything that follows from it written in one transaction. Results of
// conversations that are not stored, or are gone, are passed over.

import { isJsonObject } from '../lib/json.ts';
import type { Mask } from '../sync/mask.ts';
import type { Packed } from '../sync/model.ts';
import { createNormalizer } from '../sync/normalize.ts';
import type { Named, ResultDue, ResultItem, ResultLoad } from '../sync/result-model.ts';
import { tablesOf } from '../sync/tables.ts';
import type { Queries } from './database.ts';
import { fromMicroseconds } from './instant.ts';
import { createPacker } from './pack.ts';
import { dropServed, noteBad, noteFailed, noteGone, pairs } from './results-due.ts';
import { type Brake, moveHead, moveWalk } from './results-walks.ts';
import { mergeStatement, namesStatement } from './statements.ts';

/** A new result is in its conversation's list a while later; an open conversation is fetched by each tick anyway. */
const noticeSeconds = 60;
const overlapSeconds = 600;
/** Of a page of 1,000, only so many are in memory as rows, too. */
const writtenAtOnce = 250;

/** See ResultsStore.load; its transaction has taken the lease's row. @returns how many results were written. */
export async function loadResults(
  queries: Queries,
  stamp: bigint,
  load: ResultLoad,
  now: number,
  isTooMany: Brake,
  mask: Mask,
): Promise<number> {
  const { head, walk, gone = [], failed = [], served = [], bad = [] } = load;
  const stored = await storedConversations(queries, load);
  const shown = [...new Map(load.items.map((item) => [`${item.conversationId} ${item.id}`, item])).values()].filter(
    ({ conversationId }) => stored.has(conversationId),
  );
  const items = load.foundBy === 'head' ? await notStored(queries, shown) : shown;
  const written = await writeResults(queries, items, mask);
  const changed = new Set(written.conversations);
  for (const id of await deleteGone(queries, gone)) changed.add(id);
  if (changed.size > 0)
    await queries.sql(`update twilio.conversations set synced_at = ${fromMicroseconds('$2')} where id = any($1)`, [
      [...changed],
      stamp,
    ]);
  await Promise.all([
    dropServed(queries, [...served, ...shown], [...gone, ...failed.map(({ due }) => due)]),
    noteGone(queries, gone, now),
    noteFailed(queries, failed, now),
    noteBad(queries, bad, now),
    askForLinks(
      queries,
      items.filter(({ conversationId: id }) => changed.has(id) && stored.get(id) === 'CLOSED'),
      now,
    ),
    load.foundBy === 'request' ? giveUpWhereMissed(queries, items, served) : null,
    head && moveHead(queries, head),
  ]);
  if (walk !== undefined) await moveWalk(queries, walk, load.items.length, now, isTooMany);
  return written.results;
}

async function storedConversations(queries: Queries, { items }: ResultLoad): Promise<Map<string, string | null>> {
  if (items.length === 0) return new Map();
  const rows = await queries.sql<{ id: string; status: string | null }>(
    'select id, status from twilio.conversations where id = any($1) and deleted_at is null',
    [[...new Set(items.map(({ conversationId }) => conversationId))]],
  );
  return new Map(rows.map(({ id, status }) => [id, status]));
}

/** A result is written once. Each tick is shown those of the last minutes again, and need not compare them. */
async function notStored(queries: Queries, items: ResultItem[]): Promise<ResultItem[]> {
  if (items.length === 0) return [];
  const rows = await queries.sql<{ at: number }>(
    `select at::int as at from unnest($1::text[], $2::text[]) with ordinality as shown(conversation_id, id, at)
     where not exists (select from twilio.operator_results stored
       where stored.conversation_id = shown.conversation_id and stored.id = shown.id)`,
    pairs(items),
  );
  return rows.flatMap(({ at }) => items[at - 1] ?? []);
}

const normalizeResult = createNormalizer(tablesOf.operatorResult);
export const packer = createPacker(tablesOf.operatorResult);

/** Makes rows of results. */
export function packResults(items: ResultItem[], mask: Mask): Packed[] {
  return items.map(({ raw }) => {
    const rows = normalizeResult(raw);
    mask.blank(rows, tablesOf.operatorResult);
    return packer.pack(rows);
  });
}

/** Writes results that are new or differ. @returns how many those were, and of which conversations anything was written. */
async function writeResults(
  queries: Queries,
  items: ResultItem[],
  mask: Mask,
): Promise<{ results: number; conversations: string[] }> {
  const written = { results: 0, conversations: [] as string[] };
  for (let at = 0; at < items.length; at += writtenAtOnce) {
    const packed = packResults(items.slice(at, at + writtenAtOnce), mask);
    // A reference needs its result.
    const touched = await Promise.all(
      packer
        .arrays(packed, tablesOf.operatorResult)
        .map(({ table, columns, scope }) =>
          queries.sql<{ id: string }>(mergeStatement(table), [...columns, ...scope], `twilio.${table.name}`),
        ),
    );
    written.results += touched[0]?.length ?? 0;
    written.conversations.push(...touched.flat().map(({ id }) => id));
  }
  return written;
}

/** Deletes what is neither listed nor linked, and 404. */
async function deleteGone(queries: Queries, gone: ResultDue[]): Promise<string[]> {
  const lost = gone.filter(({ reason }) => reason !== 'linked');
  if (lost.length === 0) return [];
  const rows = await queries.sql<{ id: string }>(
    `delete from twilio.operator_results stored using unnest($1::text[], $2::text[]) as gone(conversation_id, id)
     where stored.conversation_id = gone.conversation_id and stored.id = gone.id returning stored.conversation_id as id`,
    pairs(lost),
  );
  return rows.map(({ id }) => id);
}

/**
 * A closed conversation is not fetched by ticks: where it does not name a result yet, it is fetched once a minute later, for
 * all its new results together, and once more; then what it shows is the truth.
 */
async function askForLinks(queries: Queries, items: ResultItem[], now: number): Promise<void> {
  if (items.length === 0) return;
  await queries.sql(
    `insert into twilio_sync.due (conversation_id, reason, due_at, attempts, wants)
     select conversation_id, 'behind', to_timestamp($3::float8 + ${noticeSeconds}), 2,
       jsonb_build_object('updatedAt', null, 'arrays', '[]'::jsonb, 'operatorResultIds', jsonb_agg(id))
     from unnest($1::text[], $2::text[]) as found(conversation_id, id), twilio_sync.lease
     where not exists (select from twilio.operator_result_links link
       where link.conversation_id = found.conversation_id and link.operator_result_id = found.id)
     group by conversation_id
     on conflict (conversation_id, reason) do update set number = excluded.number, wants = jsonb_set(
       coalesce(due.wants, excluded.wants), '{operatorResultIds}', coalesce(due.wants -> 'operatorResultIds', '[]') || (excluded.wants -> 'operatorResultIds'))`,
    [...pairs(items), now],
  );
}

/**
 * A result that had to be asked for although the newest part of the list should have shown it. One that was shown and could
 * not be stored, or that a rest which is still to be read may show, says nothing.
 */
async function giveUpWhereMissed(queries: Queries, items: ResultItem[], served: ResultDue[]): Promise<void> {
  const first = new Set(
    served
      .filter(({ reason, attempts }) => reason === 'linked' && attempts === 0)
      .map(({ conversationId, id }) => `${conversationId} ${id}`),
  );
  const missed = items.filter(({ conversationId, id }) => first.has(`${conversationId} ${id}`));
  if (missed.length === 0) return;
  await queries.sql(
    `update twilio_sync.results_head set given_up = 'the list of operator results did not show one when it was made'
     where given_up is null and not exists (select from twilio_sync.results_walks where kind = 'rest' and ended_at is null) and exists (
       select from twilio.operator_results found join twilio.conversations on conversations.id = found.conversation_id
       join unnest($1::text[], $2::text[]) as asked(conversation_id, id) on asked.conversation_id = found.conversation_id and asked.id = found.id
       where found.created_at > followed_since + interval '${overlapSeconds} s' and found.created_at < mark - interval '${overlapSeconds} s'
         and conversations.first_synced_at + interval '${overlapSeconds} s' < found.created_at)`,
    pairs(missed),
  );
}

/** See ResultsStore.putNames. */
export async function putNames(
  queries: Queries,
  stamp: bigint,
  table: 'operators' | 'intelligence_configurations',
  all: Named[],
): Promise<void> {
  const tables = table === 'operators' ? tablesOf.operator : tablesOf.configuration;
  const namer = createPacker(tables);
  const normalize = createNormalizer(tables);
  const packed = all.flatMap(({ raw }) => (isJsonObject(raw) ? [namer.pack(normalize(raw))] : []));
  for (const { table: of, columns } of namer.arrays(packed, tables))
    await queries.sql(namesStatement(of), columns, `twilio.${table}`);
  await queries.sql(
    `update twilio.${table} set deleted_at = ${fromMicroseconds('$2')}, synced_at = ${fromMicroseconds('$2')} where deleted_at is null and id <> all($1)`,
    [all.map(({ id }) => id), stamp],
  );
}
