// A reader as grant-reader makes it, connected to a world's database. "Now" is the simulated one: a function of that name
// comes before pg_catalog's. The session's time zone is nobody's, since no query may depend on it.

import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { openDatabase } from '../src/postgres/database.ts';
import { grantReader } from '../src/readers/grant.ts';
import { scramVerifier } from '../src/readers/scram.ts';
import type { World } from './world.ts';

export type Row = Record<string, unknown>;

export interface Reader extends AsyncDisposable {
  /** The rows of a query, dates and numbers as JSON has them. */
  rows(sql: string): Promise<Row[]>;
  /** The rows of a query as the driver reads them: no server writes a time in its own zone. */
  values(sql: string): Promise<Row[]>;
  /** The columns of a query, in its order: names, and types as Postgres calls them. */
  columns(sql: string): Promise<{ name: string; type: string }[]>;
}

export async function openReader({ database: { connection }, pool, nowMs }: World): Promise<Reader> {
  const role = `reads_${connection.database}`;
  const password = randomBytes(12).toString('hex');
  const database = openDatabase(connection);
  const verifier = scramVerifier(password, randomBytes(16));
  await grantReader(database, { role, schema: 'twilio', verifier, change: false }).finally(database.close);
  await pool.query(
    `create schema clock; grant usage on schema clock to ${role};
     create function clock.now() returns timestamptz stable language sql as $$ select '${new Date(nowMs).toISOString()}'::timestamptz $$`,
  );
  const client = new pg.Client({ ...connection, user: role, password });
  await client.connect();
  await client.query(`set search_path = clock, pg_catalog; set timezone = 'Asia/Kathmandu'`);
  return {
    async rows(sql) {
      const { rows } = await client.query<{ row: Row }>(`select to_jsonb(answer) as row from (${sql}\n) as answer`);
      return rows.map(({ row }) => row);
    },
    values: async (sql) => (await client.query<Row>(sql)).rows,
    async columns(sql) {
      const { fields } = await client.query(`select * from (${sql}\n) as answer limit 0`);
      const { rows } = await client.query<{ type: string }>(
        'select format_type(oid, null) as type from unnest($1::oid[]) with ordinality as of (oid, at) order by at',
        [fields.map(({ dataTypeID }) => dataTypeID)],
      );
      return fields.map(({ name }, at) => ({ name, type: rows[at]?.type ?? '' }));
    },
    async [Symbol.asyncDispose]() {
      await client.end();
      await pool.query(`drop owned by ${role}; drop role ${role}`);
    },
  };
}
