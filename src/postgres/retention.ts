// Conversations that are older than what is kept: erased, the oldest first, a hundred in a transaction. No tombstones are written: with
// a longer retention they are loaded again. The caller's transaction holds the lease; times are seconds.

import { isMassErasure } from '../sync/keep.ts';
import type { Database, Queries } from './database.ts';
import { erasedAtOnce, eraseFor } from './erase.ts';
import { fromMicroseconds } from './instant.ts';

const isOpen = `status in ('ACTIVE', 'INACTIVE') and deleted_at is null`;

/** SQL for what is older than what is kept, and is over: not open, or without a change for as long. `$1` is the edge. */
const isOver = `created_at < to_timestamp($1) and (${isOpen} and updated_at >= to_timestamp($1)) is not true`;

/** See Store.startRetention. A retention that is as long as the one in force erases day by day, however much that is. */
export async function startRetention(
  queries: Queries,
  seconds: number | null,
  edge: number | null,
  allow: boolean,
): Promise<{ old: number; stored: number } | null> {
  await queries.sql('insert into twilio_sync.retention (singleton) values (true) on conflict (singleton) do nothing');
  const [known] = await queries.sql<{ seconds: string | null; allowed: string | null }>(
    'select seconds::text as seconds, allowed_seconds::text as allowed from twilio_sync.retention',
  );
  const isKnown = known?.seconds != null && seconds !== null && seconds >= Number(known.seconds);
  const isAllowed = allow || (known?.allowed != null && Number(known.allowed) === seconds);
  if (edge !== null && !isKnown && !isAllowed) {
    const [found] = await queries.sql<{ old: number; stored: number }>(
      `select (select count(*)::int from twilio.conversations where ${isOver}) as old,
         (select count(*)::int from twilio.conversations) as stored`,
      [edge],
    );
    if (found !== undefined && isMassErasure(found.old, found.stored)) {
      await queries.sql('update twilio_sync.retention set braked_seconds = $1, old = $2, stored = $3', [
        seconds,
        found.old,
        found.stored,
      ]);
      return found;
    }
  }
  await queries.sql(
    'update twilio_sync.retention set seconds = $1, braked_seconds = null, old = null, stored = null, allowed_seconds = null',
    [seconds],
  );
  return null;
}

/** See Store.eraseOld. */
export async function eraseOld(queries: Queries, edge: number, stamp: bigint): Promise<number> {
  const found = await queries.sql<{ id: string }>(
    `select id from twilio.conversations where ${isOver} order by created_at limit ${erasedAtOnce}`,
    [edge],
  );
  const ids = found.map(({ id }) => id);
  return await eraseFor(queries, 'SYNC_RETENTION', ids, stamp);
}

/** See Store.endRetention. What was listed before the edge proves nothing any more: if more is kept one day, it is listed again. */
export async function endRetention(queries: Queries, edge: number, now: number, stamp: bigint): Promise<void> {
  await queries.sql('delete from twilio_sync.windows where to_at <= to_timestamp($1)', [edge]);
  await queries.sql(
    `update twilio_sync.windows set from_at = to_timestamp($1), cursor = greatest(cursor, to_timestamp($1)),
       completed_at = case when completed_at is null and cursor <= to_timestamp($1) then ${fromMicroseconds('$2')} else completed_at end
     where from_at < to_timestamp($1)`,
    [edge, stamp],
  );
  await queries.sql(
    `delete from twilio_sync.due where created_from < to_timestamp($1)
     and not exists (select from twilio.conversations where conversations.id = conversation_id)`,
    [edge],
  );
  await queries.sql(
    `insert into twilio_sync.due (conversation_id, reason, due_at)
     select id, 'old', to_timestamp($2) from twilio.conversations where created_at < to_timestamp($1) and ${isOpen}
     on conflict (conversation_id, reason) do nothing`,
    [edge, now],
  );
}

/** Lets a retention erase what the brake holds. A running worker looks for it with each pass. @returns whether there was anything to let. */
export async function allowRetention(database: Database): Promise<boolean> {
  const rows = await database.run((queries) =>
    queries.sql(
      'update twilio_sync.retention set allowed_seconds = braked_seconds where braked_seconds is not null returning singleton',
    ),
  );
  return rows.length > 0;
}
