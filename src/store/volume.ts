// How much is stored: in all, by the day of its creation, by the hour in which it was stored. This reads the tables that
// people query, which may be large: at 300,000 conversations it takes a good part of a second, so ask it seldom.

import type { Queries } from './database.ts';
import { iso } from './instant.ts';

export interface Volume {
  /** Not counting those that the API no longer has. */
  conversations: number;
  open: number;
  deleted: number;
  communications: number;
  operatorResultLinks: number;
  /** From the day history begins to today, in UTC. */
  days: Day[];
  /** The last 48, the newest last. */
  hours: Hour[];
}

/** Conversations created on one day. */
export interface Day {
  day: string;
  /** When the day was last listed from its beginning to its end; null: never. */
  listedCompletelyAt: string | null;
  stored: number;
  open: number;
  quarantined: number;
}

/** What was stored in one hour. A conversation counts in the hour of its last change. */
export interface Hour {
  hour: string;
  added: number;
  changed: number;
  deleted: number;
}

/** Reads it. */
export async function readVolume(queries: Queries): Promise<Volume> {
  const [counts] = await queries.sql<Omit<Volume, 'days' | 'hours'>>(
    `select count(*) filter (where deleted_at is null)::int as conversations,
       count(*) filter (where deleted_at is null and status in ('ACTIVE', 'INACTIVE'))::int as open,
       count(deleted_at)::int as deleted,
       (select count(*)::int from twilio.communications) as communications,
       (select count(*)::int from twilio.operator_result_links) as "operatorResultLinks"
     from twilio.conversations`,
  );
  if (counts === undefined) throw new Error('the database gave no counts');
  return { ...counts, days: await readDays(queries), hours: await readHours(queries) };
}

async function readHours(queries: Queries): Promise<Hour[]> {
  return await queries.sql<Hour>(
    `select ${iso('hour')} as hour, count(*) filter (where synced_at = first_synced_at and deleted_at is null)::int as added,
       count(*) filter (where synced_at <> first_synced_at and deleted_at is null)::int as changed, count(deleted_at)::int as deleted
     from generate_series(date_trunc('hour', now()) - interval '47 hours', now(), interval '1 hour') as hour
     left join twilio.conversations on synced_at >= hour and synced_at < hour + interval '1 hour'
     group by hour order by hour`,
  );
}

async function readDays(queries: Queries): Promise<Day[]> {
  return await queries.sql<Day>(
    `with listed as (
       select from_at, to_at, completed_at from twilio_sync.windows where completed_at is not null and sweep <> 'open'
     ), days as (
       select day from generate_series(
         (select date_trunc('day', min(from_at) at time zone 'UTC') from twilio_sync.windows where sweep <> 'open'),
         now() at time zone 'UTC', interval '1 day') as day
     ), stored as (
       select date_trunc('day', created_at at time zone 'UTC') as day, count(*)::int as stored,
         count(*) filter (where status in ('ACTIVE', 'INACTIVE'))::int as open
       from twilio.conversations where deleted_at is null group by 1
     ), quarantined as (
       select date_trunc('day', created_at at time zone 'UTC') as day, count(*)::int as quarantined
       from twilio_sync.quarantine join twilio.conversations on id = conversation_id group by 1
     )
     select to_char(day, 'YYYY-MM-DD') as day, ${iso('whole.at')} as "listedCompletelyAt",
       coalesce(stored, 0) as stored, coalesce(open, 0) as open, coalesce(quarantined, 0) as quarantined
     from days left join stored using (day) left join quarantined using (day)
     cross join lateral (
       select case when bool_and(at is not null) then min(at) end as at from (
         select (select max(completed_at) from listed where from_at <= point and to_at > point) as at
         from (select day at time zone 'UTC' as point
               union select from_at from listed where from_at > day at time zone 'UTC' and from_at < (day + interval '1 day') at time zone 'UTC'
               union select to_at from listed where to_at > day at time zone 'UTC' and to_at < (day + interval '1 day') at time zone 'UTC') as points
         where point < (select max(to_at) from listed)) as edges) as whole
     order by day`,
  );
}
