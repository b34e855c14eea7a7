// The schema `<schema>_anonymous`: a view of each table and view of the schema, without the columns that hold personal data. Made
// by `grant-reader --anonymous`, and anew by each migration, since views stand in the way of changes.

import pg from 'pg';
import { type Ask, isDistributed, readCitus } from '../postgres/citus.ts';
import { functionOf, makeOwnerView } from '../postgres/owner-view.ts';
import { anonymousOf, verbatim } from '../postgres/schemas.ts';
import { tablesOf } from '../sync/tables.ts';

/** The personal columns of views. A view that is not named here has no anonymous one: those of operators, and other people's. */
const personalInViews: Record<string, string[]> = {
  agents: ['address', 'name'],
  conversation_metrics: personalOf('conversations'),
  conversation_overview: personalOf('conversations'),
  coverage: [],
  customers: ['address', 'name'],
  daily_totals: [],
  daily_volume: [],
  days: [],
  participant_metrics: personalOf('participants'),
  results: personalOf('operator_results'),
  transcripts: ['transcript'],
};

/** What the catalogue says. Names are final. */
export interface AnonymousFacts {
  schema: string;
  exists: boolean;
  /** Who owns the tables, and so may migrate them. */
  owner: string;
  /** The views that are there. */
  made: string[];
  /** Roles that may use the schema, beside its owner. */
  readers: string[];
  relations: { name: string; comment: string | null; columns: Column[] }[];
  /** The tables lie on a node of Citus, where a view has no rights but those of whoever asks. */
  isDistributed: boolean;
}

interface Column {
  name: string;
  /** As Postgres writes it. */
  type: string;
  comment: string | null;
}

/** Reads the catalogue; `ask` sends a statement that is written for `twilio`. */
export async function readAnonymousFacts(ask: Ask): Promise<AnonymousFacts> {
  const [facts] = await ask<Omit<AnonymousFacts, 'isDistributed'>>(`
    with anonymous as (select oid, nspowner, nspacl from pg_namespace where nspname = 'twilio' || '_anonymous')
    select 'twilio' as schema, exists (select from anonymous) as exists,
      (select pg_get_userbyid(relowner)::text from pg_class where oid = 'twilio.conversations'::regclass) as owner,
      array(select relname::text from pg_class join anonymous on relnamespace = anonymous.oid where relkind = 'v' order by 1) as made,
      array(select distinct pg_get_userbyid(grantee)::text from anonymous, aclexplode(nspacl)
        where privilege_type = 'USAGE' and grantee not in (0, nspowner) order by 1) as readers,
      (select coalesce(json_agg(json_build_object('name', relname, 'comment', obj_description(c.oid, 'pg_class'), 'columns', (
          select json_agg(json_build_object('name', attname, 'type', format_type(atttypid, atttypmod), 'comment', col_description(c.oid, attnum)) order by attnum)
          from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped)) order by relname), '[]')
        from pg_class c where relnamespace = 'twilio'::regnamespace and relkind in ('r', 'p', 'v')) as relations`);
  if (facts === undefined) throw new Error('the catalogue returned no row');
  return { ...facts, isDistributed: isDistributed(await readCitus(ask)) };
}

/** Removes the views, so that what they read can change. */
export function dropAnonymous({ schema, made }: AnonymousFacts): string[] {
  const anonymous = anonymousOf(schema);
  return made
    .flatMap((name) => [
      `drop view ${within(anonymous, name)}`,
      `drop function if exists ${within(anonymous, functionOf(name))}()`,
    ])
    .map(verbatim);
}

/** Makes the schema and its views anew, once those that were there are dropped. Whoever could use the schema can read them. */
export function makeAnonymous({ schema, exists, owner, readers, relations, isDistributed }: AnonymousFacts): string[] {
  const anonymous = anonymousOf(schema);
  const [quoted, by] = [pg.escapeIdentifier(anonymous), pg.escapeIdentifier(owner)];
  const views = relations.flatMap(({ name, comment, columns }) => {
    const personal = personalIn(name);
    const kept = personal === null ? [] : columns.filter((column) => !personal.includes(column.name));
    if (kept.length === 0) return [];
    const view = within(anonymous, name);
    const list = kept.map((column) => pg.escapeIdentifier(column.name)).join(', ');
    const query = `select ${list} from ${within(schema, name)}`;
    const comments = kept.map(
      (column) => `comment on column ${view}.${pg.escapeIdentifier(column.name)} is ${literal(column.comment)}`,
    );
    return [
      ...(isDistributed
        ? makeOwnerView({ schema: anonymous, name, columns: kept, query, owner })
        : [`create view ${view} as ${query}`]),
      `alter view ${view} owner to ${by}`,
      `comment on view ${view} is ${literal(comment)}`,
      ...comments,
    ];
  });
  return [
    // Without the right to create schemas, even "if not exists" is refused.
    ...(exists ? [] : [`create schema ${quoted}`, `alter schema ${quoted} owner to ${by}`]),
    ...views,
    ...readers.map((reader) => `grant select on all tables in schema ${quoted} to ${pg.escapeIdentifier(reader)}`),
  ].map(verbatim);
}

/** The personal columns of a table or view; null: it has no anonymous view. */
function personalIn(relation: string): string[] | null {
  const isTable = Object.values(tablesOf)
    .flat()
    .some(({ name }) => name === relation);
  return isTable ? personalOf(relation) : (personalInViews[relation] ?? null);
}

function personalOf(table: string): string[] {
  const columns = Object.values(tablesOf)
    .flat()
    .find(({ name }) => name === table)?.columns;
  return Object.entries(columns ?? {}).flatMap(([name, { personal }]) => (personal === undefined ? [] : [name]));
}

const within = (schema: string, name: string) => `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`;
const literal = (text: string | null) => (text === null ? 'null' : pg.escapeLiteral(text));
