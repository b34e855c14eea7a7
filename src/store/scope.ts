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

/**
 * Enters the scope into a new database, or holds it against the one that is there.
 * @returns the generation of the filters, and whether they changed just now.
 * @throws WrongScope for another account or URL.
 */
export async function enterScope(database: Database, scope: Scope): Promise<{ generation: number; changed: boolean }> {
  const filters = JSON.parse(JSON.stringify(scope.filters));
  return await database.transaction(async (queries) => {
    await queries.sql(
      'insert into twilio_sync.scope (account_sid, base_url, filters) values ($1, $2, $3) on conflict do nothing',
      [scope.accountSid, scope.baseUrl, filters],
    );
    const [stored] = await queries.sql<{ account: string; url: string; filters: object; generation: number }>(
      'select account_sid as account, base_url as url, filters, generation from twilio_sync.scope for update',
    );
    if (stored === undefined) throw new Error('the row of twilio_sync.scope is gone');
    if (stored.account !== scope.accountSid) {
      throw new WrongScope(
        `this database holds the conversations of account ${stored.account}, not of ${scope.accountSid}: use another database, or the settings of that account`,
      );
    }
    if (stored.url !== scope.baseUrl) {
      throw new WrongScope(
        `this database was filled from ${stored.url}, not from ${scope.baseUrl}: use another database, or see TWILIO_INTELLIGENCE_URL, TWILIO_EDGE and TWILIO_REGION`,
      );
    }
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
