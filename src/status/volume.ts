// How much is stored: in all, by the day of its creation, by the hour in which it was stored. This reads the tables that
// people query, which may be large: at 300,000 conversations it takes a good part of a second, so ask it seldom.

import type { Queries } from '../postgres/database.ts';
import { iso } from '../postgres/instant.ts';

export interface Volume {
  /** Not counting those that the API no longer has. */
  conversations: number;
  open: number;
  deleted: number;
  communications: number;
  operatorResultLinks: number;
  /** The rows of `twilio.coverage`: from the day history begins to today, in UTC. */
  days: Day[];
  /** The last 48, the newest last. */
  hours: Hour[];
}

/** Conversations created on one day; `stored` does not count the deleted, `awaited` were listed and are not stored yet. */
export interface Day {
  day: string;
  /** When the day was last listed from its beginning to its end; null: never. */
  listedCompletelyAt: string | null;
  stored: number;
  open: number;
  quarantined: number;
  awaited: number;
  deleted: number;
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
  const days = await readDays(queries);
  const sum = (key: 'stored' | 'open' | 'deleted') => days.reduce((total, day) => total + day[key], 0);
  const [children] = await queries.sql<Pick<Volume, 'communications' | 'operatorResultLinks'>>(
    `select (select count(*)::int from twilio.communications) as communications,
       (select count(*)::int from twilio.operator_result_links) as "operatorResultLinks"`,
  );
  if (children === undefined) throw new Error('the database gave no counts');
  // Every conversation is in one of the days: the view has those outside of history too.
  return {
    conversations: sum('stored'),
    open: sum('open'),
    deleted: sum('deleted'),
    ...children,
    days,
    hours: await readHours(queries),
  };
}

async function readHours(queries: Queries): Promise<Hour[]> {
  return await queries.sql<Hour>(
    `select ${iso('hour')} as hour, count(*) filter (where synced_at = first_synced_at and deleted_at is null)::int as added,
       count(*) filter (where synced_at <> first_synced_at and deleted_at is null)::int as changed, count(deleted_at)::int as deleted
     from generate_series(date_trunc('hour', now(), 'UTC') - interval '47 hours', now(), interval '1 hour') as hour
     left join twilio.conversations on synced_at >= hour and synced_at < hour + interval '1 hour'
     group by hour order by hour`,
  );
}

async function readDays(queries: Queries): Promise<Day[]> {
  return await queries.sql<Day>(
    `select to_char(day, 'YYYY-MM-DD') as day, ${iso('listed_completely_at')} as "listedCompletelyAt",
       stored::int as stored, open::int as open, quarantined::int as quarantined, awaited::int as awaited, deleted::int as deleted
     from twilio.coverage order by day`,
  );
}
