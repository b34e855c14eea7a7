// Erases conversations: their rows, and every trace of them in the bookkeeping. What stays is a count in twilio_sync.erasures. The
// caller's transaction has locked the lease's row, so that no load that began earlier stores them again.

import type { Change, EraseReason } from '../sync/model.ts';
import { tablesOf } from '../sync/tables.ts';
import type { Queries } from './database.ts';
import { fromMicroseconds } from './instant.ts';

/** So many are erased in one transaction: loads wait for it. */
export const erasedAtOnce = 100;

/** Why conversations are erased: the command, or the setting. */
export type ErasureCause = 'forget' | 'forget --import' | EraseReason;

export interface Erased {
  conversations: number;
  /** Of all tables that people query. */
  rows: number;
}

/** Children before their parents, so that no foreign key has anything left to do. */
const tables = [...tablesOf.conversation, ...tablesOf.operatorResult].toReversed();

/** Texts in which the API's words may name a conversation, and which rows have one. */
const errors: [table: string, column: string, which?: string][] = [
  ['windows', 'error'],
  ['results_walks', 'error'],
  ['results_head', 'given_up'],
  ['results_head', 'refused'],
  ['runs', 'error', `outcome <> 'ok'`],
  ['due', 'error'],
  ['results_due', 'error'],
];

/** Anything shorter is in many texts by chance. */
const shortestTrace = 4;

/**
 * Erases conversations, and replaces error messages that contain their ids or one of `names`. Sweeps and walks that had found them
 * missing no longer count them.
 */
export async function eraseConversations(queries: Queries, ids: string[], names: string[] = []): Promise<Erased> {
  if (ids.length === 0) return { conversations: 0, rows: 0 };
  const deleted = await Promise.all(
    tables.map(({ name, key }) =>
      queries.sql<{ count: number }>(
        `with gone as (delete from twilio.${name} where ${key[0]} = any($1) returning 1) select count(*)::int as count from gone`,
        [ids],
      ),
    ),
  );
  const counts = deleted.map(([row]) => row?.count ?? 0);
  await Promise.all([
    queries.sql('delete from twilio_sync.fingerprints where conversation_id = any($1)', [ids]),
    removeDue(queries, ids, { due: 'due', of: 'sweeps', by: 'sweep_id' }),
    removeDue(queries, ids, { due: 'results_due', of: 'results_walks', by: 'walk_id' }),
  ]);
  const traces = [...ids, ...names].filter(({ length }) => length >= shortestTrace);
  for (const [table, column, which = 'true'] of errors)
    await queries.sql(
      `update twilio_sync.${table} set ${column} = '(erased)' where ${column} is not null and ${which}
       and exists (select from unnest($1::text[]) as trace(name) where position(trace.name in ${column}) > 0)`,
      [traces],
    );
  await queries.sql(
    `update twilio_sync.runs set counts = counts - 'incomplete' where outcome <> 'ok'
     and exists (select from unnest($1::text[]) as trace(name) where position(trace.name in counts ->> 'incomplete') > 0)`,
    [traces],
  );
  // How far a walk over conversations has got is the id of one: it goes back to the one before.
  await queries.sql(
    `update twilio_sync.results_walks set token = coalesce((select max(id) from twilio.conversations where id < token), '')
     where kind = 'gaps' and token = any($1)`,
    [ids],
  );
  for (const walk of ['metrics', 'masking'])
    await queries.sql(
      `update twilio_sync.${walk} as walk set (reached_at, reached_id) = (
         select c.created_at, c.id from twilio.conversations c
         where (c.created_at, c.id) > (walk.reached_at, walk.reached_id) order by c.created_at, c.id limit 1)
       where reached_id = any($1)`,
      [ids],
    );
  return { conversations: counts.at(-1) ?? 0, rows: counts.reduce((sum, count) => sum + count, 0) };
}

async function removeDue(
  queries: Queries,
  ids: string[],
  { due, of, by }: { due: string; of: string; by: string },
): Promise<void> {
  await queries.sql(
    `with gone as (delete from twilio_sync.${due} where conversation_id = any($1) returning ${by} as id),
       counted as (select id, count(*)::int as count from gone where id is not null group by id)
     update twilio_sync.${of} as found set missing = greatest(0, found.missing - counted.count) from counted where found.id = counted.id`,
    [ids],
  );
}

/**
 * Counts what was erased at `now`. What the same cause has erased since `since` is one row. Times are whole microseconds since 1970.
 */
export async function noteErasure(
  queries: Queries,
  cause: ErasureCause,
  { conversations, rows }: Erased,
  now: bigint,
  since: bigint,
): Promise<void> {
  if (conversations === 0) return;
  await queries.sql(
    `with added as (
       update twilio_sync.erasures set ended_at = ${fromMicroseconds('$4')}, conversations = conversations + $2, rows = rows + $3
       where cause = $1 and began_at >= ${fromMicroseconds('$5')} returning id)
     insert into twilio_sync.erasures (cause, began_at, ended_at, conversations, rows)
     select $1, ${fromMicroseconds('$4')}, ${fromMicroseconds('$4')}, $2, $3 where not exists (select from added)`,
    [cause, conversations, rows, now, since],
  );
}

const dayInMicroseconds = 86_400_000_000n;

/** Erases conversations for a setting, and counts them by the UTC day. `stamp` is the lease's. @returns how many were stored. */
export async function eraseFor(queries: Queries, reason: EraseReason, ids: string[], stamp: bigint): Promise<number> {
  const erased = await eraseConversations(queries, ids);
  await noteErasure(queries, reason, erased, stamp, stamp - (stamp % dayInMicroseconds));
  return erased.conversations;
}

/** Erases what is to be erased of a batch. @returns how many were stored. */
export async function eraseChanges(queries: Queries, changes: Change[], stamp: bigint): Promise<number> {
  let count = 0;
  for (const [reason, all] of Map.groupBy(changes, ({ erase }) => erase)) {
    const ids = all.map(({ id }) => id);
    if (reason !== undefined) count += await eraseFor(queries, reason, ids, stamp);
  }
  return count;
}

/** See Store.eraseDeleted. */
export async function eraseDeleted(queries: Queries, stamp: bigint): Promise<number> {
  const found = await queries.sql<{ id: string }>(
    `select id from twilio.conversations where deleted_at is not null limit ${erasedAtOnce}`,
  );
  const ids = found.map(({ id }) => id);
  return await eraseFor(queries, 'SYNC_DELETED', ids, stamp);
}
