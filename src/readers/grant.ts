// A role that reads schema twilio and nothing else: what stands against it, then its rights, all in one transaction, and
// at its end Postgres' own opinion of what the role may do. Refused rather than half granted: where the promise would not
// hold, nothing is changed.

import type { Database, Queries } from '../postgres/database.ts';
import { migrationLock } from '../postgres/migrate.ts';
import { verbatim } from '../postgres/schemas.ts';
import { type ReaderPlan, readerScript, readerStatements } from './sql.ts';

/** The role cannot be made a reader, or not by this user; the message says why and what to do. Exit status 2. */
export class ReaderRefused extends Error {
  override readonly name = 'ReaderRefused';
}

/** What the catalogue says of the role and of whoever asks. */
export interface RoleFacts {
  me: string;
  database: string;
  owners: string[];
  /** Of the database and of both schemas, and of what is in them. */
  ownsOurs: boolean;
  connectClosed: boolean;
  exists: boolean;
  superuser: boolean;
  /** It may write the lease, as only a worker's user does. */
  writesLease: boolean;
  /** Attributes of roles that go beyond reading. */
  attributes: string[];
  /** The roles whose rights it has, or can take on. */
  memberOf: string[];
  /** What is set for it in this database, by name. */
  settings: string[];
  /** Schemas that it may make tables in, and the database where it may make schemas. */
  makesIn: string[];
  /** Tables of schema twilio in which row-level security may hide rows from it. */
  secured: string[];
}

export interface Granted {
  created: boolean;
  /** Whether the password is the one given. */
  passwordSet: boolean;
  warnings: string[];
}

export interface Wanted {
  role: string;
  /** The schema that it is to read. */
  schema: string;
  /** Of the password for a new role, or for any role where `change` says so. */
  verifier: string;
  change: boolean;
}

/** Makes or updates the reader. @throws ReaderRefused, DatabaseTrouble. */
export async function grantReader(database: Database, { role, schema, verifier, change }: Wanted): Promise<Granted> {
  let created = false;
  return await database.transaction(async (queries) => {
    // No migration makes a table meanwhile, and no other reader is granted: they would update the same rows of the catalogue.
    await queries.sql('select pg_advisory_xact_lock($1)', [migrationLock]);
    const facts = await readFacts(queries, role);
    refuse(role, facts);
    // A commit whose answer was lost is done again: the role then exists, with this very password.
    created ||= !facts.exists;
    const passwordSet = created || change;
    const plan = planOf(role, schema, facts, passwordSet ? verifier : null);
    for (const statement of readerStatements(plan)) await asked(queries, role, statement);
    await refuseLeaks(queries, role);
    return { created, passwordSet, warnings: warningsOf(role, facts) };
  });
}

/** The SQL that `grantReader` would run, for somebody with more rights. @throws ReaderRefused, DatabaseTrouble. */
export async function printReader(
  database: Database,
  { role, schema, verifier, change }: Wanted,
): Promise<{ script: string; passwordSet: boolean }> {
  const facts = await database.run((queries) => readFacts(queries, role));
  refuse(role, facts);
  const passwordSet = change || !facts.exists;
  return { script: readerScript(planOf(role, schema, facts, passwordSet ? verifier : null)), passwordSet };
}

function planOf(
  role: string,
  schema: string,
  { exists, database, owners, connectClosed, settings, makesIn }: RoleFacts,
  verifier: string | null,
): ReaderPlan {
  return { role, schema, exists, verifier, database, owners, connectClosed, settings, makesIn };
}

/** Refuses what no role can be called. @throws ReaderRefused. */
export function refuseName(role: string): void {
  const bytes = Buffer.byteLength(role);
  if (role === '' || role.includes('\0')) throw new ReaderRefused('a role has a name');
  if (bytes > 63) throw new ReaderRefused(`a role's name has at most 63 bytes, and this one has ${bytes}`);
  if (/^pg_/.test(role) || ['public', 'none'].includes(role)) {
    throw new ReaderRefused(`"${role}" is a name that Postgres keeps for itself (pg_…, public, none): take another`);
  }
}

/** Refuses roles that are for something else. @throws ReaderRefused. */
export function refuse(role: string, facts: RoleFacts): void {
  const because = (why: string) => new ReaderRefused(`"${role}" ${why}: take another name`);
  if (role === facts.me) throw because('is the user that this program itself connects with');
  if (facts.superuser) throw because('is a superuser, who may do everything');
  if (facts.ownsOurs) throw because('owns this database, or something of the schemas twilio and twilio_sync');
  if (facts.writesLease) throw because('may write twilio_sync.lease, as only a worker does');
}

/** What a person should know of a role that reads, but may do more elsewhere. */
export function warningsOf(role: string, { attributes, memberOf, makesIn, secured }: RoleFacts): string[] {
  const hidden = `row-level security hides rows of ${secured.join(', ')} from "${role}", unless a policy shows them`;
  const open = makesIn.length > 0;
  return [
    ...(secured.length === 0 ? [] : [hidden]),
    ...(open
      ? [
          `"${role}" may make tables in ${makesIn.join(', ')}, so it is not shown the keys in information_schema: that right would let it forbid deletions`,
        ]
      : []),
    ...attributes.map((attribute) => `"${role}" has ${attribute}, which a reader does not need`),
    ...memberOf.map((each) => `"${role}" is a member of "${each}", and may do what that may`),
  ];
}

async function readFacts(queries: Queries, role: string): Promise<RoleFacts> {
  // regnamespace: a database without our schemas is refused with the name of what is missing.
  const [facts] = await queries.sql<RoleFacts>(
    `with ours as (
       select nspname as schema, nspowner as owner from pg_namespace where oid in ('twilio'::regnamespace, 'twilio_sync'::regnamespace)
       union select relnamespace::regnamespace::name, relowner from pg_class where relnamespace in ('twilio'::regnamespace, 'twilio_sync'::regnamespace)
       union select pronamespace::regnamespace::name, proowner from pg_proc where pronamespace in ('twilio'::regnamespace, 'twilio_sync'::regnamespace))
     select current_user::text as me, current_database()::text as database,
       array(select distinct pg_get_userbyid(owner)::text from ours where schema = 'twilio' order by 1) as owners,
       coalesce(role.oid in (select owner from ours union select datdba from pg_database where datname = current_database()), false) as "ownsOurs",
       not has_database_privilege('public', current_database(), 'connect') as "connectClosed",
       role.oid is not null as exists,
       coalesce(role.rolsuper, false) as superuser,
       coalesce(has_table_privilege(role.oid, 'twilio_sync.lease', 'update'), false) as "writesLease",
       array_remove(array[case when rolbypassrls then 'BYPASSRLS' end, case when rolcreaterole then 'CREATEROLE' end,
         case when rolcreatedb then 'CREATEDB' end, case when rolreplication then 'REPLICATION' end], null) as attributes,
       array(select pg_get_userbyid(roleid)::text from pg_auth_members where member = role.oid order by 1) as "memberOf",
       array(select lower(split_part(setting, '=', 1)) from pg_db_role_setting, unnest(setconfig) as setting
         where setrole = role.oid and setdatabase = (select oid from pg_database where datname = current_database())) as settings,
       array(select 'schema ' || nspname from pg_namespace where nspname not in ('twilio', 'twilio_sync') and nspname !~ '^pg_'
           and has_schema_privilege(coalesce(role.rolname, 'public'), oid, 'create')
         union all select 'new schemas' where has_database_privilege(coalesce(role.rolname, 'public'), current_database(), 'create')) as "makesIn",
       array(select 'twilio.' || relname from pg_class where relnamespace = 'twilio'::regnamespace and relrowsecurity
         and not coalesce(role.rolbypassrls, false) order by 1) as secured
     from (values (1)) as one left join pg_roles as role on role.rolname = $1`,
    [role],
  );
  if (facts === undefined) throw new Error('the catalogue gave no answer');
  return facts;
}

async function asked(queries: Queries, role: string, statement: string): Promise<void> {
  try {
    await queries.sql(verbatim(statement));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === '42501')) throw error;
    throw lacksRights(role, error.message);
  }
}

function lacksRights(role: string, why: string): ReaderRefused {
  return new ReaderRefused(
    `this user may not make a reader (${why}): nothing was changed.\nAn administrator can run the SQL that this prints:\n  conversation-sync grant-reader ${/^[\w-]+$/.test(role) ? role : `'${role.replaceAll("'", `'\\''`)}'`} --print`,
  );
}

/** Holds the role against what it is to see, by whatever road it has a right. @throws ReaderRefused. */
async function refuseLeaks(queries: Queries, role: string): Promise<void> {
  const [found] = await queries.sql<{ leaks: string[]; missing: string[] }>(
    `with relations as (
       select relnamespace = 'twilio'::regnamespace as readable, oid, oid::regclass::text as name from pg_class
       where relnamespace in ('twilio'::regnamespace, 'twilio_sync'::regnamespace) and relkind in ('r', 'p', 'v', 'm', 'f'))
     select
       array(select 'schema twilio_sync' where has_schema_privilege($1, 'twilio_sync', 'usage, create')
         union all select 'making tables in schema twilio' where has_schema_privilege($1, 'twilio', 'create')
         union all select name from relations where not readable
           and (has_table_privilege($1, oid, 'select, insert, update, delete, truncate, references, trigger')
             or has_any_column_privilege($1, oid, 'select, insert, update, references'))
         union all select 'writing ' || name from relations where readable
           and (has_table_privilege($1, oid, 'insert, update, delete, truncate') or has_any_column_privilege($1, oid, 'insert, update'))) as leaks,
       array(select name from relations where readable and not has_table_privilege($1, oid, 'select')
         union all select 'schema twilio' where not has_schema_privilege($1, 'twilio', 'usage')
         union all select 'the database' where not has_database_privilege($1, current_database(), 'connect')) as missing`,
    [role],
  );
  const { leaks = [], missing = [] } = found ?? {};
  if (missing.length > 0) throw lacksRights(role, `it cannot give the right to read ${missing.join(', ')}`);
  if (leaks.length === 0) return;
  throw new ReaderRefused(
    `"${role}" would still have rights to more than it is to read: ${leaks.join(', ')}. Nothing was changed.\n` +
      'They come from PUBLIC, from a role that it is a member of, or from a grant that this user may not take back. For PUBLIC:\n' +
      '  revoke all on schema twilio_sync from public; revoke all on all tables in schema twilio, twilio_sync from public;',
  );
}
