// What ran, when, and with what outcome: rows of twilio_sync.runs. A row without an end is still running, or was killed.
// They are for people to read; nothing is decided by them.

import type { Database } from './database.ts';
import type { Rows } from './rows.ts';

export type RunOutcome = 'ok' | 'incomplete' | 'failed';

/** Records the beginning of a run. @returns its id, for `endRun`. */
export async function beginRun(database: Database, command: string): Promise<number> {
  const [row] = await database.run((queries) =>
    queries.sql<Pick<Rows['runs'], 'id'>>(
      'insert into twilio_sync.runs (command) values ($1) returning id::int as id',
      [command],
    ),
  );
  return row?.id ?? 0;
}

/** Records the end of a run. `counts` is any object of numbers; `error` is a sentence without personal data. */
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

/** Of the last sample that was verified: how many conversations, and how many had drifted. Null before the first sample. */
export async function readLastSample(database: Database): Promise<{ verified: number; drifted: number } | null> {
  const [sample = null] = await database.run((queries) =>
    queries.sql<{ verified: number; drifted: number }>(
      `select (counts->>'verified')::int as verified, (counts->>'drifted')::int as drifted
       from twilio_sync.runs where (counts->>'verified')::int > 0 order by id desc limit 1`,
    ),
  );
  return sample;
}
