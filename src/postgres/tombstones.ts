// Conversations that were erased with `forget` and are never stored again. What stays is a tombstone: a hash of the id, made with a
// key of this database.

import { type Table, tablesOf } from '../sync/tables.ts';
import type { Database, Queries } from './database.ts';

/** SQL for the hash of an id. `key` is the column of tombstone_key. */
const hashOf = (id: string) => `sha256(key || convert_to(${id}, 'UTF8'))`;

/** SQL for the ids in `$n` that have a tombstone. */
export const forgottenAmong = (n: number) => `select asked.id
  from unnest($${n}::text[]) as asked(id) cross join twilio_sync.tombstone_key
  join twilio_sync.tombstones on hash = ${hashOf('asked.id')}`;

/** The ids among these that have a tombstone. */
export async function readForgotten(queries: Queries, ids: string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  return (await queries.sql<{ id: string }>(forgottenAmong(1), [ids])).map(({ id }) => id);
}

/** What is stored of a conversation: rows by table. */
export interface StoredRows {
  id: string;
  /** It has a tombstone already. */
  forgotten: boolean;
  rows: Record<string, number>;
}

/** Counts the rows that `forget` would erase. @throws DatabaseTrouble. */
export async function countStored(database: Database, ids: string[]): Promise<StoredRows[]> {
  return await database.run((queries) => readStored(queries, ids));
}

/**
 * Erases conversations and everything known about them, and writes their tombstones. It needs no lease: like a load, it locks the
 * lease's row, so that a load that began earlier cannot store them again.
 * @returns what was erased. @throws DatabaseTrouble.
 */
export async function forget(database: Database, ids: string[]): Promise<StoredRows[]> {
  return await database.transaction(async (queries) => {
    await queries.sql('select from twilio_sync.lease for update');
    const stored = await readStored(queries, ids);
    await queries.sql(
      `insert into twilio_sync.tombstones (hash, day)
       select ${hashOf('asked.id')}, (coalesce(created_at, now()) at time zone 'UTC')::date
       from unnest($1::text[]) as asked(id) cross join twilio_sync.tombstone_key
       left join twilio.conversations on conversations.id = asked.id
       on conflict (hash) do nothing`,
      [ids],
    );
    // This deletes their child rows too.
    await queries.sql('delete from twilio.conversations where id = any($1)', [ids]);
    for (const table of ['fingerprints', 'due', 'results_due'])
      await queries.sql(`delete from twilio_sync.${table} where conversation_id = any($1)`, [ids]);
    return stored;
  });
}

async function readStored(queries: Queries, ids: string[]): Promise<StoredRows[]> {
  const count = ({ name, key }: Table) => `'${name}', (select count(*) from twilio.${name} where ${key[0]} = asked.id)`;
  return await queries.sql<StoredRows>(
    `select asked.id, asked.id in (${forgottenAmong(1)}) as forgotten,
       json_build_object(${[...tablesOf.conversation, ...tablesOf.operatorResult].map(count).join(', ')}) as rows
     from unnest($1::text[]) with ordinality as asked(id, at) order by at`,
    [ids],
  );
}
