// Everything that this database knows of one conversation or operator result, for whoever asks why it looks as it does.
// Reads only, and none of what people said.

import type { Database, Queries } from './database.ts';
import { iso } from './instant.ts';
import { forgottenAmong } from './tombstones.ts';

export interface Why {
  id: string;
  kind: 'conversation' | 'operatorResult';
  /** The conversation, of a result that of which it is; null where nothing here says which. */
  conversationId: string | null;
  /** A person has had the conversation forgotten: it is kept out. */
  forgotten: boolean;
  conversation: StoredConversation | null;
  /** What is remembered of the last fetch; null where its detail was never stored. */
  fetched: { at: string; underPresentFilters: boolean } | null;
  /** The last complete listing of the time at which it was created. */
  listed: { sweep: string; at: string; missing: boolean } | null;
  result: StoredResult | null;
  /** Where results are kept with their content: the last complete walk over their list, and up to when its newest part was read. */
  resultsListed: { walkEndedAt: string | null; newestReadTo: string | null; refused: string | null } | null;
  /** Why the range in which it was created could not be listed when last tried; null: it could. */
  listingError: string | null;
  due: WhyDue[];
}

export interface StoredConversation {
  status: string | null;
  createdAt: string;
  updatedAt: string | null;
  firstSyncedAt: string;
  syncedAt: string;
  deletedAt: string | null;
  /** Rows by table. */
  rows: Record<string, number>;
}

export interface StoredResult {
  createdAt: string;
  operatorId: string | null;
  outputFormat: string | null;
  /** Its conversation names it. */
  linked: boolean;
}

export interface WhyDue {
  /** Of which operator result; null: the conversation itself. */
  operatorResultId: string | null;
  reason: string;
  /** Null: at no time of its own. */
  dueAt: string | null;
  attempts: number;
  error: string | null;
  firstAt: string;
  lastAt: string | null;
}

/** @returns null where nothing is known of the id. @throws DatabaseTrouble. */
export async function readWhy(database: Database, id: string): Promise<Why | null> {
  return await database.run(async (queries) => {
    const [found] = await queries.sql<{ conversationId: string; kind: Why['kind'] }>(
      `select id as "conversationId", 'conversation' as kind from twilio.conversations where id = $1
       union all select conversation_id, 'conversation' from twilio_sync.fingerprints where conversation_id = $1
       union all select conversation_id, 'conversation' from twilio_sync.due where conversation_id = $1
       union all select id, 'conversation' from (${forgottenAmong(2)}) as forgotten
       union all select conversation_id, 'operatorResult' from twilio.operator_result_links where operator_result_id = $1
       union all select conversation_id, 'operatorResult' from twilio.operator_results where id = $1
       union all select conversation_id, 'operatorResult' from twilio_sync.results_due where operator_result_id = $1
       limit 1`,
      [id, [id]],
    );
    if (found === undefined) return null;
    const { conversationId, kind } = found;
    const [[known], due, conversation, result, [resultsListed]] = await Promise.all([
      readKnown(queries, conversationId),
      readDue(queries, conversationId, kind === 'conversation' ? null : id),
      readConversation(queries, conversationId),
      kind === 'conversation' ? null : readResult(queries, conversationId, id),
      readResultsListed(queries),
    ]);
    return {
      id,
      kind,
      conversationId,
      forgotten: known?.forgotten ?? false,
      conversation,
      fetched:
        known?.fetchedAt == null ? null : { at: known.fetchedAt, underPresentFilters: known.underPresentFilters },
      listed: known?.listedAt == null ? null : { sweep: known.sweep ?? '', at: known.listedAt, missing: known.missing },
      result,
      resultsListed: resultsListed ?? null,
      listingError: known?.listingError ?? null,
      due,
    };
  });
}

interface Known {
  forgotten: boolean;
  fetchedAt: string | null;
  underPresentFilters: boolean;
  sweep: string | null;
  listedAt: string | null;
  missing: boolean;
  listingError: string | null;
}

async function readKnown(queries: Queries, id: string): Promise<Known[]> {
  return await queries.sql<Known>(
    `select exists (${forgottenAmong(2)}) as forgotten, ${iso('fetched_at')} as "fetchedAt",
       fingerprints.generation = scope.generation as "underPresentFilters", listing.sweep, ${iso('listing.completed_at')} as "listedAt",
       exists (select from twilio_sync.due where due.conversation_id = $1 and reason in ('missing', 'open')) as missing,
       (select coalesce(error, 'no reason known') from twilio_sync.windows where completed_at is null and failures > 0
          and conversations.created_at >= from_at and conversations.created_at < to_at order by id desc limit 1) as "listingError"
     from (select $1::text as id) as asked
     left join twilio_sync.scope on true
     left join twilio_sync.fingerprints on conversation_id = asked.id
     left join twilio.conversations on conversations.id = asked.id
     left join lateral (
       select sweep, completed_at from twilio_sync.windows
       where completed_at is not null and sweep <> 'open' and conversations.created_at >= from_at and conversations.created_at < to_at
       order by completed_at desc limit 1) as listing on true`,
    [id, [id]],
  );
}

async function readResultsListed(queries: Queries): Promise<NonNullable<Why['resultsListed']>[]> {
  return await queries.sql(
    `select (select ${iso('max(ended_at)')} from twilio_sync.results_walks where kind in ('all', 'operator')) as "walkEndedAt",
       ${iso('mark')} as "newestReadTo", refused
     from twilio_sync.results_head where mark is not null or generation is not null or refused is not null`,
  );
}

async function readConversation(queries: Queries, id: string): Promise<StoredConversation | null> {
  const tables = ['participants', 'communications', 'operator_result_links', 'operator_results'];
  const counts = tables.map(
    (table) => `'${table}', (select count(*) from twilio.${table} where conversation_id = conversations.id)`,
  );
  const [row] = await queries.sql<StoredConversation>(
    `select status, ${iso('created_at')} as "createdAt", ${iso('updated_at')} as "updatedAt", ${iso('first_synced_at')} as "firstSyncedAt",
       ${iso('synced_at')} as "syncedAt", ${iso('deleted_at')} as "deletedAt", json_build_object(${counts.join(', ')}) as rows
     from twilio.conversations where id = $1`,
    [id],
  );
  return row ?? null;
}

async function readResult(queries: Queries, conversationId: string, id: string): Promise<StoredResult | null> {
  const [row] = await queries.sql<StoredResult>(
    `select ${iso('created_at')} as "createdAt", operator_id as "operatorId", output_format as "outputFormat",
       exists (select from twilio.operator_result_links link
         where link.conversation_id = stored.conversation_id and link.operator_result_id = stored.id) as linked
     from twilio.operator_results stored where conversation_id = $1 and id = $2`,
    [conversationId, id],
  );
  return row ?? null;
}

async function readDue(queries: Queries, conversationId: string, resultId: string | null): Promise<WhyDue[]> {
  const columns = `reason, ${iso('due_at')} as "dueAt", attempts, error, ${iso('first_at')} as "firstAt", ${iso('last_at')} as "lastAt"`;
  return await queries.sql<WhyDue>(
    `select null as "operatorResultId", ${columns} from twilio_sync.due where conversation_id = $1 and reason <> 'large'
     union all
     (select nullif(operator_result_id, ''), ${columns} from twilio_sync.results_due
      where conversation_id = $1 and operator_result_id = coalesce($2, operator_result_id) order by first_at limit 20)`,
    [conversationId, resultId],
  );
}
