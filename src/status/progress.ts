// How far history is listed, and how long the rest may take: by the range of time, since nobody knows how many
// conversations it holds, and by the time that passes were running, so that an outage does not count.

import { iso, nowInMicroseconds, seconds as secondsOf, span } from '../postgres/instant.ts';
import { isHeld } from '../postgres/lease.ts';

export interface Progress {
  /** `backfill`: for the first time. `reconcile`: again. `range`: what a person asked for. */
  sweep: 'backfill' | 'reconcile' | 'range';
  startedAt: string;
  /** Days of createdAt that are to be listed, and that are not yet. */
  days: number;
  daysLeft: number;
  /** Of the days, how much is done: 0 to 1. */
  done: number;
  /** Null where it cannot be estimated yet, or no worker is running. */
  secondsLeft: number | null;
}

interface Row {
  sweep: Progress['sweep'];
  startedAt: string;
  seconds: number;
  left: number;
  worked: number;
  running: boolean;
}

/** One `Row`, of the sweep that loads history if there is one, else of the one that lists it again; none if there is neither. */
// A run without an end that is not the last was killed, nobody knows when: it counts up to the next one's start.
export const progressStatement = `select sweep, ${iso('started_at')} as "startedAt", span.seconds, span.left, worked.seconds as worked,
       exists (select from twilio_sync.lease where ${isHeld(nowInMicroseconds)}) as running
     from twilio_sync.sweeps
     cross join lateral (
       select sum(${secondsOf('to_at - from_at')}) as seconds, sum(${secondsOf('cursor - from_at')}) as left
       from twilio_sync.windows where sweep_id = sweeps.id and coalesce(completed_at > sweeps.started_at, true)) as span
     cross join lateral (
       select coalesce(sum(${span('greatest(began, sweeps.started_at)', 'least(ended, now())')}), 0) as seconds
       from (select started_at as began, coalesce(ended_at, lead(started_at) over (order by id), now()) as ended
             from twilio_sync.runs where started_at > sweeps.started_at - interval '1 day') as passes
       where ended > sweeps.started_at) as worked
     where id in (select sweep_id from twilio_sync.windows
                  where completed_at is null and sweep in ('backfill', 'reconcile', 'range'))
     order by sweep, id limit 1`;

/** Little of the range, or of time, says little of the rest: conversations do not lie evenly in it. */
const enough = { done: 0.05, seconds: 5 };

/** The progress, with an estimate where one can be made. */
export function progressOf({ sweep, startedAt, seconds, left, worked, running }: Row): Progress {
  const done = seconds === 0 ? 0 : (seconds - left) / seconds;
  const known = running && done >= enough.done && worked >= enough.seconds;
  const days = (span: number) => Math.round(span / 8640) / 10;
  return {
    sweep,
    startedAt,
    days: days(seconds),
    daysLeft: days(left),
    done: Math.round(done * 1000) / 1000,
    secondsLeft: known ? Math.round((worked / done) * (1 - done)) : null,
  };
}
