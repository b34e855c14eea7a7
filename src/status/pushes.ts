// What the database says of webhooks: how many were taken, when the last was, and how soon what it announced was stored. Facts by one
// expression, in words by the sentence below.

import { iso, span } from '../postgres/instant.ts';
import { formatCount, formatDuration, formatWork } from './format.ts';

export interface PushFacts {
  /** Webhooks that announced something. */
  taken: number;
  lastAt: string;
  lastSecondsAgo: number;
  /** Conversations stored because of them. */
  stored: number;
  /** How long the last that was stored had waited; null: none was. */
  waitedMs: number | null;
}

/** A `PushFacts` as JSON; null where no webhook was ever taken. */
export const pushFacts = `(select to_json(row) from (
      select taken, ${iso('last_at')} as "lastAt", (${span('last_at')})::int as "lastSecondsAgo", stored, waited_ms as "waitedMs"
      from twilio_sync.pushes where last_at is not null) as row)`;

/** They in words; empty where none was ever taken. */
export function describePushes(pushes: PushFacts | null): string {
  if (pushes === null) return '';
  const { taken, lastSecondsAgo, waitedMs } = pushes;
  const stored =
    waitedMs === null ? '' : `; the last conversation was stored ${formatWork(waitedMs / 1000)} after its webhook`;
  return `${formatCount(taken)} taken, the last ${formatDuration(lastSecondsAgo)} ago${stored}`;
}
