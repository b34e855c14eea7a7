// Reasons not to work on a database although every statement would succeed: tables of a newer release, row-level security, which
// hides rows without an error, and objects of somebody else in the schemas.

import { countUnknown, newerSchema } from './ledger.ts';

/** A reason that only a person, or another release, can remove. Exit status 2. */
export abstract class Obstacle extends Error {
  /** Not `code`, by which the driver's errors are known. */
  abstract readonly kind: 'newer_release' | 'rows_hidden' | 'schema_occupied';
}

/** A newer release has migrated the database. */
export class NewerSchema extends Obstacle {
  override readonly name = 'NewerSchema';
  readonly kind = 'newer_release';
  constructor() {
    super(newerSchema);
  }
}

/** This user does not see every row. Hidden rows would look deleted, or never stored. */
export class RowSecurity extends Obstacle {
  override readonly name = 'RowSecurity';
  readonly kind = 'rows_hidden';
  constructor(tables: string[]) {
    super(
      `row-level security hides rows of ${tables.join(', ')} from this user: as the owner, alter table … disable row level security; or give the user BYPASSRLS`,
    );
  }
}

/** The schemas contain objects of somebody else, or only some of ours. Nothing is added, and nothing dropped. */
export class Occupied extends Obstacle {
  override readonly name = 'Occupied';
  readonly kind = 'schema_occupied';
  constructor(objects: string[]) {
    super(`${sayOccupied(objects)}: use another database, or move them to another schema`);
  }
}

/** Which objects they are, the first few by name. */
export function sayOccupied(objects: string[]): string {
  const more = objects.length > 3 ? ` and ${objects.length - 3} more` : '';
  return `the schemas hold what this program did not make: ${objects.slice(0, 3).join(', ')}${more}`;
}

/** SQL for an array of the objects in our schemas before the first migration; empty after it. Objects of extensions do not count. */
export const occupants = `case when to_regclass('twilio_sync.__drizzle_migrations') is not null then '{}' else array(
  select kind || ' ' || nspname || '.' || name from (
    select relnamespace as schema, 'pg_class'::regclass as catalogue, oid, relname::text as name,
      case relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' else 'table' end as kind
      from pg_class where relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    union all select pronamespace, 'pg_proc'::regclass, oid, proname, 'function' from pg_proc
    union all select typnamespace, 'pg_type'::regclass, oid, typname, 'type' from pg_type
      where typrelid = 0 and typcategory <> 'A') as object
  join pg_namespace on pg_namespace.oid = schema and nspname in ('twilio', 'twilio_sync')
  where not exists (select from pg_depend where classid = catalogue and objid = object.oid and deptype = 'e')
  order by 1) end`;

/** SQL for an array of other people's views and tables that depend on ours: they can stop a migration. */
export const dependants = `array(select distinct nspname || '.' || relname from pg_depend
  join pg_rewrite on pg_depend.classid = 'pg_rewrite'::regclass and pg_rewrite.oid = objid
  join pg_class on pg_class.oid = ev_class join pg_namespace on pg_namespace.oid = relnamespace
  where nspname not in ('twilio', 'twilio_sync', 'twilio' || '_anonymous', 'twilio_all')
    and refobjid in (select ours.oid from pg_class ours join pg_namespace named on named.oid = ours.relnamespace where named.nspname in ('twilio', 'twilio_sync')) order by 1)`;

/** SQL for an array of our tables in which this user does not see every row. */
export const securedTables = `array(select nspname || '.' || relname from pg_class join pg_namespace on pg_namespace.oid = relnamespace
  where nspname in ('twilio', 'twilio_sync') and relkind in ('r', 'p') and row_security_active(pg_class.oid) order by 1)`;

export interface Obstacles {
  /** Migrations that this program does not know. */
  unknown: number;
  secured: string[];
}

/** SQL for the columns of `Obstacles`. */
export const obstacles = () => `${countUnknown()} as unknown, ${securedTables} as secured`;

/** The error for the first reason; undefined if there is none. */
export function findObstacle({ unknown, secured }: Obstacles): Obstacle | undefined {
  if (secured.length > 0) return new RowSecurity(secured);
  return unknown > 0 ? new NewerSchema() : undefined;
}

/** @throws NewerSchema, RowSecurity. */
export function refuseObstacles(found: Obstacles | undefined): void {
  const obstacle = found && findObstacle(found);
  if (obstacle !== undefined) throw obstacle;
}
