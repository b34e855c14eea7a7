// Conversations that a person has had forgotten: erased here, and kept out whoever asks for them. What stays is a hash of
// the id, which means nothing without this database's own key.

import { type Table, tablesOf } from '../sync/tables.ts';
import type { Database, Queries } from './database.ts';

/** SQL for the hash of an id; `key` is tombstone_key's. */
const hashOf = (id: string) => `sha256(key || convert_to(${id}, 'UTF8'))`;

/** SQL for those of the ids in `$n` that have a tombstone. */
export const forgottenAmong = (n: number) => `select asked.id
  from unnest($${n}::text[]) as asked(id) cross join twilio_sync.tombstone_key
  join twilio_sync.tombstones on hash = ${hashOf('asked.id')}`;

/** Which of these conversations are kept out. */
export async function readForgotten(queries: Queries, ids: string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  return (await queries.sql<{ id: string }>(forgottenAmong(1), [ids])).map(({ id }) => id);
}

/** What is stored of a conversation: rows by table. */
export interface StoredRows {
  id: string;
  /** It is kept out already. */
  forgotten: boolean;
  rows: Record<string, number>;
}

/** Counts what forgetting these would erase. @throws DatabaseTrouble. */
export async function countStored(database: Database, ids: string[]): Promise<StoredRows[]> {
  return await database.run((queries) => readStored(queries, ids));
}

/**
 * Erases conversations and everything known of them, and keeps them out from now on. Needs no lease: like a load it waits for the lease's
 * row and holds it, so that no load that began before can bring them back.
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
    // Its children go with it.
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
