// Rows of twilio_sync.due: what is wanted without a listing. A row is taken away by its number, so that one which has changed
// since it was read stays.

import type { Change, Due } from '../sync/model.ts';
import type { Queries } from './database.ts';

/** What is due for these conversations from now on, in place of what their fetches had read; what has come since stays. */
export async function replaceDue(queries: Queries, changes: Change[]): Promise<void> {
  if (changes.length === 0) return;
  const served = changes.flatMap(({ id, served }) => served.map((number) => ({ id, number })));
  const dropped = removeDue(queries, served);
  const put = putDue(
    queries,
    changes.flatMap(({ due }) => due),
  );
  await Promise.all([dropped, put]);
}

/** Takes rows away, but for those that have changed since they were read. */
export async function removeDue(queries: Queries, rows: { id: string; number: number }[]): Promise<void> {
  if (rows.length === 0) return;
  await queries.sql(
    `delete from twilio_sync.due using unnest($1::text[], $2::int8[]) as served(id, number)
     where conversation_id = served.id and due.number = served.number`,
    [rows.map(({ id }) => id), rows.map(({ number }) => number)],
  );
}

/** Each once: an item without an id has its hash for one, and a page may show it twice. */
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

/** Takes away what is due for conversations that are kept out: asked for by somebody who did not know it yet. */
export async function dropDue(queries: Queries, ids: string[]): Promise<void> {
  if (ids.length > 0) await queries.sql('delete from twilio_sync.due where conversation_id = any($1)', [ids]);
}

/** See Store.noteAttempt. The row is due for nothing, and is nobody's business but that of whoever fetches a large detail. */
export async function noteAttempt(queries: Queries, id: string, memory: string): Promise<number> {
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
