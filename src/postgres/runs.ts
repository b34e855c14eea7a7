// What ran, when, and how it went: rows of twilio_sync.runs. A row without an end runs still, or was killed.
// For people to look at: no decision is made by them.

import type { Database } from './database.ts';
import type { Rows } from './rows.ts';

export type RunOutcome = 'ok' | 'incomplete' | 'failed';

/** Notes a beginning. @returns what its end is noted under. */
export async function beginRun(database: Database, command: string): Promise<number> {
  const [row] = await database.run((queries) =>
    queries.sql<Pick<Rows['runs'], 'id'>>(
      'insert into twilio_sync.runs (command) values ($1) returning id::int as id',
      [command],
    ),
  );
  return row?.id ?? 0;
}

/** Notes an end. `counts` is any object of numbers; `error` is for people and holds nothing of anybody's text. */
export async function endRun(
  database: Database,
  id: number,
  outcome: RunOutcome,
  counts: object,
  error: string | null,
): Promise<void> {
  await database.run((queries) =>
    queries.sql('update twilio_sync.runs set ended_at = now(), outcome = $2, counts = $3, error = $4 where id = $1', [
      id,
      outcome,
      counts,
      error,
    ]),
  );
}

/** Of the last sample that was held against the API: how many, and how many of them had drifted; null before the first. */
export async function readLastSample(database: Database): Promise<{ verified: number; drifted: number } | null> {
  const [sample = null] = await database.run((queries) =>
    queries.sql<{ verified: number; drifted: number }>(
      `select (counts->>'verified')::int as verified, (counts->>'drifted')::int as drifted
       from twilio_sync.runs where (counts->>'verified')::int > 0 order by id desc limit 1`,
    ),
  );
  return sample;
}
