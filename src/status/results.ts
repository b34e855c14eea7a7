// What the database says of operator results: how far they are loaded, how many are awaited, and what stands in their way.
// Facts by one expression, in words by the sentences below.

import { iso, span } from '../postgres/instant.ts';
import { formatCount, formatDay, formatMany } from './format.ts';

export interface ResultFacts {
  /** When everything had been listed for the first time; null: it has not been yet. */
  loadedAt: string | null;
  /** The walk over the list that is under way, the failing one first. */
  walk: ResultWalk | null;
  /** Named by their conversations, and not stored yet. */
  awaited: number;
  /** Since the newest result was made. */
  newestSecondsAgo: number | null;
  /** Why the API shows no results; they are asked for again with each reconcile. */
  refused: string | null;
  /** Why new results are found by conversation, not in the newest part of the list. */
  byConversation: string | null;
  /** The deletion brake stopped the last walk. */
  braked: { expected: number; missing: number } | null;
}

export interface ResultWalk {
  startedAt: string;
  listed: number;
  /** When the oldest that it has listed was made. */
  reachedAt: string | null;
  failures: number;
  error: string | null;
}

// A whole walk may be followed by one for each operator, and by the search for what is named and was not listed.
/** A `ResultFacts` as JSON; null where results are not kept with their content, or were never asked for. */
export const resultFacts = `(select to_json(row) from (
      select ${iso('whole_since')} as "loadedAt",
        (select to_json(walk) from (
           select ${iso('started_at')} as "startedAt", case when kind = 'rest' then listed else whole_listed end as listed,
             ${iso('reached')} as "reachedAt", failures, error
           from twilio_sync.results_walks cross join (
             select sum(listed)::int as whole_listed from twilio_sync.results_walks
             where kind <> 'rest' and id >= (select max(id) from twilio_sync.results_walks where kind = 'all')) as whole
           where ended_at is null order by failures desc, kind = 'rest', id limit 1) as walk) as walk,
        (select count(*)::int from twilio_sync.results_due where reason = 'linked') as awaited,
        (select (${span('max(created_at)')})::int from twilio.operator_results) as "newestSecondsAgo",
        refused, given_up as "byConversation",
        (select json_build_object('expected', expected, 'missing', missing)
         from twilio_sync.results_walks where braked order by id desc limit 1) as braked
      from twilio_sync.results_head where mark is not null or generation is not null or refused is not null) as row)`;

/** Whether the first load is under way: what is named may not be stored, and nothing says so yet. */
export function areLoading(results: ResultFacts | null): results is ResultFacts {
  return results !== null && results.loadedAt === null && results.refused === null;
}

/** What the first load has listed so far, in words. */
export function describeLoad({ walk }: ResultFacts): string {
  if (walk === null) return 'nothing is listed yet';
  const back = walk.reachedAt === null ? '' : `, back to ${formatDay(walk.reachedAt)}`;
  return `${formatCount(walk.listed)} listed${back}`;
}

/** A sentence on each thing that keeps results away, or makes them late, without the copy being out of sync. */
export function noticesOf(results: ResultFacts | null): string[] {
  if (results === null) return [];
  const { refused, byConversation } = results;
  if (refused !== null)
    return [`The API shows no operator results, so they are asked for again with each reconcile: ${refused}.`];
  return byConversation === null
    ? []
    : [`New operator results are found by conversation, which can take longer: ${byConversation}.`];
}

/** How many are awaited, in words; empty for none. */
export function describeAwaited({ awaited }: ResultFacts): string {
  return awaited === 0 ? '' : `${formatMany(awaited, 'result')} awaited`;
}
