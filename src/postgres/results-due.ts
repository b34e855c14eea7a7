// Rows of twilio_sync.results_due: operator results that are asked for by id or by conversation. The caller's transaction
// holds the lease.

import type { TimeRange } from '../sync/model.ts';
import type { ResultDue, ResultLoad } from '../sync/result-model.ts';
import type { Queries } from './database.ts';
import { forgottenAmong } from './tombstones.ts';

/** How long to wait after each failed attempt, in seconds. */
const waits = [60, 300, 1800, 7200, 28_800, 86_400];
/** A missing result is requested after this time. Those of an open conversation are requested together. */
const gapSeconds = { closed: 120, open: 600 };

/** A list may show something only this long after it was created. */
const overlapSeconds = 600;

/** Two arrays, as the statements take them. */
export const pairs = (all: { conversationId: string; id: string }[]) => [
  all.map(({ conversationId }) => conversationId),
  all.map(({ id }) => id),
];

/** From the end of the first walk on, and while the gaps that it left are searched for. */
const gapsCount = `((select whole_since is not null from twilio_sync.results_head)
  or exists (select from twilio_sync.results_walks where kind = 'gaps' and ended_at is null))`;

/**
 * Links of the conversations in `$2` that have no result. All of it goes by keys, from each conversation to its links to their
 * results: OFFSET keeps Postgres from joining all results, and an ANY beside the join would be sorted anew for each conversation.
 */
const gaps = `from unnest($2::text[]) as asked(id)
  join twilio.conversations conversation on conversation.id = asked.id and conversation.deleted_at is null
  join twilio.operator_result_links link on link.conversation_id = asked.id
  where not exists (select from twilio.operator_results stored
    where stored.conversation_id = link.conversation_id and stored.id = link.operator_result_id offset 0)`;

/**
 * Makes each link of these conversations due that has no result. Open conversations gain results all the time, and wait longer.
 * What was gone is looked at again, now that its conversation has changed.
 */
export async function noteGaps(queries: Queries, ids: string[], now: number): Promise<void> {
  if (ids.length === 0) return;
  await queries.sql(
    `insert into twilio_sync.results_due (conversation_id, operator_result_id, reason, due_at)
     select link.conversation_id, link.operator_result_id, 'linked',
       to_timestamp($1::float8 + case when conversation.status = 'CLOSED' then ${gapSeconds.closed} else ${gapSeconds.open} end)
     ${gaps} and ${gapsCount}
     on conflict (conversation_id, operator_result_id) do update set reason = excluded.reason, due_at = excluded.due_at
       where results_due.reason = 'gone'`,
    [now, ids],
  );
}

/** The same, due now, also while the first walk has not ended: a webhook has announced them. */
export async function askForGaps(queries: Queries, ids: string[], now: number): Promise<void> {
  if (ids.length === 0) return;
  await queries.sql(
    `insert into twilio_sync.results_due (conversation_id, operator_result_id, reason, due_at)
     select link.conversation_id, link.operator_result_id, 'linked', to_timestamp($1) ${gaps}
     on conflict (conversation_id, operator_result_id) do update set due_at = least(results_due.due_at, excluded.due_at)
       where results_due.reason = 'linked' and results_due.attempts = 0`,
    [now, ids],
  );
}

/** The same for the next conversations in the order of their ids, due at once. @returns the last of them; null where there is none. */
export async function findGaps(
  queries: Queries,
  after: string | null,
  conversations: number,
  now: number,
): Promise<string | null> {
  const rows = await queries.sql<{ id: string }>(
    `select id from twilio.conversations where id > $1 order by id limit $2`,
    [after ?? '', conversations],
  );
  const last = rows.at(-1);
  if (last === undefined) return null;
  await queries.sql(
    `insert into twilio_sync.results_due (conversation_id, operator_result_id, reason, due_at)
     select link.conversation_id, link.operator_result_id, 'linked', to_timestamp($1) ${gaps}
     on conflict (conversation_id, operator_result_id) do nothing`,
    [now, rows.map(({ id }) => id)],
  );
  return last.id;
}

/**
 * The stored results of these conversations may lack what is stored by now. The walk over the account's list shows all of them; where
 * there is no such list, each is requested once.
 */
export async function noteMasked(queries: Queries, ids: string[], now: number): Promise<void> {
  if (ids.length === 0) return;
  await queries.sql(
    `insert into twilio_sync.results_due (conversation_id, operator_result_id, reason, due_at)
     select conversation_id, id, 'linked', to_timestamp($1) from twilio.operator_results
     where conversation_id = any($2) and (select given_up is not null from twilio_sync.results_head)
     on conflict (conversation_id, operator_result_id) do nothing`,
    [now, ids],
  );
}

/** A conversation that was found long after it was created: the list may have shown its results before it was stored. */
export async function noteLate(queries: Queries, ids: string[], now: number): Promise<void> {
  if (ids.length === 0) return;
  await queries.sql(
    `insert into twilio_sync.results_due (conversation_id, operator_result_id, reason, due_at)
     select id, '', 'late', to_timestamp($1) from twilio.conversations
     where id = any($2) and created_at < to_timestamp($1::float8 - ${overlapSeconds}) and ${gapsCount}
     on conflict (conversation_id, operator_result_id) do nothing`,
    [now, ids],
  );
}

/** What their conversations named until this load and no longer do: 404, and it is deleted. Asked before links are written, and after. */
export async function readLinkedResults(
  queries: Queries,
  ids: string[],
): Promise<{ conversationId: string; id: string }[]> {
  if (ids.length === 0) return [];
  return await queries.sql<{ conversationId: string; id: string }>(
    `select link.conversation_id as "conversationId", link.operator_result_id as id
     from unnest($1::text[]) as asked(id) join twilio.operator_result_links link on link.conversation_id = asked.id
     join twilio.operator_results stored
       on stored.conversation_id = link.conversation_id and stored.id = link.operator_result_id`,
    [ids],
  );
}

export async function noteUnlinked(
  queries: Queries,
  before: { conversationId: string; id: string }[],
  now: number,
): Promise<void> {
  if (before.length === 0) return;
  await queries.sql(
    `insert into twilio_sync.results_due (conversation_id, operator_result_id, reason, due_at)
     select conversation_id, id, 'unlinked', to_timestamp($3) from unnest($1::text[], $2::text[]) as linked(conversation_id, id)
     where not exists (select from twilio.operator_result_links link
       where link.conversation_id = linked.conversation_id and link.operator_result_id = linked.id)
     on conflict (conversation_id, operator_result_id) do update set reason = excluded.reason, due_at = excluded.due_at, walk_id = null`,
    [...pairs(before), now],
  );
}

export async function dropServed(
  queries: Queries,
  served: { conversationId: string; id: string }[],
  kept: ResultDue[],
): Promise<void> {
  const keys = new Set(kept.map(({ conversationId, id }) => `${conversationId} ${id}`));
  const dropped = served.filter(({ conversationId, id }) => !keys.has(`${conversationId} ${id}`));
  if (dropped.length === 0) return;
  await queries.sql(
    `delete from twilio_sync.results_due using unnest($1::text[], $2::text[]) as served(conversation_id, id)
     where results_due.conversation_id = served.conversation_id and operator_result_id = served.id`,
    pairs(dropped),
  );
}

/** A result that is gone but still named keeps its row, and is requested again when its conversation changes. */
export async function noteGone(queries: Queries, gone: ResultDue[], now: number): Promise<void> {
  if (gone.length === 0) return;
  const linked = `exists (select from twilio.operator_result_links link
    where link.conversation_id = gone.conversation_id and link.operator_result_id = gone.id)`;
  await queries.sql(
    `delete from twilio_sync.results_due using unnest($1::text[], $2::text[]) as gone(conversation_id, id)
     where results_due.conversation_id = gone.conversation_id and operator_result_id = gone.id and not ${linked}`,
    pairs(gone),
  );
  await queries.sql(
    `update twilio_sync.results_due set reason = 'gone', due_at = 'infinity', error = null, attempts = 0, walk_id = null, last_at = to_timestamp($3)
     from unnest($1::text[], $2::text[]) as gone(conversation_id, id)
     where results_due.conversation_id = gone.conversation_id and operator_result_id = gone.id and ${linked}`,
    [...pairs(gone), now],
  );
}

export async function noteFailed(
  queries: Queries,
  failed: NonNullable<ResultLoad['failed']>,
  now: number,
): Promise<void> {
  if (failed.length === 0) return;
  const nextAt = ({ due }: (typeof failed)[number]) => now + (waits[Math.min(due.attempts, waits.length - 1)] ?? 0);
  await queries.sql(
    `update twilio_sync.results_due set attempts = attempts + 1, error = answer.error, last_at = to_timestamp($5), due_at = to_timestamp(next_at)
     from unnest($1::text[], $2::text[], $3::text[], $4::float8[]) as answer(conversation_id, id, error, next_at)
     where results_due.conversation_id = answer.conversation_id and operator_result_id = answer.id`,
    [...pairs(failed.map(({ due }) => due)), failed.map(({ error }) => error), failed.map(nextAt), now],
  );
}

/** A listed item that cannot be stored goes to quarantine. It is requested by its id an hour later. */
export async function noteBad(queries: Queries, bad: NonNullable<ResultLoad['bad']>, now: number): Promise<void> {
  const keyed = bad.flatMap(({ id, conversationId, reason }) =>
    id === null || conversationId === null ? [] : [{ id, conversationId, reason }],
  );
  if (keyed.length === 0) return;
  await queries.sql(
    `insert into twilio_sync.results_due (conversation_id, operator_result_id, reason, due_at, attempts, error, last_at)
     select conversation_id, id, 'linked', to_timestamp($4::float8 + 3600), 1, error, to_timestamp($4)
     from unnest($1::text[], $2::text[], $3::text[]) as bad(conversation_id, id, error)
     where exists (select from twilio.conversations where conversations.id = bad.conversation_id and deleted_at is null)
     on conflict (conversation_id, operator_result_id) do update set error = excluded.error, last_at = excluded.last_at`,
    [...pairs(keyed), keyed.map(({ reason }) => reason), now],
  );
}

/** See ResultsStore.dueAt. */
export async function readResultsDue(
  queries: Queries,
  now: number,
  conversations: number,
  { ids, earlySeconds = 0 }: { ids?: string[]; earlySeconds?: number } = {},
): Promise<ResultDue[]> {
  const early = earlySeconds > 0 ? `or attempts = 0 and error is null and due_at <= to_timestamp($1::float8 + $4)` : '';
  // What has failed waits for its own time, also where others of its conversation are due.
  return await queries.sql<ResultDue>(
    `select results_due.conversation_id as "conversationId", operator_result_id as id, reason, attempts from twilio_sync.results_due
     where reason <> 'gone' and walk_id is null and (due_at <= to_timestamp($1) or attempts = 0) and conversation_id in (
       select conversation_id from twilio_sync.results_due
       where (due_at <= to_timestamp($1) ${early}) and ($3::text[] is null or conversation_id = any($3)) order by due_at limit $2)`,
    [now, conversations, ids ?? null, ...(early === '' ? [] : [earlySeconds])],
  );
}

/** Makes the results of these conversations due at once, or of those that were created in a range: each is listed by itself. Needs no lease. */
export async function askForResults(queries: Queries, of: string[] | TimeRange): Promise<void> {
  const [from, parameters] = Array.isArray(of)
    ? [`unnest($1::text[]) as asked(id) where id not in (${forgottenAmong(1)})`, [of]]
    : [
        'twilio.conversations where deleted_at is null and created_at >= to_timestamp($1) and created_at < to_timestamp($2)',
        [of.from, of.to],
      ];
  await queries.sql(
    `insert into twilio_sync.results_due (conversation_id, operator_result_id, reason, due_at)
     select distinct id, '', 'asked', to_timestamp(0) from ${from}
     on conflict (conversation_id, operator_result_id) do update set reason = excluded.reason, due_at = excluded.due_at`,
    parameters,
  );
  if (!Array.isArray(of)) return;
  // What the list does not show is asked for by its id: it may be gone.
  await queries.sql(
    `insert into twilio_sync.results_due (conversation_id, operator_result_id, reason, due_at)
     select conversation_id, id, 'missing', to_timestamp(0) from twilio.operator_results where conversation_id = any($1)
     on conflict (conversation_id, operator_result_id) do update set due_at = excluded.due_at, walk_id = null`,
    [of],
  );
  await queries.sql(
    `update twilio_sync.results_due set reason = 'linked', due_at = to_timestamp(0) where conversation_id = any($1) and reason = 'gone'`,
    [of],
  );
}

/** See ResultsStore.count. */
export async function countForResults(
  queries: Queries,
  { from, to }: TimeRange,
): Promise<{ conversations: number; links: number }> {
  const [found] = await queries.sql<{ conversations: number; links: number }>(
    `select (select count(*)::int from twilio.conversations
         where deleted_at is null and created_at >= to_timestamp($1) and created_at < to_timestamp($2)) as conversations,
       (select count(*)::int from twilio.operator_result_links) as links`,
    [from, to],
  );
  return found ?? { conversations: 0, links: 0 };
}
