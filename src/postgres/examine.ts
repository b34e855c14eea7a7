// What a database says of itself, on one connection that is tried once: facts for `doctor`. Reads only, and takes no lock that
// anybody would wait for. What a statement may fail with goes out as ours.

import type pg from 'pg';
import { type CitusFacts, readCitus } from './citus.ts';
import { Connection, type ConnectionConfig } from './connection.ts';
import type { Database, Queries } from './database.ts';
import { translate } from './errors.ts';
import { nowInMicroseconds, seconds } from './instant.ts';
import { isHeld } from './lease.ts';
import { readLedger } from './ledger.ts';
import { dependants, occupants, securedTables } from './obstacles.ts';

export interface ServerFacts {
  /** As 180001. */
  version: number;
  versionText: string;
  encoding: string;
  standby: boolean;
  readOnly: boolean;
  /** Seconds since the epoch. */
  now: number;
}

export interface RightsFacts {
  user: string;
  database: string;
  /** CREATE on the database. */
  mayCreate: boolean;
  /** Of our schemas, those that are there. */
  schemas: string[];
  /** Whether the worker's tables are there. */
  migrated: boolean;
  /** What is needed to sync and is not had: `usage on schema twilio`, `delete on twilio.conversations`. */
  lacking: string[];
  /** Whether, of that, the right to read something is not had. */
  unreadable: boolean;
  /** Our tables in which row-level security hides rows: from this user, and those in which it may hide some from others. */
  secured: string[];
  securedForOthers: string[];
  /** Of what is in our schemas, how much this user neither owns nor may do as its owner. */
  foreign: number;
}

export interface RoomFacts {
  max: number;
  /** For superusers and the like. */
  reserved: number;
  used: number;
  /** -1 for none. */
  userLimit: number;
  userUsed: number;
  /** -1 for none. */
  databaseLimit: number;
  databaseUsed: number;
}

/** Migrations: how many are missing, and how many this program does not know. */
export interface LedgerFacts {
  missing: number;
  newer: number;
  /** What is in our schemas though nothing was ever migrated. */
  occupying: string[];
  /** Others' views on our tables. */
  dependants: string[];
}

/** A limit that ends statements, transactions or sessions, such as `statement_timeout = 5s`, and where it was set. */
export interface Timeout {
  setting: string;
  source: string;
}

export interface LeaseFacts {
  holder: string | null;
  held: boolean;
}

/** One connection, to be closed. Every question: @throws DatabaseTrouble. */
export interface Examination {
  /** As `TLSv1.3`; null in clear. */
  tlsVersion: string | null;
  server(): Promise<ServerFacts>;
  rights(): Promise<RightsFacts>;
  ledger(): Promise<LedgerFacts>;
  room(): Promise<RoomFacts>;
  lease(): Promise<LeaseFacts>;
  citus(): Promise<CitusFacts>;
  /** Those that are set for this connection. */
  timeouts(): Promise<Timeout[]>;
  /** For what is asked of a database elsewhere too. Nothing is tried again, and nothing is a transaction. */
  asDatabase: Pick<Database, 'run'>;
  close(): Promise<void>;
}

/** Connects. `limitMs`: for the connection, and again for each answer. @throws DatabaseTrouble. */
export async function openExamination(connection: ConnectionConfig, limitMs: number): Promise<Examination> {
  const client = new Connection({ ...connection, connectionTimeoutMillis: limitMs, query_timeout: limitMs });
  // Lost between two questions: the next one says so.
  client.on('error', () => {});
  const ours = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } catch (error) {
      throw translate(error);
    }
  };
  await ours(() => client.connect()).catch(async (error) => {
    client.cut();
    throw error;
  });
  const queries: Queries = {
    sql: async <Row extends pg.QueryResultRow>(text: string, parameters: unknown[] = []) =>
      (await client.query<Row>(text, parameters)).rows,
  };
  const one = <Row extends pg.QueryResultRow>(text: string) =>
    ours(async () => {
      const [row] = await queries.sql<Row>(text);
      if (row === undefined) throw new Error('the database gave no answer');
      return row;
    });
  return {
    tlsVersion: client.tlsVersion,
    server: () => one<ServerFacts>(server),
    rights: () => one<RightsFacts>(rights),
    ledger: () =>
      ours(async () => {
        const { missing, newer } = await readLedger(client);
        const around = await one<Pick<LedgerFacts, 'occupying' | 'dependants'>>(
          `select ${occupants} as occupying, ${dependants} as dependants`,
        );
        return { missing: missing.length, newer, ...around };
      }),
    room: () => one<RoomFacts>(room),
    lease: () => one<LeaseFacts>(lease),
    citus: () => ours(() => readCitus(queries.sql)),
    timeouts: () => ours(() => queries.sql<Timeout>(timeouts)),
    asDatabase: { run: (work) => ours(() => work(queries)) },
    close: () => client.leave(),
  };
}

const server = `select current_setting('server_version_num')::int as version, current_setting('server_version') as "versionText",
    pg_encoding_to_char(encoding) as encoding, pg_is_in_recovery() as standby,
    current_setting('transaction_read_only')::boolean as "readOnly", ${seconds('clock_timestamp()')} as now
  from pg_database where datname = current_database()`;

/** A view is read; the ledger too, which only migrations write. */
const rights = `with ours as (
    select oid, nspname, nspowner from pg_namespace where nspname in ('twilio', 'twilio_sync')),
  relations as (
    select pg_class.oid, relowner, relkind, relname, nspname || '.' || relname as name from pg_class join ours on ours.oid = relnamespace
    where relkind in ('r', 'p', 'v')),
  needed as (
    select name, relname, oid, wanted from relations, unnest(array['select', 'insert', 'update', 'delete']) as wanted
    where wanted = 'select' or (relkind <> 'v' and relname <> '__drizzle_migrations'))
  select current_user::text as user, current_database()::text as database,
    has_database_privilege(current_database(), 'create') as "mayCreate",
    array(select nspname::text from ours order by 1) as schemas,
    exists (select from relations where relname = 'lease') as migrated,
    array(select 'usage on schema ' || nspname from ours where not has_schema_privilege(oid, 'usage')
      union all select wanted || ' on ' || name from needed where not has_table_privilege(oid, wanted)) as lacking,
    exists (select from ours where not has_schema_privilege(oid, 'usage'))
      or exists (select from needed where wanted = 'select' and not has_table_privilege(oid, wanted)) as unreadable,
    ${securedTables} as secured,
    array(select name from relations join pg_class using (oid) where relrowsecurity order by 1) as "securedForOthers",
    (select count(*)::int from (select nspowner as owner from ours union all select relowner from relations) as owned
       where not pg_has_role(owner, 'usage')) as foreign`;

/** Whose session it is everybody may know, what kind of session it is not: sessions in a database are those of clients, nearly. */
const room = `select current_setting('max_connections')::int as max,
    current_setting('superuser_reserved_connections')::int + coalesce(current_setting('reserved_connections', true)::int, 0) as reserved,
    (select count(*)::int from pg_stat_activity where datid is not null) as used,
    rolconnlimit as "userLimit",
    (select count(*)::int from pg_stat_activity where usesysid = pg_roles.oid) as "userUsed",
    datconnlimit as "databaseLimit",
    (select count(*)::int from pg_stat_activity where datid = pg_database.oid) as "databaseUsed"
  from pg_roles, pg_database where rolname = current_user and datname = current_database()`;

const lease = `select holder, ${isHeld(nowInMicroseconds)} as held from twilio_sync.lease`;

const timeouts = `select name || ' = ' || current_setting(name) as setting, source from pg_settings
  where name in ('statement_timeout', 'transaction_timeout', 'lock_timeout', 'idle_session_timeout', 'idle_in_transaction_session_timeout')
    and setting <> '0' order by name`;
