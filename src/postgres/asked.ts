// What a person asks for beside a running worker: recorded as due, and carried out by whoever holds the lease.
// Needs no lease: it only notes what is wanted. Every write of rows is the holder's.

import type { Database } from './database.ts';
import type { Rows } from './rows.ts';
import { forgottenAmong } from './tombstones.ts';

/** Asks for the details of some conversations, at once; not for those that are kept out. */
export async function askFor(database: Database, ids: string[]): Promise<void> {
  await database.run((queries) =>
    queries.sql(
      `insert into twilio_sync.due (conversation_id, reason, due_at)
       select distinct id, 'asked', to_timestamp(0) from unnest($1::text[]) as asked(id)
       where id not in (${forgottenAmong(1)})
       on conflict (conversation_id, reason) do update set due_at = excluded.due_at, first_at = excluded.first_at, number = excluded.number`,
      [ids],
    ),
  );
}

/** Takes the asks back, where nobody carried them out. */
export async function takeBack(database: Database, ids: string[]): Promise<void> {
  await database.run((queries) =>
    queries.sql(`delete from twilio_sync.due where reason = 'asked' and conversation_id = any($1)`, [ids]),
  );
}

/** Which of the asks nobody has carried out yet; one that failed waits for its next attempt. */
export async function findUnanswered(database: Database, ids: string[]): Promise<string[]> {
  const rows = await database.run((queries) =>
    queries.sql<{ id: Rows['due']['conversationId'] }>(
      `select conversation_id as id from twilio_sync.due
       where reason = 'asked' and due_at = to_timestamp(0) and conversation_id = any($1)`,
      [ids],
    ),
  );
  return rows.map(({ id }) => id);
}

export interface Asked {
  id: string;
  outcome: 'stored' | 'deleted' | 'failed' | 'unknown' | 'forgotten';
  error: string | null;
}

/** What is in quarantine: by id, and how many list items have none. */
export async function findQuarantined(database: Database): Promise<{ ids: string[]; nameless: number }> {
  const rows = await database.run((queries) =>
    queries.sql<{ id: Rows['quarantine']['conversationId'] }>(
      'select conversation_id as id from twilio_sync.quarantine order by id',
    ),
  );
  const ids = rows.map(({ id }) => id).filter((id) => !id.startsWith('item:'));
  return { ids, nameless: rows.length - ids.length };
}

/** How each of some conversations stands. */
export async function findOutcomes(database: Database, ids: string[]): Promise<Asked[]> {
  return await database.run((queries) =>
    queries.sql(
      `select asked.id, due.error,
         case when asked.id in (${forgottenAmong(1)}) then 'forgotten' when due.reason is not null then 'failed' when conversations.id is null then 'unknown'
              when deleted_at is not null then 'deleted' else 'stored' end as outcome
       from unnest($1::text[]) with ordinality as asked(id, at)
       left join twilio.conversations on conversations.id = asked.id
       left join twilio_sync.due on conversation_id = asked.id and reason = 'failed' order by at`,
      [ids],
    ),
  );
}
