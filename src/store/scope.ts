// What a database is a copy of. One database holds one account behind one URL; other filters on the same account make
// every window due again.

import { isDeepStrictEqual } from 'node:util';
import type { FilterConfig } from '../config.ts';
import type { Database } from './database.ts';

/** The database is another account's, or of another API; exit status 2. */
export class WrongScope extends Error {
  override readonly name = 'WrongScope';
}

export interface Scope {
  accountSid: string;
  baseUrl: string;
  filters: FilterConfig;
}

export interface Entered {
  generation: number;
  /** The filters are others than before. */
  changed: boolean;
}

interface Stored {
  account: string;
  url: string;
  filters: object;
  generation: number;
}

const select = 'select account_sid as account, base_url as url, filters, generation from twilio_sync.scope';

/** Holds a scope against the database's, and changes nothing. @throws WrongScope for another account or URL. */
export async function refuseWrongScope(database: Database, scope: Scope): Promise<Entered> {
  const [stored] = await database.run((queries) => queries.sql<Stored>(select));
  if (stored === undefined) return { generation: 1, changed: false };
  refuseOthers(stored, scope);
  return { generation: stored.generation, changed: false };
}

/**
 * Enters the scope into a new database, or holds it against the one that is there; other filters replace those, and
 * everything is to be listed again. To be called by whoever holds the lease. @throws WrongScope for another account or URL.
 */
export async function enterScope(database: Database, scope: Scope): Promise<Entered> {
  const filters = JSON.parse(JSON.stringify(scope.filters));
  return await database.transaction(async (queries) => {
    await queries.sql(
      'insert into twilio_sync.scope (account_sid, base_url, filters) values ($1, $2, $3) on conflict do nothing',
      [scope.accountSid, scope.baseUrl, filters],
    );
    const [stored] = await queries.sql<Stored>(`${select} for update`);
    if (stored === undefined) throw new Error('the row of twilio_sync.scope is gone');
    refuseOthers(stored, scope);
    if (isDeepStrictEqual(stored.filters, filters)) return { generation: stored.generation, changed: false };
    const generation = stored.generation + 1;
    await queries.sql('update twilio_sync.scope set filters = $1, generation = $2', [filters, generation]);
    // What was listed under the old filters says nothing of the new ones.
    await queries.sql('delete from twilio_sync.due where sweep_id is not null');
    await queries.sql('delete from twilio_sync.windows');
    await queries.sql('delete from twilio_sync.sweeps');
    return { generation, changed: true };
  });
}

function refuseOthers({ account, url }: Stored, scope: Scope): void {
  if (account !== scope.accountSid) {
    throw new WrongScope(
      `this database holds the conversations of account ${account}, not of ${scope.accountSid}: use another database, or the settings of that account`,
    );
  }
  if (url !== scope.baseUrl) {
    throw new WrongScope(
      `this database was filled from ${url}, not from ${scope.baseUrl}: use another database, or see TWILIO_INTELLIGENCE_URL, TWILIO_EDGE and TWILIO_REGION`,
    );
  }
}
