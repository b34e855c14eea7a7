// How things stand, as one value: read from the database alone, so that it can be asked whether or not a worker runs.
// The command `status` and the status page show the same value, so they cannot disagree. Ages are by the database's clock.

import type { Database } from '../postgres/database.ts';
import { readStanding, type Standing } from './standing.ts';
import { readVolume, type Volume } from './volume.ts';

/** Its keys are public: programs read them from `status --json`. Instants are ISO 8601 in UTC, to the second. */
export interface Status extends Standing, Volume {}

/** Reads it. @throws DatabaseTrouble, also where the tables are missing. */
export async function readStatus(database: Database): Promise<Status> {
  return await database.run(async (queries) => ({ ...(await readStanding(queries)), ...(await readVolume(queries)) }));
}
