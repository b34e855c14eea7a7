// Rows of twilio_sync.due: details to fetch without a listing. A row is removed by its number, so that one which has changed since
// it was read stays. People request details here too (`sync --id`, `retry`, `verify --repair`): recording a request needs no lease,
// and whoever holds the lease carries it out.

import type { Change, Due } from '../sync/model.ts';
import type { Database, Queries } from './database.ts';
import { askForResults } from './results-due.ts';
import type { Rows } from './rows.ts';
import { forgottenAmong } from './tombstones.ts';

/**
 * SQL for whether a pass fetches what a row asks for; `$n` is the API's time. What a webhook has announced is fetched beside the pass.
 * A pass takes only what has waited for half a minute: nobody may take webhooks any more, or the detail may be too large.
 */
export const isDueForPass = (n: number) =>
  `due_at <= to_timestamp($${n}) and (reason <> 'pushed' or greatest(due_at, first_at) <= to_timestamp($${n}::float8 - 30))`;

/** Replaces the due rows that the fetches had read. Rows that are newer than that stay. */
export async function replaceDue(queries: Queries, changes: Change[]): Promise<void> {
  if (changes.length === 0) return;
  const served = changes
    .flatMap(({ id, served }) => served.map((number) => ({ id, number })))
    // As `putPushed` locks them.
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const dropped = removeDue(queries, served);
  const put = putDue(
    queries,
    changes.flatMap(({ due }) => due),
  );
  await Promise.all([dropped, put]);
}

/** Removes rows, except those that have changed since they were read. */
export async function removeDue(queries: Queries, rows: { id: string; number: number }[]): Promise<void> {
  if (rows.length === 0) return;
  await queries.sql(
    `delete from twilio_sync.due using unnest($1::text[], $2::int8[]) as served(id, number)
     where conversation_id = served.id and due.number = served.number`,
    [rows.map(({ id }) => id), rows.map(({ number }) => number)],
  );
}

/** Inserts or replaces rows. `distinct`: a page may show an item without an id twice, and both get the same hash. */
export async function putDue(queries: Queries, due: Due[]): Promise<void> {
  if (due.length === 0) return;
  await queries.sql(
    `insert into twilio_sync.due (conversation_id, reason, due_at, attempts, first_at, error, fingerprint, wants, created_from, last_at)
     select distinct on (id, reason) id, reason, to_timestamp(due_at), attempts, to_timestamp(first_at), error, fingerprint, wants, to_timestamp(created_from), now()
     from unnest($1::text[], $2::text[], $3::float8[], $4::int4[], $5::float8[], $6::text[], $7::text[], $8::jsonb[], $9::float8[])
       as answer(id, reason, due_at, attempts, first_at, error, fingerprint, wants, created_from)
     on conflict (conversation_id, reason) do update set number = excluded.number, last_at = excluded.last_at,
       created_from = least(due.created_from, excluded.created_from)`,
    [
      due.map(({ id }) => id),
      due.map(({ reason }) => reason),
      due.map(({ dueAt }) => (Number.isFinite(dueAt) ? dueAt : 'Infinity')),
      due.map(({ attempts }) => attempts),
      due.map(({ firstAt }) => firstAt),
      due.map(({ error }) => error),
      due.map(({ fingerprint }) => fingerprint),
      due.map(({ wants }) => wants),
      due.map(({ createdFrom }) => createdFrom),
    ],
  );
}

/** Removes the due rows of forgotten conversations, which somebody may have requested meanwhile. */
export async function dropDue(queries: Queries, ids: string[]): Promise<void> {
  if (ids.length > 0) await queries.sql('delete from twilio_sync.due where conversation_id = any($1)', [ids]);
}

/** The same of whichever of these are forgotten. */
export async function dropForgotten(queries: Queries, ids: string[]): Promise<void> {
  if (ids.length > 0)
    await queries.sql(`delete from twilio_sync.due where conversation_id in (${forgottenAmong(1)})`, [ids]);
}

/** See Store.recordAttempt. The row is never due; it only counts attempts. */
export async function recordAttempt(queries: Queries, id: string, memory: string): Promise<number> {
  const [row] = await queries.sql<{ attempts: number }>(
    `with before as (
       select attempts, first_at from twilio_sync.due large
       where conversation_id = $1 and reason = 'large' and error = $2 and not exists (
         select from twilio_sync.due asked where asked.conversation_id = $1 and asked.reason = 'asked' and asked.first_at > large.first_at))
     insert into twilio_sync.due (conversation_id, reason, due_at, error, attempts, first_at, last_at)
     select $1, 'large', 'infinity', $2, coalesce(min(attempts), 0) + 1, coalesce(min(first_at), now()), now() from before
     on conflict (conversation_id, reason) do update set error = excluded.error, attempts = excluded.attempts,
       first_at = excluded.first_at, last_at = excluded.last_at
     returning attempts`,
    [id, memory],
  );
  return row?.attempts ?? 1;
}

/** See Store.clearAttempt. */
export async function clearAttempt(queries: Queries, id: string): Promise<void> {
  await queries.sql(`delete from twilio_sync.due where conversation_id = $1 and reason = 'large'`, [id]);
}

/** Requests some conversations, at once; not those that are forgotten. `results`: their operator results too. */
export async function requestRefetch(database: Database, ids: string[], results = false): Promise<void> {
  await database.run(async (queries) => {
    // A worker looks at the details first: by then it has to know of both.
    if (results) await askForResults(queries, ids);
    await queries.sql(
      `insert into twilio_sync.due (conversation_id, reason, due_at)
       select distinct id, 'asked', to_timestamp(0) from unnest($1::text[]) as asked(id)
       where id not in (${forgottenAmong(1)})
       on conflict (conversation_id, reason) do update set due_at = excluded.due_at, first_at = excluded.first_at, number = excluded.number`,
      [ids],
    );
  });
}

/** Cancels the requests that nobody has carried out. */
export async function cancelRefetch(database: Database, ids: string[]): Promise<void> {
  await database.run(async (queries) => {
    for (const table of ['due', 'results_due'])
      await queries.sql(`delete from twilio_sync.${table} where reason = 'asked' and conversation_id = any($1)`, [ids]);
  });
}

/** The requests that nobody has carried out yet. One that failed is not among them: it waits for its next attempt. */
export async function findWaiting(database: Database, ids: string[]): Promise<string[]> {
  const rows = await database.run((queries) =>
    queries.sql<{ id: Rows['due']['conversationId'] }>(
      `select conversation_id as id from twilio_sync.due
       where reason = 'asked' and due_at = to_timestamp(0) and conversation_id = any($1)
       union select conversation_id from twilio_sync.results_due
       where reason = 'asked' and due_at = to_timestamp(0) and conversation_id = any($1)
         and (select refused from twilio_sync.results_head) is null`,
      [ids],
    ),
  );
  return rows.map(({ id }) => id);
}

/** What has become of a requested conversation, and of its operator results: one that failed counts. */
export interface RefetchResult {
  id: string;
  state: 'stored' | 'deleted' | 'failed' | 'unknown' | 'forgotten';
  error: string | null;
}

export async function findResults(database: Database, ids: string[]): Promise<RefetchResult[]> {
  return await database.run((queries) =>
    queries.sql(
      `select asked.id, coalesce(due.error, of_result.error) as error,
         case when asked.id in (${forgottenAmong(1)}) then 'forgotten' when due.reason is not null or of_result.error is not null then 'failed' when conversations.id is null then 'unknown'
              when deleted_at is not null then 'deleted' else 'stored' end as state
       from unnest($1::text[]) with ordinality as asked(id, at)
       left join twilio.conversations on conversations.id = asked.id
       left join twilio_sync.due on conversation_id = asked.id and reason = 'failed'
       left join lateral (select error from twilio_sync.results_due
         where conversation_id = asked.id and error is not null order by last_at desc limit 1) as of_result on true
       order by at`,
      [ids],
    ),
  );
}

/** The conversations in quarantine, themselves or with an operator result, and how many list items in it have no id. */
export async function findQuarantined(database: Database): Promise<{ ids: string[]; withoutId: number }> {
  const rows = await database.run((queries) =>
    queries.sql<{ id: Rows['quarantine']['conversationId'] }>(
      'select distinct conversation_id as id from twilio_sync.quarantine order by id',
    ),
  );
  const ids = rows.map(({ id }) => id).filter((id) => !id.startsWith('item:'));
  return { ids, withoutId: rows.length - ids.length };
}
