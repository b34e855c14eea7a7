// A database as an earlier release left it.

import type pg from 'pg';
import { knownMigrations } from '../../src/postgres/ledger.ts';
import { createSchemaNames } from '../../src/postgres/schemas.ts';

/** Applies the first migrations alone, in a schema of this name. */
export async function migrateUpTo(client: pg.Client, count: number, schema = 'twilio'): Promise<void> {
  const named = createSchemaNames(schema);
  await client.query(
    named(
      'create schema twilio_sync; create table twilio_sync.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)',
    ),
  );
  for (const { sql, hash, folderMillis } of knownMigrations().slice(0, count)) {
    for (const statement of sql) await client.query(named(statement));
    await client.query(named('insert into twilio_sync.__drizzle_migrations (hash, created_at) values ($1, $2)'), [
      hash,
      folderMillis,
    ]);
  }
}
