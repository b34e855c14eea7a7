// Makes a role a reader of schema twilio and of nothing else, in one transaction: checks what prevents that, sets the
// rights, and asks Postgres what the role may do now. If that is not exactly reading, nothing is changed.

import type { Database, Queries } from '../postgres/database.ts';
import { migrationLock } from '../postgres/migrate.ts';
import { anonymousOf, verbatim } from '../postgres/schemas.ts';
import { dropAnonymous, makeAnonymous, readAnonymousFacts } from './anonymous.ts';
import { type ReaderPlan, readerScript, readerStatements } from './sql.ts';

/** The role cannot become a reader, or not by this user; the message says why and what to do. Exit status 2. */
export class ReaderRefused extends Error {
  override readonly name = 'ReaderRefused';
}

/** What the catalogue says about the role and the present user. */
export interface RoleFacts {
  me: string;
  database: string;
  owners: string[];
  /** It owns the database, one of our schemas, or something in them. */
  ownsOurs: boolean;
  connectClosed: boolean;
  exists: boolean;
  superuser: boolean;
  /** It may write the lease, or in twilio_all_sync the replicas, like a worker's user. */
  writesLease: boolean;
  /** Its role attributes that go beyond reading. */
  attributes: string[];
  /** The roles that it is a member of. */
  memberOf: string[];
  /** Names of its settings in this database. */
  settings: string[];
  /** Schemas in which it may create tables; `new schemas` if it may create schemas. */
  makesIn: string[];
  /** Tables of schema twilio with row-level security that may hide rows from it. */
  secured: string[];
}

export interface Granted {
  created: boolean;
  /** Whether the given password was set. */
  passwordSet: boolean;
  warnings: string[];
}

export interface Wanted {
  role: string;
  /** The schema that it is to read. */
  schema: string;
  /** Of it, the views without personal data alone. */
  anonymous?: boolean;
  /** Of the password, for a new role, or for any role if `change` is set. */
  verifier: string;
  change: boolean;
}

/** Creates or updates the reader. @throws ReaderRefused, DatabaseTrouble. */
export async function grantReader(database: Database, wanted: Wanted): Promise<Granted> {
  const { role, verifier, change } = wanted;
  let created = false;
  return await database.transaction(async (queries) => {
    // Excludes migrations, which create tables, and other grants, which update the same rows of the catalogue.
    await queries.sql('select pg_advisory_xact_lock($1)', [migrationLock]);
    const facts = await readFacts(queries, role);
    refuse(role, facts);
    // If the answer to the commit is lost, all is repeated: the role then exists already, with this password.
    created ||= !facts.exists;
    const passwordSet = created || change;
    const plan = planOf(wanted, facts, passwordSet ? verifier : null, await readViews(queries, wanted));
    for (const statement of readerStatements(plan)) await asked(queries, wanted, statement);
    await refuseLeaks(queries, wanted);
    return { created, passwordSet, warnings: warningsOf(role, facts) };
  });
}

/** The SQL that `grantReader` would run, for somebody with more rights. @throws ReaderRefused, DatabaseTrouble. */
export async function printReader(
  database: Database,
  wanted: Wanted,
): Promise<{ script: string; passwordSet: boolean }> {
  const { role, verifier, change } = wanted;
  const [facts, views] = await database.run(
    async (queries) => [await readFacts(queries, role), await readViews(queries, wanted)] as const,
  );
  refuse(role, facts);
  const passwordSet = change || !facts.exists;
  return { script: readerScript(planOf(wanted, facts, passwordSet ? verifier : null, views)), passwordSet };
}

/** The statements that make the views without personal data; null: they are not wanted. */
async function readViews(queries: Queries, { anonymous }: Wanted): Promise<string[] | null> {
  if (!anonymous) return null;
  const facts = await readAnonymousFacts(queries.sql);
  return [...dropAnonymous(facts), ...makeAnonymous(facts)];
}

function planOf(
  { role, schema }: Wanted,
  { exists, database, owners, connectClosed, settings, makesIn }: RoleFacts,
  verifier: string | null,
  anonymous: string[] | null,
): ReaderPlan {
  return { role, schema, anonymous, exists, verifier, database, owners, connectClosed, settings, makesIn };
}

/** Refuses names that a role cannot have. @throws ReaderRefused. */
export function refuseName(role: string): void {
  const bytes = Buffer.byteLength(role);
  if (role === '' || role.includes('\0')) throw new ReaderRefused('the name of a role must not be empty');
  if (bytes > 63) throw new ReaderRefused(`the name of a role has at most 63 bytes; this one has ${bytes}`);
  if (/^pg_/.test(role) || ['public', 'none'].includes(role)) {
    throw new ReaderRefused(`"${role}" is reserved by Postgres (pg_…, public, none): use another name`);
  }
}

/** Refuses roles that have other uses. @throws ReaderRefused. */
export function refuse(role: string, facts: RoleFacts): void {
  const because = (why: string) => new ReaderRefused(`"${role}" ${why}: use another name`);
  if (role === facts.me) throw because('is the user that this program connects as');
  if (facts.superuser) throw because('is a superuser');
  if (facts.ownsOurs) throw because('owns this database, or something in the schemas twilio and twilio_sync');
  if (facts.writesLease) throw because('may write twilio_sync.lease, which is only for workers');
}

/** Warnings about a role that may do more than read. */
export function warningsOf(role: string, { attributes, memberOf, makesIn, secured }: RoleFacts): string[] {
  const hidden = `row-level security hides rows of ${secured.join(', ')} from "${role}", unless a policy allows them`;
  const open = makesIn.length > 0;
  return [
    ...(secured.length === 0 ? [] : [hidden]),
    ...(open
      ? [
          `"${role}" may create tables in ${makesIn.join(', ')}, so it does not see keys in information_schema: the right for that would let it prevent deletions`,
        ]
      : []),
    ...attributes.map((attribute) => `"${role}" has ${attribute}, which a reader does not need`),
    ...memberOf.map((each) => `"${role}" is a member of "${each}", and has its rights too`),
  ];
}

async function readFacts(queries: Queries, role: string): Promise<RoleFacts> {
  // regnamespace: in a database without our schemas, the error names what is missing.
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
       exists (select from pg_class where relnamespace = 'twilio_sync'::regnamespace and relname in ('lease', 'replicas')
         and has_table_privilege(role.oid, oid, 'update')) as "writesLease",
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
  if (facts === undefined) throw new Error('the catalogue returned no row');
  return facts;
}

async function asked(queries: Queries, { role, anonymous }: Wanted, statement: string): Promise<void> {
  try {
    await queries.sql(verbatim(statement));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === '42501')) throw error;
    throw lacksRights(role, error.message, anonymous);
  }
}

function lacksRights(role: string, why: string, anonymous = false): ReaderRefused {
  return new ReaderRefused(
    `this user may not create a reader (${why}): nothing was changed.\nAn administrator can run the SQL that this prints:\n  conversation-sync grant-reader ${/^[\w-]+$/.test(role) ? role : `'${role.replaceAll("'", `'\\''`)}'`}${anonymous ? ' --anonymous' : ''} --print`,
  );
}

/** Checks that the role can read what it should and nothing else, whatever its rights come from. @throws ReaderRefused. */
async function refuseLeaks(queries: Queries, { role, schema, anonymous = false }: Wanted): Promise<void> {
  const readable = anonymous ? anonymousOf(schema) : schema;
  const [found] = await queries.sql<{ leaks: string[]; missing: string[] }>(
    `with relations as (
       select nspname = $2 as readable, pg_class.oid, pg_class.oid::regclass::text as name
       from pg_class join pg_namespace on pg_namespace.oid = relnamespace
       where nspname in ('twilio', 'twilio_sync', $2) and relkind in ('r', 'p', 'v', 'm', 'f'))
     select
       array(select 'schema ' || nspname from pg_namespace where nspname in ('twilio', 'twilio_sync') and nspname <> $2
           and has_schema_privilege($1, oid, 'usage, create')
         union all select 'making tables in schema ' || $2 where has_schema_privilege($1, $2, 'create')
         union all select name from relations where not readable
           and (has_table_privilege($1, oid, 'select, insert, update, delete, truncate, references, trigger')
             or has_any_column_privilege($1, oid, 'select, insert, update, references'))
         union all select 'writing ' || name from relations where readable
           and (has_table_privilege($1, oid, 'insert, update, delete, truncate') or has_any_column_privilege($1, oid, 'insert, update'))) as leaks,
       array(select name from relations where readable and not has_table_privilege($1, oid, 'select')
         union all select 'schema ' || $2 where not has_schema_privilege($1, $2, 'usage')
         union all select 'the database' where not has_database_privilege($1, current_database(), 'connect')) as missing`,
    [role, readable],
  );
  const { leaks = [], missing = [] } = found ?? {};
  if (missing.length > 0) throw lacksRights(role, `it cannot grant the right to read ${missing.join(', ')}`, anonymous);
  if (leaks.length === 0) return;
  throw new ReaderRefused(
    `"${role}" would still have rights to more than it should: ${leaks.join(', ')}. Nothing was changed.\n` +
      'They come from PUBLIC, from a role that it is a member of, or from a grant that this user may not revoke. For PUBLIC:\n' +
      '  revoke all on schema twilio_sync from public; revoke all on all tables in schema twilio, twilio_sync from public;',
  );
}
