// Closed conversations that are fetched again, each once in so many seconds: a walk over all of them by `created_at`, spread evenly, so
// that a redaction is found which no listing shows. How far it is stands in twilio_sync.reread, without anybody's id.

import type { Queries } from './database.ts';
import { seconds } from './instant.ts';

const day = 86_400;
/** A walk is done a little early: conversations come meanwhile. */
const share = 0.9;
/** What was left while no worker ran is made up for, so many at a time. */
const fewest = 250;

interface State {
  plannedAt: number;
  countedAt: number;
  conversations: number;
}

/** Makes the next conversations of the walk due. Times are the API's, in seconds. The caller's transaction holds the lease. */
export async function planReread(queries: Queries, now: number, every: number, generation: number): Promise<void> {
  const { plannedAt, conversations } = await readState(queries, now);
  const perSecond = conversations / (every * share);
  const wanted = Math.floor((now - plannedAt) * perSecond);
  const count = Math.min(wanted, Math.max(fewest, Math.ceil(2 * 60 * perSecond)));
  if (count > 0) await takeNext(queries, now, count, generation);
  // Without any, nothing is left over for later.
  const planned = conversations === 0 ? now : plannedAt + count / perSecond;
  await queries.sql('update twilio_sync.reread set planned_at = to_timestamp($1)', [planned]);
}

const closed = `status = 'CLOSED' and deleted_at is null`;

async function readState(queries: Queries, now: number): Promise<State> {
  const [state] = await queries.sql<State>(
    `select ${seconds('planned_at')} as "plannedAt", ${seconds('counted_at')} as "countedAt", conversations from twilio_sync.reread`,
  );
  // After a longer pause, the walk goes on from where it was; what the pause left out is not made up for at once.
  const plannedAt = state === undefined ? now : Math.min(now, Math.max(state.plannedAt, now - day));
  if (state !== undefined && now - state.countedAt < day && state.countedAt <= now) return { ...state, plannedAt };
  const [counted] = await queries.sql<Pick<State, 'conversations'>>(
    `insert into twilio_sync.reread as kept (planned_at, counted_at, conversations)
     select to_timestamp($1), to_timestamp($1), count(*)::int from twilio.conversations where ${closed}
     on conflict (singleton) do update set counted_at = excluded.counted_at, conversations = excluded.conversations
     returning conversations`,
    [now],
  );
  return { plannedAt, countedAt: now, conversations: counted?.conversations ?? 0 };
}

/** The next by `created_at`, with all of the same instant. After the last, the walk begins anew with the next call. */
async function takeNext(queries: Queries, now: number, count: number, generation: number): Promise<void> {
  await queries.sql(
    `with next as materialized (
       select created_at from twilio.conversations
       where created_at > (select after_at from twilio_sync.reread) and ${closed} order by created_at limit $2),
     reached as materialized (select max(created_at) as at, count(*) as found from next),
     taken as (
       insert into twilio_sync.due (conversation_id, reason, due_at)
       select id, 'reread', to_timestamp($1) from twilio.conversations, reached
       where created_at > (select after_at from twilio_sync.reread) and created_at <= reached.at and ${closed}
         and exists (select from twilio_sync.fingerprints where conversation_id = id and fingerprints.generation = $3)
       on conflict (conversation_id, reason) do nothing)
     update twilio_sync.reread set after_at = case when found < $2 then '-infinity' else reached.at end from reached`,
    [now, count, generation],
  );
}
