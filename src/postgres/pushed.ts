// What webhooks have announced, as due rows: a process that takes webhooks writes them, and the one that holds the lease looks for
// them. Writing them needs no lease. What is announced several times is one row.

import type { Announced, PushedStore } from '../sync/pushed.ts';
import type { Database } from './database.ts';
import { seconds } from './instant.ts';
import { askForGaps } from './results-due.ts';
import type { Rows } from './rows.ts';
import { forgottenAmong } from './tombstones.ts';

/**
 * Makes conversations due at once, except those that are forgotten. `pushes`: how many webhooks announced them. The row of one that
 * is due already gets a new number: the fetch that has read it does not remove it.
 */
export async function putPushed(database: Database, announced: Announced[], pushes: number): Promise<void> {
  // Loads remove these rows in the same order, so that neither waits for the other.
  const sorted = announced.toSorted((a, b) => (a.conversationId < b.conversationId ? -1 : 1));
  const ids = (which: string) => `coalesce(${which}.wants -> 'operatorResultIds', '[]')`;
  await database.run((queries) =>
    queries.sql(
      `with counted as (update twilio_sync.pushes set taken = taken + $3, last_at = now())
       insert into twilio_sync.due (conversation_id, reason, due_at, wants)
       select id, 'pushed', to_timestamp(0), jsonb_build_object('updatedAt', null, 'arrays', '[]'::jsonb, 'operatorResultIds', results)
       from unnest($1::text[], $2::jsonb[]) as announced(id, results)
       where id not in (${forgottenAmong(1)})
       on conflict (conversation_id, reason) do update set number = excluded.number, attempts = 0, due_at = excluded.due_at,
         first_at = case when due.due_at = excluded.due_at then due.first_at else excluded.first_at end,
         wants = jsonb_set(excluded.wants, '{operatorResultIds}',
           (${ids('due')} - array(select jsonb_array_elements_text(${ids('excluded')}))) || ${ids('excluded')})`,
      [
        sorted.map(({ conversationId }) => conversationId),
        sorted.map(({ resultIds }) => JSON.stringify([...new Set(resultIds)])),
        pushes,
      ],
    ),
  );
}

/** The store of sync/pushed.ts. */
export function createPushedStore(database: Database): PushedStore {
  return {
    findPushed: (now, except, limit) =>
      database.run((queries) =>
        queries.sql<{ id: Rows['due']['conversationId']; waitedSeconds: number }>(
          `select conversation_id as id, ${seconds('clock_timestamp() - first_at')} as "waitedSeconds" from twilio_sync.due
           where reason = 'pushed' and due_at <= to_timestamp($1) and conversation_id not in (select unnest($2::text[]))
           order by due_at, first_at limit $3`,
          [now, except, limit],
        ),
      ),
    askForResults: (ids, now) => database.run((queries) => askForGaps(queries, ids, now)),
    async noteStored(count, waitedMs) {
      await database.run((queries) =>
        queries.sql('update twilio_sync.pushes set stored = stored + $1, stored_at = now(), waited_ms = $2', [
          count,
          Math.round(Math.min(waitedMs, 2_000_000_000)),
        ]),
      );
    },
  };
}
