// The index of twilio.search_communications(): what there is, and building and dropping it. It is built and dropped beside loads,
// so outside of a transaction. What interrupts that leaves an index which is not valid, serves no query and still costs every load.

import { wait } from '../lib/wait.ts';
import type { Database, Queries } from './database.ts';

export interface SearchIndex {
  /** Its text search configuration; null if the index is not valid, or not one of ours. */
  configuration: string | null;
  valid: boolean;
  bytes: number;
}

/** SQL for a `SearchIndex` as JSON; null if there is none. */
export const searchIndex = `(select json_build_object('configuration', twilio.search_configuration()::text, 'valid', indisvalid,
    'bytes', pg_relation_size(indexrelid)) from pg_index where indexrelid = to_regclass('twilio.communications_search'))`;

export interface SearchIndexFacts {
  index: SearchIndex | null;
  /** Who owns the table, and whether the present user may make an index. */
  owner: string;
  isOwner: boolean;
  /** Another session is building an index on the table. */
  building: boolean;
  /** The configuration of the name that was asked for. */
  found: { oid: string; name: string } | null;
  /** The names of all. */
  configurations: string[];
}

const builds = `pg_stat_progress_create_index where relid = 'twilio.communications'::regclass and datname = current_database()`;

/** Reads what there is. `name`: of a text search configuration, with or without its schema. */
export async function readSearchIndex({ sql }: Queries, name: string): Promise<SearchIndexFacts> {
  const [facts] = await sql<SearchIndexFacts>(
    `select ${searchIndex} as index, pg_get_userbyid(relowner)::text as owner, pg_has_role(relowner, 'usage') as "isOwner",
       exists (select from ${builds}) as building,
       (select json_build_object('oid', c.oid::text, 'name', c.oid::regconfig::text) from pg_ts_config c
        where $1 in (c.oid::regconfig::text, cfgnamespace::regnamespace || '.' || quote_ident(cfgname)) limit 1) as found,
       array(select c.oid::regconfig::text from pg_ts_config c order by 1) as configurations
     from pg_class where oid = 'twilio.communications'::regclass`,
    [name],
  );
  if (facts === undefined) throw new Error('the catalogue returned no row');
  return facts;
}

export interface BuildProgress {
  /** As Postgres calls it. */
  phase: string;
  /** Of the table's blocks, in phases that count them. */
  percent: number | null;
}

/** The largest table takes hours. */
const atMostMs = 86_400_000;
/** Within the time that a signal leaves. */
const tidyMs = 5_000;
const askEveryMs = 1_000;

/** Builds the index with the configuration of this oid, while loads go on. After an error nothing is left of it, if the database answers. */
export async function buildSearchIndex(
  database: Database,
  oid: string,
  signal: AbortSignal,
  onProgress: (progress: BuildProgress) => void,
): Promise<void> {
  const ended = new AbortController();
  // Every search reads what loads have put on the pending list. Of Postgres' own 4 MB, that takes ten times as long as the search.
  const statement = `create index concurrently communications_search on twilio.communications
    using gin (twilio.search_document('${oid}'::regconfig, text, created_at)) with (gin_pending_list_limit = 512)`;
  const building = database.ask(statement, atMostMs).finally(() => ended.abort());
  const watching = watch(database, AbortSignal.any([signal, ended.signal]), onProgress);
  const onAbort = () => database.ask(`select pg_cancel_backend(pid) from ${builds}`, tidyMs).catch(() => {});
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await building;
  } catch (error) {
    await database.ask('drop index concurrently if exists twilio.communications_search', tidyMs).catch(() => {});
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    await watching;
  }
}

/** Drops the index, valid or not, while loads go on. */
export async function dropSearchIndex(database: Database): Promise<void> {
  await database.ask('drop index concurrently if exists twilio.communications_search', atMostMs);
}

/** Reports progress until the signal ends it. */
async function watch(
  database: Database,
  until: AbortSignal,
  onProgress: (progress: BuildProgress) => void,
): Promise<void> {
  const statement = `select phase, (100 * blocks_done / nullif(blocks_total, 0))::int as percent from ${builds}`;
  while (!until.aborted) {
    await wait(askEveryMs, until).catch(() => {});
    const [progress] = await database.ask<BuildProgress & { phase: string }>(statement, tidyMs).catch(() => []);
    if (progress !== undefined && !until.aborted) onProgress(progress);
  }
}
