// What keeps this program from working on a database though every statement would succeed: a newer release's tables, and
// row-level security, which hides rows without an error.

import { countUnknown, newerSchema } from './ledger.ts';

/** Something is in the way that only a person, or another release, can put right. Exit status 2. */
export class Obstacle extends Error {}

/** A newer release has migrated the database: this one does not know what it would write. */
export class NewerSchema extends Obstacle {
  override readonly name = 'NewerSchema';
  constructor() {
    super(newerSchema);
  }
}

/** This user is not shown every row: what is missing would look deleted, or never stored. */
export class RowSecurity extends Obstacle {
  override readonly name = 'RowSecurity';
  constructor(tables: string[]) {
    super(
      `row-level security hides rows of ${tables.join(', ')} from this user: as the owner, alter table … disable row level security; or give the user BYPASSRLS`,
    );
  }
}

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
