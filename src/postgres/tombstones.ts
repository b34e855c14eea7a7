// Conversations that were erased with `forget` and are never stored again. What stays is a tombstone: a hash of the id, made with a
// key of this database, or of the one that it was imported from.

import { type Table, tablesOf } from '../sync/tables.ts';
import type { Database, Queries } from './database.ts';
import { type Erased, eraseConversations, erasedAtOnce, noteErasure } from './erase.ts';
import { fromMicroseconds } from './instant.ts';

/** SQL for the hash of an id. */
export const hashOf = (id: string, key = 'key') => `sha256(${key} || convert_to(${id}, 'UTF8'))`;

const keys = `(select key from twilio_sync.tombstone_key union all select key from twilio_sync.imported_tombstone_keys) as keys`;

/** SQL for the ids in `$n` that have a tombstone. */
export const forgottenAmong = (n: number) => `select asked.id
  from unnest($${n}::text[]) as asked(id) cross join ${keys}
  join twilio_sync.tombstones on hash = ${hashOf('asked.id')}`;

/** The ids among these that have a tombstone. */
export async function readForgotten(queries: Queries, ids: string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  return (await queries.sql<{ id: string }>(forgottenAmong(1), [ids])).map(({ id }) => id);
}

/** Rows by table, of one conversation or of several. */
export type RowCounts = Record<string, number>;

/** What is stored of a conversation. */
export interface StoredRows {
  id: string;
  /** It has a tombstone already. */
  forgotten: boolean;
  rows: RowCounts;
}

/** Counts the rows that `forget` would erase. @throws DatabaseTrouble. */
export async function countStored(database: Database, ids: string[]): Promise<StoredRows[]> {
  return await database.run((queries) => readStored(queries, ids));
}

/**
 * Erases conversations and everything known about them, and writes their tombstones, a hundred at a time. It needs no lease: like a
 * load, it locks the lease's row, so that a load that began earlier cannot store them again.
 * @returns what was erased. @throws DatabaseTrouble.
 */
export async function forget(
  database: Database,
  ids: string[],
  cause: 'forget' | 'forget --import' = 'forget',
): Promise<StoredRows[]> {
  const all: StoredRows[] = [];
  let since: bigint | undefined;
  for (let at = 0; at < ids.length; at += erasedAtOnce) {
    const batch = ids.slice(at, at + erasedAtOnce);
    const stored = await database.transaction(
      async (queries, now) => {
        since ??= now;
        await lockLease(queries);
        const found = await readStored(queries, batch);
        await noteErasure(queries, cause, await bury(queries, batch, now), now, since);
        return found;
      },
      { byKeys: true },
    );
    all.push(...stored);
  }
  return all;
}

/** Erases, as `forget` does, every conversation in which one of these addresses takes part. @throws DatabaseTrouble. */
export async function forgetAddresses(database: Database, addresses: string[]): Promise<Erased> {
  const total: Erased = { conversations: 0, rows: 0 };
  let since: bigint | undefined;
  for (;;) {
    const erased = await database.transaction(
      async (queries, now) => {
        since ??= now;
        // From here on nothing is stored: what is not found now does not come with a load that has begun.
        await lockLease(queries);
        const found = await queries.sql<{ id: string }>(
          `select distinct conversation_id as id from twilio.participant_addresses where address = any($1) limit ${erasedAtOnce}`,
          [addresses],
        );
        const batch = await bury(
          queries,
          found.map(({ id }) => id),
          now,
          addresses,
        );
        await noteErasure(queries, 'forget', batch, now, since);
        return batch;
      },
      { byKeys: true },
    );
    if (erased.conversations === 0) return total;
    total.conversations += erased.conversations;
    total.rows += erased.rows;
  }
}

async function lockLease(queries: Queries): Promise<void> {
  await queries.sql('select from twilio_sync.lease for update');
}

/** Writes the tombstones of conversations, and erases them. */
async function bury(queries: Queries, ids: string[], now: bigint, names: string[] = []): Promise<Erased> {
  if (ids.length === 0) return { conversations: 0, rows: 0 };
  // convert_to() is a stable function. Beside a volatile one, Citus executes this on the coordinator.
  await queries.sql(
    `insert into twilio_sync.tombstones (hash, day, forgotten_at)
     select ${hashOf('asked.id')}, (coalesce(created_at, clock_timestamp()) at time zone 'UTC')::date, ${fromMicroseconds('$2')}
     from unnest($1::text[]) as asked(id) cross join twilio_sync.tombstone_key
     left join twilio.conversations on conversations.id = asked.id
     where asked.id not in (${forgottenAmong(1)})
     on conflict (hash) do nothing`,
    [ids, now],
  );
  return await eraseConversations(queries, ids, names);
}

/** Lets conversations be stored again. @returns those that had a tombstone. @throws DatabaseTrouble. */
export async function undoForget(database: Database, ids: string[]): Promise<string[]> {
  const rows = await database.run((queries) =>
    queries.sql<{ id: string }>(
      `with asked as materialized (select id, ${hashOf('id')} as hash from unnest($1::text[]) as given(id) cross join ${keys}),
         lifted as (delete from twilio_sync.tombstones using asked where tombstones.hash = asked.hash returning asked.id)
       select distinct id from lifted`,
      [ids],
    ),
  );
  return rows.map(({ id }) => id);
}

/** SQL for a JSON object with the number of rows in each table; `where` says which, given the column of the conversation's id. */
export function rowCounts(where: (column: string) => string): string {
  const count = ({ name, key }: Table) =>
    `'${name}', (select count(*) from twilio.${name} where ${where(key[0] ?? 'id')})`;
  return `json_build_object(${[...tablesOf.conversation, ...tablesOf.operatorResult].map(count).join(', ')})`;
}

async function readStored(queries: Queries, ids: string[]): Promise<StoredRows[]> {
  return await queries.sql<StoredRows>(
    `select asked.id, asked.id in (${forgottenAmong(1)}) as forgotten, ${rowCounts((column) => `${column} = asked.id`)} as rows
     from unnest($1::text[]) with ordinality as asked(id, at) order by at`,
    [ids],
  );
}
