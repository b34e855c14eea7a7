// What keeps this program from working on a database though every statement would succeed: a newer release's tables,
// row-level security, which hides rows without an error, and somebody else's objects in its schemas.

import { countUnknown, newerSchema } from './ledger.ts';

/** Something is in the way that only a person, or another release, can put right. Exit status 2. */
export abstract class Obstacle extends Error {
  /** Not `code`, by which the driver's errors are known. */
  abstract readonly kind: 'newer_release' | 'rows_hidden' | 'schema_occupied';
}

/** A newer release has migrated the database: this one does not know what it would write. */
export class NewerSchema extends Obstacle {
  override readonly name = 'NewerSchema';
  readonly kind = 'newer_release';
  constructor() {
    super(newerSchema);
  }
}

/** This user is not shown every row: what is missing would look deleted, or never stored. */
export class RowSecurity extends Obstacle {
  override readonly name = 'RowSecurity';
  readonly kind = 'rows_hidden';
  constructor(tables: string[]) {
    super(
      `row-level security hides rows of ${tables.join(', ')} from this user: as the owner, alter table … disable row level security; or give the user BYPASSRLS`,
    );
  }
}

/** The schemas are somebody else's, or a part of ours: nothing is mixed in, and nothing of it ever dropped. */
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

/** SQL for an array of what is in our schemas before the first migration; empty after it. Extensions keep what is theirs. */
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

/** SQL for an array of others' views and tables that are made of ours: a migration that changes what they read stops at them. */
export const dependants = `array(select distinct nspname || '.' || relname from pg_depend
  join pg_rewrite on pg_depend.classid = 'pg_rewrite'::regclass and pg_rewrite.oid = objid
  join pg_class on pg_class.oid = ev_class join pg_namespace on pg_namespace.oid = relnamespace
  where nspname not in ('twilio', 'twilio_sync')
    and refobjid in (select ours.oid from pg_class ours join pg_namespace named on named.oid = ours.relnamespace where named.nspname in ('twilio', 'twilio_sync')) order by 1)`;

/** SQL for an array of our tables in which not every row is shown to this user. */
export const securedTables = `array(select nspname || '.' || relname from pg_class join pg_namespace on pg_namespace.oid = relnamespace
  where nspname in ('twilio', 'twilio_sync') and relkind in ('r', 'p') and row_security_active(pg_class.oid) order by 1)`;

export interface Obstacles {
  /** Migrations that this program does not know. */
  unknown: number;
  secured: string[];
}

/** SQL for the columns of `Obstacles`. */
export const obstacles = () => `${countUnknown()} as unknown, ${securedTables} as secured`;

/** The error that says what is in the way; undefined for nothing. */
export function findObstacle({ unknown, secured }: Obstacles): Obstacle | undefined {
  if (secured.length > 0) return new RowSecurity(secured);
  return unknown > 0 ? new NewerSchema() : undefined;
}

/** @throws NewerSchema, RowSecurity. */
export function refuseObstacles(found: Obstacles | undefined): void {
  const obstacle = found && findObstacle(found);
  if (obstacle !== undefined) throw obstacle;
}
