// The scope: the account, URL and filters that a database is a copy of. A database holds one account behind one URL. A change of
// filters starts a new generation: everything is listed again.

import { isDeepStrictEqual } from 'node:util';
import type { FilterConfig } from '../config/config.ts';
import type { HistoryStart } from '../sync/model.ts';
import { startAt } from '../sync/sweeps.ts';
import type { Database, Queries } from './database.ts';
import { seconds } from './instant.ts';
import type { Rows } from './rows.ts';

/** The database belongs to another account or API; exit status 2. `found` and `advice` together are the message. */
export class WrongScope extends Error {
  override readonly name = 'WrongScope';
  readonly found: string;
  readonly advice: string;
  constructor(found: string, advice: string) {
    super(`${found}: ${advice}`);
    this.found = found;
    this.advice = advice;
  }
}

export interface Scope {
  accountSid: string;
  baseUrl: string;
  filters: FilterConfig;
  /** How far back history goes. */
  start: HistoryStart;
  /** For how long conversations are kept; null: for ever. */
  retentionSeconds?: number | null;
}

export interface Entered {
  generation: number;
  /** Whether the scope differs from the stored one. */
  changed: boolean;
  /** Where history begins, seconds since the epoch, by the database's clock. */
  start: number;
}

interface Stored extends Pick<Rows['scope'], 'filters' | 'generation'> {
  account: Rows['scope']['accountSid'];
  url: Rows['scope']['baseUrl'];
  /** Nothing was stored or listed yet: a mistyped account or URL must not keep the right one out. */
  unused: boolean;
}

const select = `select account_sid as account, base_url as url, filters, generation,
    (select min(id) from twilio.conversations) is null
      and not exists (select from twilio_sync.windows where completed_at is not null) as unused
  from twilio_sync.scope`;

/** Compares a scope with the database's, and changes nothing. @throws WrongScope for another account or URL. */
export async function refuseWrongScope(database: Pick<Database, 'run'>, scope: Scope): Promise<Entered> {
  return await database.run(async (queries) => {
    const start = await readStart(queries, scope);
    const [stored] = await queries.sql<Stored>(select);
    if (stored === undefined) return { generation: 1, changed: false, start };
    refuseOther(stored, scope);
    return { generation: stored.generation, changed: false, start };
  });
}

/**
 * Writes the scope into an empty database, or compares it with the stored one. Changed filters replace the stored ones, and
 * everything is listed again. The caller holds the lease. @throws WrongScope for another account or URL.
 */
export async function enterScope(database: Database, scope: Scope): Promise<Entered> {
  // The order of a filter's values has no meaning.
  const filters = JSON.parse(
    JSON.stringify(scope.filters, (_name, value) => (Array.isArray(value) ? value.toSorted() : value)),
  );
  return await database.transaction(async (queries) => {
    const start = await readStart(queries, scope);
    await queries.sql(
      `insert into twilio_sync.scope (account_sid, base_url, filters, history_from) values ($1, $2, $3, to_timestamp($4))
       on conflict (singleton) do update set history_from = excluded.history_from`,
      [scope.accountSid, scope.baseUrl, filters, start],
    );
    const [stored] = await queries.sql<Stored>(`${select} for update`);
    if (stored === undefined) throw new Error('twilio_sync.scope has no row');
    refuseOther(stored, scope);
    const same = stored.account === scope.accountSid && stored.url === scope.baseUrl;
    if (same && isDeepStrictEqual(stored.filters, filters))
      return { generation: stored.generation, changed: false, start };
    const generation = stored.generation + 1;
    await queries.sql('update twilio_sync.scope set account_sid = $1, base_url = $2, filters = $3, generation = $4', [
      scope.accountSid,
      scope.baseUrl,
      filters,
      generation,
    ]);
    // What was listed under other filters proves nothing about these.
    await queries.sql(`delete from twilio_sync.due ${same ? 'where sweep_id is not null' : ''}`);
    await queries.sql('delete from twilio_sync.windows');
    await queries.sql('delete from twilio_sync.sweeps');
    return { generation, changed: true, start };
  });
}

async function readStart(queries: Queries, { start, retentionSeconds = null }: Scope): Promise<number> {
  if (typeof start === 'number' && retentionSeconds === null) return start;
  const [clock] = await queries.sql<{ now: number }>(`select ${seconds('now()')} as now`);
  if (clock === undefined) throw new Error('the database gave no time');
  return startAt(start, clock.now, retentionSeconds);
}

/** See Store.startHistoryAt. */
export async function startHistoryAt(queries: Queries, start: number): Promise<void> {
  await queries.sql('update twilio_sync.scope set history_from = to_timestamp($1)', [start]);
}

function refuseOther({ account, url, unused }: Stored, scope: Scope): void {
  if (unused) return;
  if (account !== scope.accountSid) {
    throw new WrongScope(
      `this database holds the conversations of account ${account}, not of ${scope.accountSid}`,
      'use another database, or the settings of that account',
    );
  }
  if (url !== scope.baseUrl) {
    throw new WrongScope(
      `this database was filled from ${url}, not from ${scope.baseUrl}`,
      'use another database, or see TWILIO_INTELLIGENCE_URL, TWILIO_EDGE and TWILIO_REGION',
    );
  }
}
