// Schema twilio_all: a view of each table, and of the view `results`, over all accounts. It is made from what the catalogue says of the
// accounts' schemas, so that schemas of several releases can stand side by side: a column that one lacks is null there.
// A view that is as it should be is not touched. One that somebody else's view stands on is never dropped.

import { createHash } from 'node:crypto';
import pg from 'pg';
import { tablesOf } from '../sync/tables.ts';
import type { Database, Queries } from './database.ts';
import { migrationLock } from './migrate.ts';
import { viewLockMs } from './operator-view-sql.ts';
import { isOfView, reasonOf } from './operator-views.ts';
import { verbatim } from './schemas.ts';

/** More schemas than these have no views: a query would lock and plan too many tables. */
export const mostAccounts = 100;

/** An account of the accounts file. */
export interface AllOf {
  sid: string;
  schema: string;
}

export interface AllViewsOutcome {
  /** Views that were made, or made anew. */
  made: string[];
  dropped: string[];
  /** Views that stay as they were, and why. They are tried again the next time. */
  kept: { view: string; reason: string }[];
  /** There are more accounts than views are made for. */
  tooMany: boolean;
}

const names = [
  ...Object.values(tablesOf)
    .flat()
    .map(({ name }) => name),
  'results',
];

/** Tables whose own `account_id` is that of the row; of a result, it is that of whoever made the operator. */
const ownAccount = ['conversations', 'intelligence_configurations'];

interface Column {
  name: string;
  type: string;
  comment: string | null;
}

/** Tables of one name that have the same columns. */
interface Variant {
  name: string;
  comment: string | null;
  columns: Column[];
  schemas: string[];
}

/** A relation of schema twilio_all. */
interface Found {
  name: string;
  columns: Pick<Column, 'name' | 'type'>[];
  /** Of the definition; null if this program did not make it. */
  fingerprint: string | null;
  /** What stands on it. */
  dependants: string[];
}

interface Wanted {
  name: string;
  columns: Pick<Column, 'name' | 'type'>[];
  /** The view itself, after `create`. */
  definition: string;
  comments: string[];
  fingerprint: string;
}

/** Makes the views of these accounts, and drops those that are no longer wanted. @throws DatabaseTrouble. */
export async function updateAllViews(database: Database, accounts: AllOf[]): Promise<AllViewsOutcome> {
  const tooMany = accounts.length > mostAccounts;
  const outcome: AllViewsOutcome = { made: [], dropped: [], kept: [], tooMany };
  const { variants, found, exists } = await database.run((queries) => readFacts(queries, accounts));
  const wanted = tooMany ? [] : planAllViews(accounts, variants);
  const change = async (view: string, done: string[], work: (queries: Queries) => Promise<unknown>) => {
    const reason = await attempt(database, work);
    if (reason === null) done.push(view);
    else outcome.kept.push({ view: `twilio_all.${view}`, reason });
    return reason === null;
  };
  if (!exists && wanted.length > 0) {
    const about = 'The tables of all accounts of the accounts file, as views. The tables of one are in its own schema.';
    const make = ({ sql }: Queries) =>
      sql(verbatim(`create schema twilio_all; comment on schema twilio_all is '${about}'`));
    const reason = await attempt(database, make);
    if (reason !== null) return { ...outcome, kept: [{ view: 'schema twilio_all', reason }] };
  }
  for (const view of wanted) {
    const before = found.find(({ name }) => name === view.name);
    if (before?.fingerprint === view.fingerprint) continue;
    const obstacle = obstacleTo(view, before);
    if (obstacle === null) await change(view.name, outcome.made, (queries) => make(queries, view, before));
    else outcome.kept.push({ view: `twilio_all.${view.name}`, reason: obstacle });
  }
  for (const { name, fingerprint, dependants } of found) {
    if (fingerprint === null || wanted.some((view) => view.name === name)) continue;
    if (dependants.length > 0) outcome.kept.push({ view: `twilio_all.${name}`, reason: standing(dependants) });
    else await change(name, outcome.dropped, ({ sql }) => sql(verbatim(`drop view ${viewOf(name)}`)));
  }
  return outcome;
}

const viewOf = (name: string) => `twilio_all.${pg.escapeIdentifier(name)}`;
const standing = (dependants: string[]) => `${dependants.join(', ')} stands on it: drop it, and make it again later`;

/** What prevents a view from being made; null if nothing does. */
function obstacleTo(view: Wanted, before: Found | undefined): string | null {
  if (before === undefined) return null;
  if (before.fingerprint === null) return 'this program did not make it: drop or rename it';
  return isReplaceable(view, before) || before.dependants.length === 0 ? null : standing(before.dependants);
}

/** Postgres replaces a view in place, with all that stands on it, if its columns stay and new ones come last. */
function isReplaceable(view: Wanted, { columns }: Found): boolean {
  return columns.every(({ name, type }, at) => view.columns[at]?.name === name && view.columns[at]?.type === type);
}

async function make({ sql }: Queries, view: Wanted, before: Found | undefined): Promise<void> {
  const name = viewOf(view.name);
  const replaced = before !== undefined && isReplaceable(view, before);
  // Whoever may read a view that is dropped may read the new one.
  const dropped = before !== undefined && !replaced;
  const grants = dropped
    ? await sql<{ text: string }>(
        `select format('grant %s on %s to %s', privilege_type, $1::text, case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end) as text
         from pg_class, aclexplode(relacl) where pg_class.oid = to_regclass($1) and grantee <> relowner`,
        [name],
      )
    : [];
  const statements = [
    ...(dropped ? [`drop view ${name}`] : []),
    `create ${replaced ? 'or replace ' : ''}${view.definition}`,
    ...view.comments,
    ...grants.map(({ text }) => text),
  ];
  for (const statement of statements) await sql(verbatim(statement));
}

/** @returns why it cannot be done, or not now; null if it was done. */
async function attempt(database: Database, work: (queries: Queries) => Promise<unknown>): Promise<string | null> {
  try {
    // A transaction each: all views at once would lock thousands of tables.
    return await database.transaction(async (queries) => {
      await queries.sql(`set local lock_timeout = ${viewLockMs}`);
      const [lock] = await queries.sql<{ taken: boolean }>('select pg_try_advisory_xact_lock($1) as taken', [
        migrationLock,
      ]);
      if (lock?.taken !== true) return 'a migration or a grant is running';
      await work(queries).catch((error: unknown) => {
        throw isOfView(error) ? new Failed(reasonOf(error)) : error;
      });
      return null;
    });
  } catch (error) {
    if (error instanceof Failed) return error.message;
    throw error;
  }
}

/** Only this view cannot be made. */
class Failed extends Error {
  override readonly name = 'Failed';
}

/** The views as they should be. Pure. */
export function planAllViews(accounts: AllOf[], variants: Variant[]): Wanted[] {
  // The order of the file does not matter.
  const ordered = accounts.toSorted((a, b) => (a.schema < b.schema ? -1 : 1));
  return names.flatMap((name) => {
    const of = variants.filter((variant) => variant.name === name);
    // The columns of the newest release come first; a schema of an older one has fewer.
    const [widest, ...others] = of.toSorted((a, b) => b.columns.length - a.columns.length);
    if (widest === undefined) return [];
    const columns = new Map(
      [...others.toReversed(), widest].flatMap((each) => each.columns).map((each) => [each.name, each]),
    );
    const order = new Set([widest, ...others].flatMap((each) => each.columns.map((column) => column.name)));
    const all = [...order].flatMap((column) => columns.get(column) ?? []);
    const shown = order.has('account_id') ? all : [accountColumn, ...all];
    const parts = ordered.flatMap(({ sid, schema }) => {
      const variant = of.find(({ schemas }) => schemas.includes(schema));
      if (variant === undefined) return [];
      const has = new Set(variant.columns.map((column) => column.name));
      const list = shown.map((column) => partOf(column, has, sid, name));
      return `select ${list.join(', ')} from ${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`;
    });
    const definition = `view ${viewOf(name)} as\n${parts.join('\nunion all\n')}`;
    const comments = shown.map(
      (column) => `comment on column ${viewOf(name)}.${pg.escapeIdentifier(column.name)} is ${literal(column.comment)}`,
    );
    const fingerprint = createHash('sha256')
      .update([definition, ...comments, widest.comment].join('\n'))
      .digest('hex')
      .slice(0, 16);
    const comment = `${widest.comment ?? name} Of all accounts. Made by conversation-sync (${fingerprint}).`;
    return {
      name,
      columns: shown,
      definition,
      fingerprint,
      comments: [...comments, `comment on view ${viewOf(name)} is ${literal(comment)}`],
    };
  });
}

const accountColumn: Column = { name: 'account_id', type: 'text', comment: 'The account.' };

/** A column's value in one account's part of the view. */
function partOf({ name, type }: Column, has: Set<string>, sid: string, table: string): string {
  const quoted = pg.escapeIdentifier(name);
  const account = `${pg.escapeLiteral(sid)}::text`;
  if (name === 'account_id' && !has.has(name)) return `${account} as ${quoted}`;
  if (name === 'account_id' && ownAccount.includes(table)) return `coalesce(${quoted}, ${account}) as ${quoted}`;
  return has.has(name) ? quoted : `null::${type} as ${quoted}`;
}

const literal = (text: string | null) => (text === null ? 'null' : pg.escapeLiteral(text).trim());

async function readFacts({ sql }: Queries, accounts: AllOf[]) {
  const columnsOf = (more: string) =>
    `(select json_agg(json_build_object('name', attname, 'type', format_type(atttypid, atttypmod)${more}) order by attnum)
      from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped)`;
  const variants = await sql<Variant & pg.QueryResultRow>(
    `select name, comment, columns::json as columns, array_agg(schema) as schemas from (
       select relname::text as name, nspname::text as schema, obj_description(c.oid, 'pg_class') as comment,
         ${columnsOf(`, 'comment', col_description(c.oid, attnum)`)}::text as columns
       from pg_class c join pg_namespace on pg_namespace.oid = relnamespace
       where nspname = any($1) and relname = any($2) and relkind in ('r', 'p', 'v')) as each
     group by name, comment, each.columns order by name, min(schema)`,
    [accounts.map(({ schema }) => schema), names],
  );
  const relations = await sql<Omit<Found, 'fingerprint'> & { kind: string; comment: string | null }>(
    `select relname::text as name, relkind::text as kind, obj_description(c.oid, 'pg_class') as comment, ${columnsOf('')} as columns,
       array(select distinct nspname || '.' || on_it.relname from pg_depend join pg_rewrite on classid = 'pg_rewrite'::regclass and pg_rewrite.oid = objid
         join pg_class on_it on on_it.oid = ev_class join pg_namespace on pg_namespace.oid = on_it.relnamespace
         where refclassid = 'pg_class'::regclass and refobjid = c.oid and on_it.oid <> c.oid order by 1) as dependants
     from pg_class c where relnamespace = to_regnamespace('twilio_all') and relkind in ('r', 'p', 'v', 'm', 'f')`,
  );
  const found = relations.map(({ kind, comment, ...rest }): Found => {
    const [, fingerprint = null] =
      (kind === 'v' && /Made by conversation-sync \(([0-9a-f]{16})\)\.$/.exec(comment ?? '')) || [];
    return { ...rest, fingerprint };
  });
  const [schema] = await sql<{ exists: boolean }>(`select to_regnamespace('twilio_all') is not null as exists`);
  return { variants, found, exists: schema?.exists === true };
}
