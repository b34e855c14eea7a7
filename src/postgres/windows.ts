// Windows and sweeps as rows: planned, replaced, moved along by checkpoints, completed, ended. The row of a completed window stays
// as the record of what was listed when. It replaces the completed ones that lie inside it.

import type { Checkpoint, EndedSweep, Missing, Sweep, TimeRange, Window } from '../sync/model.ts';
import type { Queries } from './database.ts';
import { dropForgotten, putDue, removeDue } from './due.ts';
import { seconds, span } from './instant.ts';
import type { Rows } from './rows.ts';

/** See Store.windows. */
export async function readWindows(
  queries: Queries,
  latest = Number.POSITIVE_INFINITY,
): Promise<{ pending: Window[]; covered: TimeRange[]; reached: number | null }> {
  const rows = await queries.sql<WindowRow>(
    `select id::int as id, sweep_id::int as "sweepId", sweep, ${seconds('from_at')} as from, ${seconds('to_at')} as to,
       ${seconds('cursor')} as cursor, failures, completed_at is not null as completed
     from twilio_sync.windows order by to_at desc`,
  );
  const listed = rows.filter(({ completed, sweep, to }) => completed && sweep !== 'open' && to <= latest);
  const upToNow = listed.filter(({ sweep }) => sweep === 'new' || sweep === 'lookback' || sweep === 'reconcile');
  return {
    pending: rows.filter(({ completed }) => !completed),
    covered: listed,
    reached: upToNow.length === 0 ? null : Math.max(...upToNow.map(({ to }) => to)),
  };
}

/** Times as seconds. */
type WindowRow = Window & Pick<Rows['windows'], 'id' | 'sweepId' | 'failures'> & { completed: boolean };

/** See Store.plan. */
export async function planWindows(queries: Queries, sweep: Sweep, ranges: TimeRange[]): Promise<Window[]> {
  if (ranges.length === 0) return [];
  const windows = await queries.sql<Pick<Rows['windows'], 'id' | 'sweepId'> & TimeRange>(
    `with made as (insert into twilio_sync.sweeps (sweep) values ($1) returning id),
       planned as (
         insert into twilio_sync.windows (sweep_id, sweep, from_at, to_at, cursor)
         select made.id, $1, to_timestamp(lower), to_timestamp(upper), to_timestamp(upper)
         from made, unnest($2::float8[], $3::float8[]) as range(lower, upper) order by upper desc
         returning id, sweep_id, from_at, to_at)
     select id::int as id, sweep_id::int as "sweepId", ${seconds('from_at')} as from, ${seconds('to_at')} as to
     from planned order by to_at desc`,
    [sweep, ranges.map(({ from }) => from), ranges.map(({ to }) => to)],
  );
  const [first] = windows;
  // Each backfill, and each range that a person asked for, is a sweep of its own.
  if (first !== undefined && sweep !== 'backfill' && sweep !== 'range')
    await replaceSweeps(queries, sweep, first.sweepId);
  return windows.map((window) => ({ ...window, sweep, cursor: window.to, failures: 0 }));
}

/** Removes unfinished sweeps of a kind. What they set aside, and the records of what they listed, pass to the new one. */
async function replaceSweeps(queries: Queries, sweep: Sweep, by: number): Promise<void> {
  const rows = await queries.sql<Pick<Rows['windows'], 'id'>>(
    `select distinct sweep_id::int as id from twilio_sync.windows where sweep = $1 and completed_at is null and sweep_id <> $2`,
    [sweep, by],
  );
  if (rows.length === 0) return;
  const replaced = rows.map(({ id }) => id);
  // The part of a window that was listed is kept as a record too. It counts as listed when the sweep started.
  const parts = await queries.sql<Pick<Rows['windows'], 'id'>>(
    `update twilio_sync.windows set from_at = cursor, completed_at = started_at, failures = 0, error = null
     from twilio_sync.sweeps where sweeps.id = sweep_id and sweep_id = any($1) and completed_at is null and cursor < to_at
     returning windows.id::int as id`,
    [replaced],
  );
  await queries.sql('delete from twilio_sync.windows where sweep_id = any($1) and completed_at is null', [replaced]);
  await dropInside(
    queries,
    parts.map(({ id }) => id),
  );
  await queries.sql('update twilio_sync.windows set sweep_id = $2 where sweep_id = any($1)', [replaced, by]);
  await queries.sql('update twilio_sync.due set sweep_id = $2 where sweep_id = any($1)', [replaced, by]);
  await queries.sql('delete from twilio_sync.sweeps where id = any($1)', [replaced]);
}

/** Records that a window could not be listed. */
export async function failWindow(queries: Queries, { id }: Window, error: string): Promise<void> {
  await queries.sql('update twilio_sync.windows set failures = failures + 1, error = $2 where id = $1', [id, error]);
}

/** Stores the end of a slice: what it found, and how far its window is. */
export async function applyCheckpoint(queries: Queries, checkpoint: Checkpoint, generation: number): Promise<void> {
  if (checkpoint.touched.length > 0) {
    await queries.sql('update twilio_sync.fingerprints set generation = $2 where conversation_id = any($1)', [
      checkpoint.touched,
      generation,
    ]);
  }
  await removeDue(queries, checkpoint.relisted);
  await putDue(queries, checkpoint.due);
  if (await moveCursor(queries, checkpoint)) await completeWindow(queries, checkpoint);
  // Since the slice was compared, a person may have had some of them forgotten.
  await dropForgotten(queries, [...checkpoint.missing, ...checkpoint.due.map(({ id }) => id)]);
}

/**
 * Moves a window's cursor and counts what the slice showed. A window that was planned while the clock was ahead ends where its
 * listing did. Missing conversations are set aside until the sweep ends, under the last sweep that missed them. An open one
 * that is no longer listed as open is due at once: most likely it closed. A failure recorded since the slice was listed stays,
 * because it is about what comes after the slice.
 * @returns false if the same load had already moved the cursor, and its answer was lost: nothing is counted twice.
 */
async function moveCursor(queries: Queries, checkpoint: Checkpoint): Promise<boolean> {
  const { window, cursor, listedAt } = checkpoint;
  const moved = await queries.sql(
    `update twilio_sync.windows set cursor = to_timestamp($2),
       failures = case when failures = $5 then 0 else failures end, error = case when failures <> $5 then error end,
       to_at = greatest(to_timestamp($2), least(to_at, to_timestamp($4)))
     where id = $1 and cursor = to_timestamp($3) returning id`,
    [window.id, cursor, window.cursor, listedAt, window.failures],
  );
  if (moved.length === 0) return false;
  const open = window.sweep === 'open';
  const aside = await queries.sql(
    `insert into twilio_sync.due (conversation_id, reason, due_at, sweep_id)
     select id, $2, case when $3 then to_timestamp(0) else 'infinity' end, case when $3 then null else $4::bigint end
     from unnest($1::text[]) as missing(id)
     on conflict (conversation_id, reason) do update set sweep_id = excluded.sweep_id, number = excluded.number
       where due.sweep_id is not null returning conversation_id`,
    [checkpoint.missing, open ? 'open' : 'missing', open, window.sweepId],
  );
  await queries.sql(
    `update twilio_sync.sweeps set listed = listed + $2, expected = expected + $3, missing = missing + $4,
       oldest_listed = least(oldest_listed, to_timestamp($5)) where id = $1`,
    [window.sweepId, checkpoint.listed, checkpoint.expected, aside.length, checkpoint.oldest],
  );
  return true;
}

/** A window that ends later than a window of `new`, which ends now, was completed while the clock was ahead. It proves nothing about the range of that one. */
const cutAhead = `update twilio_sync.windows ahead set to_at = greatest(ahead.from_at, whole.from_at)
  from twilio_sync.windows whole where whole.id = $1 and ahead.id <> $1 and ahead.completed_at is not null
    and ahead.sweep <> 'open' and ahead.to_at > whole.to_at`;

/** Records when a window was completed, if the checkpoint is its last. */
async function completeWindow(queries: Queries, { window, cursor }: Checkpoint): Promise<void> {
  if (cursor > window.from) return;
  // If the clock was set back, others were completed later than now. They would be taken for the last.
  await queries.sql('update twilio_sync.windows set completed_at = now() where id = $1 or completed_at > now()', [
    window.id,
  ]);
  if (window.sweep === 'new') await queries.sql(cutAhead, [window.id]);
  await dropInside(queries, [window.id]);
}

/** Deletes the completed windows inside these. Of `open`, all earlier ones are deleted: they prove nothing about what is missing. */
async function dropInside(queries: Queries, ids: number[]): Promise<void> {
  if (ids.length === 0) return;
  await queries.sql(
    `delete from twilio_sync.windows inner_window using twilio_sync.windows whole
     where whole.id = any($1) and inner_window.id <> whole.id and inner_window.completed_at is not null
       and case when whole.sweep = 'open' then inner_window.sweep = 'open' and inner_window.sweep_id < whole.sweep_id
         else inner_window.sweep <> 'open' and inner_window.from_at >= whole.from_at and inner_window.to_at <= whole.to_at end`,
    [ids],
  );
}

/** See Store.endSweeps. Puts the sweeps that it ends, or that the brake stops for the first time, into `ended`, by id. */
export async function endSweeps(
  queries: Queries,
  now: number,
  brake: (found: Missing) => boolean,
  ended: Map<string, EndedSweep>,
): Promise<void> {
  const release = (id: string) =>
    queries.sql('update twilio_sync.due set due_at = to_timestamp($2), sweep_id = null where sweep_id = $1', [id, now]);
  for (const { id, stopped, ...found } of await queries.sql<Unended>(unendedStatement)) {
    const { sweep, expected, missing, complete } = found;
    const braked = sweep !== 'open' && brake(found);
    const ends = complete
      ? 'ended_at = now(), braked = $2 where id = $1'
      : 'braked = $2 where id = $1 and braked <> $2';
    await queries.sql(`update twilio_sync.sweeps set ${ends}`, [id, braked]);
    if (!braked) await release(id);
    else if (complete) await queries.sql('delete from twilio_sync.due where sweep_id = $1', [id]);
    if (complete && sweep === 'reconcile') await tidy(queries, id);
    if (complete || (braked && !stopped)) ended.set(id, { sweep, expected, missing, braked });
  }
}

type Unended = Missing & Pick<Rows['sweeps'], 'expected' | 'missing'> & { id: string; stopped: boolean };

// Unended sweeps without a window that can still be listed. A sweep can have taken over missing conversations from a range that it
// could not list itself, so these count as well as those that it missed.
const unendedStatement = `
  select id, sweep, expected, greatest(missing, aside.held) as missing, braked as stopped, parts.complete,
    ${seconds('oldest_listed')} as "oldestListed", ${seconds('aside.oldest')} as "oldestMissing", ${seconds('aside.newest')} as "newestMissing",
    ${span(`coalesce((${lastReconcile('ended_at')}), (select created_at from twilio_sync.scope))`, 'now()')} as "secondsSinceReconcile"
  from twilio_sync.sweeps
  cross join lateral (
    select count(*) filter (where completed_at is null) = 0 as complete, count(*) filter (where completed_at is null and failures = 0) > 0 as can_go_on
    from twilio_sync.windows where sweep_id = sweeps.id) as parts
  cross join lateral (
    select count(*)::int as held, min(created_at) as oldest, max(created_at) as newest
    from twilio_sync.due left join twilio.conversations on conversations.id = due.conversation_id where due.sweep_id = sweeps.id) as aside
  where ended_at is null and not parts.can_go_on`;

/** SQL for a column of the last reconcile that the brake let through. */
function lastReconcile(column: string): string {
  return `select ${column} from twilio_sync.sweeps where sweep = 'reconcile' and ended_at is not null and not braked order by id desc limit 1`;
}

/** After a complete reconcile: deletes items without an id that were not seen again, attempts at what is no longer large, and old records of work done. */
async function tidy(queries: Queries, sweepId: string): Promise<void> {
  await queries.sql(
    `delete from twilio_sync.due old where (conversation_id like 'item:%' or (reason = 'large' and not exists (
       select from twilio_sync.due failed where failed.conversation_id = old.conversation_id and failed.reason = 'failed')))
     and last_at < (select started_at from twilio_sync.sweeps where id = $1 and started_at <= now())`,
    [sweepId],
  );
  // The windows of two reconciles are shifted, so hardly one lies inside another. Together the new ones cover the same range,
  // except for what lies before a start of history that has moved.
  await queries.sql(
    `delete from twilio_sync.windows older using twilio_sync.sweeps,
       (select min(from_at) as from_at, max(to_at) as to_at from twilio_sync.windows where sweep_id = $1) as whole
     where sweeps.id = $1 and older.sweep_id <> $1 and older.sweep <> 'open' and older.completed_at < sweeps.started_at
       and older.to_at > whole.from_at and older.to_at <= whole.to_at`,
    [sweepId],
  );
  await queries.sql(`delete from twilio_sync.runs where started_at < now() - interval '30 days'`);
  await queries.sql(
    `delete from twilio_sync.sweeps where ended_at < now() - interval '30 days' and id <> coalesce((${lastReconcile('id')}), 0)
     and not exists (select from twilio_sync.windows where sweep_id = sweeps.id)`,
  );
}
