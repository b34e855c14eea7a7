// How far the account's list of operator results has been read: the mark of its newest part, and walks over the rest, page by
// page. The caller's transaction holds the lease.

import type { ResultLoad, ResultsHead, Walk } from '../sync/result-model.ts';
import type { Queries } from './database.ts';
import { seconds } from './instant.ts';
import { findGaps } from './results-due.ts';

/** See ResultsStore.head. */
export async function readHead(queries: Queries): Promise<ResultsHead> {
  const [row] = await queries.sql<ResultsHead>(
    `select mark is not null or generation is not null or refused is not null as asked, floor(${seconds('mark')}) as mark, given_up as "givenUp", refused, whole_since is not null as whole,
       (select json_build_object('expected', expected, 'missing', missing) from twilio_sync.results_walks where braked order by id desc limit 1) as braked
     from twilio_sync.results_head`,
  );
  return row ?? { asked: false, mark: null, givenUp: null, refused: null, whole: false, braked: null };
}

export async function giveUpHead(queries: Queries, reason: string): Promise<void> {
  await queries.sql('update twilio_sync.results_head set given_up = $1 where given_up is null', [reason]);
}

export async function refuse(queries: Queries, reason: string | null): Promise<void> {
  await queries.sql('update twilio_sync.results_head set refused = $1', [reason]);
}

/** Results are not wanted any more. If they are wanted again, everything is read again. */
export async function leaveResults(queries: Queries): Promise<void> {
  await queries.sql(
    `update twilio_sync.results_head set mark = null, followed_since = null, generation = null, whole_since = null, refused = null`,
  );
  await queries.sql('delete from twilio_sync.results_walks');
  await queries.sql('delete from twilio_sync.results_due');
}

interface WantedWalk {
  /** For new filters, or for more history: until it ends no gap is noted. */
  first: boolean;
  pending: boolean;
}

/** Which walk is to begin; null for none. Asked with each pass, so that it does not take the lease for nothing. */
export async function readWantedWalk(queries: Queries, again: boolean): Promise<WantedWalk | null> {
  const [wanted] = await queries.sql<WantedWalk>(
    `select head.generation is distinct from scope.generation or head.history_from > scope.history_from or head.history_from is null as first,
       exists (select from twilio_sync.results_walks where ended_at is null and kind not in ('rest', 'gaps')) as pending
     from twilio_sync.results_head head, twilio_sync.scope`,
  );
  return wanted !== undefined && (wanted.first || (again && !wanted.pending)) ? wanted : null;
}

/** See ResultsStore.beginWalk. */
export async function beginWalk(queries: Queries, again: boolean): Promise<void> {
  const wanted = await readWantedWalk(queries, again);
  if (wanted === null) return;
  if (wanted.first) {
    await queries.sql(
      `with replaced as (delete from twilio_sync.results_walks where ended_at is null and kind <> 'rest' returning id)
       delete from twilio_sync.results_due where walk_id in (select id from replaced)`,
    );
    await queries.sql(
      `update twilio_sync.results_head set generation = scope.generation, history_from = scope.history_from, whole_since = null from twilio_sync.scope`,
    );
  }
  await queries.sql(`insert into twilio_sync.results_walks (kind) values ('all')`);
}

/** See ResultsStore.pendingWalk. */
export async function readPendingWalk(queries: Queries): Promise<Walk | null> {
  const [walk] = await queries.sql<Walk>(
    `select id::int as id, kind, operator_id as "operatorId", floor(${seconds('down_to')}) as "downTo", token,
       floor(${seconds('reached')}) as reached, ordered, restarts
     from twilio_sync.results_walks where ended_at is null order by kind = 'rest' desc, id limit 1`,
  );
  return walk ?? null;
}

export async function restartWalk(queries: Queries, { id }: Walk): Promise<void> {
  await queries.sql(
    'update twilio_sync.results_walks set token = null, restarts = restarts + 1, failures = 0, error = null where id = $1',
    [id],
  );
}

export async function failWalk(queries: Queries, { id }: Walk, error: string): Promise<void> {
  await queries.sql('update twilio_sync.results_walks set failures = failures + 1, error = $2 where id = $1', [
    id,
    error,
  ]);
}

/** See ResultsStore.splitWalk. */
export async function splitWalk(queries: Queries, { id }: Walk): Promise<boolean> {
  const made = await queries.sql(
    `insert into twilio_sync.results_walks (kind, operator_id, ordered)
     select 'operator', known.id, false from (
       select id from twilio.operators where deleted_at is null
       union select operator_id from twilio.operator_results where operator_id is not null) as known
     where exists (select from twilio_sync.results_walks where id = $1 and ended_at is null)
     returning id`,
    [id],
  );
  if (made.length === 0) return false;
  await queries.sql('update twilio_sync.results_walks set ended_at = now() where id = $1', [id]);
  // It has not seen enough to say what is missing.
  await queries.sql('delete from twilio_sync.results_due where walk_id = $1', [id]);
  return true;
}

/**
 * Ends a walk. What it missed becomes due, unless that is too much to be believed. With the last one that is under way, every link
 * without its result becomes due.
 */
export async function endWalk(queries: Queries, { id, kind }: Walk, now: number, isTooMany: Brake): Promise<void> {
  const [walk] = await queries.sql<{ expected: number; missing: number }>(
    `update twilio_sync.results_walks set ended_at = now(), error = null, token = null where id = $1 and ended_at is null
     returning expected, missing`,
    [id],
  );
  if (walk === undefined) return;
  if (isTooMany(walk.expected, walk.missing)) {
    await queries.sql('update twilio_sync.results_walks set braked = true where id = $1', [id]);
    await queries.sql('delete from twilio_sync.results_due where walk_id = $1', [id]);
  } else {
    await queries.sql(
      'update twilio_sync.results_due set due_at = to_timestamp($2), walk_id = null where walk_id = $1',
      [id, now],
    );
  }
  if (kind === 'gaps')
    await queries.sql('update twilio_sync.results_head set whole_since = now() where whole_since is null');
  if (kind === 'rest' || kind === 'gaps') return;
  const [{ pending } = { pending: false }] = await queries.sql<{ pending: boolean }>(
    `select exists (select from twilio_sync.results_walks where ended_at is null and kind not in ('rest', 'gaps')) as pending`,
  );
  if (pending) return;
  // A link without its result is due from now on. On a large copy, looking for them takes many transactions.
  await queries.sql(`insert into twilio_sync.results_walks (kind) values ('gaps')`);
  await queries.sql(`delete from twilio_sync.results_walks where ended_at is not null and id < $1`, [id]);
}

/** How many conversations are searched in one transaction. */
const gapsAtOnce = 2_000;

/** Goes on with the search for links without a result. */
export async function searchGaps(queries: Queries, walk: Walk, now: number, isTooMany: Brake): Promise<void> {
  const last = await findGaps(queries, walk.token, gapsAtOnce, now);
  if (last === null) await endWalk(queries, walk, now, isTooMany);
  else await queries.sql('update twilio_sync.results_walks set token = $2 where id = $1', [walk.id, last]);
}

export type Brake = (expected: number, missing: number) => boolean;

export async function moveHead(queries: Queries, { mark, rest }: NonNullable<ResultLoad['head']>): Promise<void> {
  await queries.sql(
    `update twilio_sync.results_head set mark = greatest(mark, to_timestamp($1)), followed_since = coalesce(followed_since, to_timestamp($1))`,
    [mark],
  );
  // Once, also where the answer to COMMIT was lost.
  if (rest !== null)
    await queries.sql(
      `insert into twilio_sync.results_walks (kind, down_to, token) select 'rest', to_timestamp($1), $2::text
       where not exists (select from twilio_sync.results_walks
         where kind = 'rest' and ended_at is null and down_to = to_timestamp($1) and token is not distinct from $2)`,
      [rest.downTo, rest.token],
    );
}

export async function moveWalk(
  queries: Queries,
  { walk, token, reached, ordered, ended, checked }: NonNullable<ResultLoad['walk']>,
  listed: number,
  now: number,
  isTooMany: Brake,
): Promise<void> {
  // It may have been moved already: the answer to COMMIT may be lost.
  const still = await queries.sql(
    'select from twilio_sync.results_walks where id = $1 and ended_at is null and token is not distinct from $2',
    [walk.id, walk.token],
  );
  if (still.length === 0) return;
  const [found] = checked === null ? [] : await noteMissing(queries, walk, checked);
  await queries.sql(
    `update twilio_sync.results_walks set token = $2, reached = to_timestamp($3), ordered = $4, listed = listed + $5, failures = 0, error = null,
       restarts = case when to_timestamp($3) < reached or reached is null then 0 else restarts end,
       expected = expected + $6, missing = missing + $7
     where id = $1`,
    [walk.id, token, reached, ordered, listed, found?.expected ?? 0, found?.missing ?? 0],
  );
  if (ended) await endWalk(queries, walk, now, isTooMany);
}

/** Sets aside the stored results of a range of time that were not listed, until the walk ends. */
async function noteMissing(
  queries: Queries,
  { id }: Walk,
  { from, to, listed }: { from: number; to: number; listed: string[] },
): Promise<{ expected: number; missing: number }[]> {
  return await queries.sql<{ expected: number; missing: number }>(
    `with within as (
       select stored.conversation_id, stored.id, not (stored.id = any($4::text[])) as missing from twilio.operator_results stored
       join twilio.conversations on conversations.id = stored.conversation_id and deleted_at is null
       where stored.created_at >= case when $2::float8 = '-infinity' then '-infinity' else to_timestamp($2) end and stored.created_at < to_timestamp($3)
     ), noted as (
       insert into twilio_sync.results_due (conversation_id, operator_result_id, reason, due_at, walk_id)
       select conversation_id, id, 'missing', 'infinity', $1 from within where missing
       on conflict (conversation_id, operator_result_id) do nothing
     )
     select count(*)::int as expected, count(*) filter (where missing)::int as missing from within`,
    [id, Number.isFinite(from) ? from : '-Infinity', to, listed],
  );
}
