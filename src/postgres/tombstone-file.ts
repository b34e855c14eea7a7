// Tombstones as a file: a database that is restored from a backup, or loaded anew, learns from it what was forgotten meanwhile.
// The file has no id in it. It has the keys of the hashes, since another database cannot tell what they mean without them: whoever has
// it can tell of an id whether it was forgotten. Ids are random, so nobody can guess them.

import { z } from 'zod';
import type { Database, Queries } from './database.ts';
import { iso } from './instant.ts';
import { hashOf } from './tombstones.ts';

const hex = z.string().regex(/^(?:[0-9a-f]{2})+$/);

export const tombstoneFile = z.strictObject({
  format: z.literal('conversation-sync tombstones 1'),
  keys: z.array(hex),
  tombstones: z.array(
    z.strictObject({ hash: hex, day: z.string().regex(/^\d{4}-\d\d-\d\d$/), forgottenAt: z.iso.datetime() }),
  ),
});

export type TombstoneFile = z.infer<typeof tombstoneFile>;

/** Reads all tombstones, and the keys that they are made with. @throws DatabaseTrouble. */
export async function exportTombstones(database: Database): Promise<TombstoneFile> {
  return await database.run(async ({ sql }) => {
    const keys = await sql<{ key: string }>(
      `select encode(key, 'hex') as key from twilio_sync.tombstone_key
       union select encode(key, 'hex') from twilio_sync.imported_tombstone_keys order by key`,
    );
    const tombstones = await sql<TombstoneFile['tombstones'][number]>(
      `select encode(hash, 'hex') as hash, to_char(day, 'YYYY-MM-DD') as day, ${iso('forgotten_at')} as "forgottenAt"
       from twilio_sync.tombstones order by forgotten_at, hash`,
    );
    return { format: 'conversation-sync tombstones 1', keys: keys.map(({ key }) => key), tombstones };
  });
}

/** The conversations that this database knows and the file names. @throws DatabaseTrouble. */
export async function findNamed(database: Database, { keys, tombstones }: TombstoneFile): Promise<string[]> {
  const rows = await database.run(({ sql }) =>
    sql<{ id: string }>(
      `with known as (
         select id from twilio.conversations union select conversation_id from twilio_sync.fingerprints
         union select conversation_id from twilio_sync.due union select conversation_id from twilio_sync.results_due)
       select known.id from known cross join unnest($1::text[]) as given(key)
       join unnest($2::text[]) as stone(hash) on decode(stone.hash, 'hex') = ${hashOf('known.id', "decode(given.key, 'hex')")}`,
      [keys, tombstones.map(({ hash }) => hash)],
    ),
  );
  return [...new Set(rows.map(({ id }) => id))];
}

/** Takes over the tombstones of a file. @returns how many of them are new. @throws DatabaseTrouble. */
export async function importTombstones(database: Database, { keys, tombstones }: TombstoneFile): Promise<number> {
  return await database.transaction(async (queries: Queries) => {
    await queries.sql(
      `insert into twilio_sync.imported_tombstone_keys (key)
       select decode(given.key, 'hex') from unnest($1::text[]) as given(key)
       where decode(given.key, 'hex') not in (select key from twilio_sync.tombstone_key)
       on conflict (key) do nothing`,
      [keys],
    );
    const added = await queries.sql(
      `insert into twilio_sync.tombstones (hash, day, forgotten_at)
       select decode(hash, 'hex'), day::date, forgotten_at::timestamptz
       from unnest($1::text[], $2::text[], $3::text[]) as stone(hash, day, forgotten_at)
       on conflict (hash) do nothing returning hash`,
      [
        tombstones.map(({ hash }) => hash),
        tombstones.map(({ day }) => day),
        tombstones.map(({ forgottenAt }) => forgottenAt),
      ],
    );
    return added.length;
  });
}
