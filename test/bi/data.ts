// The database that docs/bi.md shows: the demo's conversations, the same every time, and a role that grant-reader made.
// "Now" is the simulated one: a function of that name comes before pg_catalog's.

import pg from 'pg';
import { World } from '../world.ts';

export type Row = Record<string, unknown>;

export interface Demonstrated extends AsyncDisposable {
  world: World;
  /** The rows of a query as the reader gets them, dates and numbers as JSON has them. */
  read(sql: string): Promise<Row[]>;
}

const password = 'for tests alone';

/** Syncs the demo's conversations into a database of their own. */
export async function openDemonstrated(): Promise<Demonstrated> {
  const world = await World.open({ conversations: 2000, days: 90 });
  await world.sync();
  const role = `bi_${world.database.connection.database}`;
  const now = new Date(world.nowMs).toISOString();
  await world.pool.query(
    `create schema clock; create function clock.now() returns timestamptz stable language sql as $$ select '${now}'::timestamptz $$;
     create role ${role} login password '${password}'; grant usage on schema clock, twilio to ${role};
     grant select on all tables in schema twilio to ${role}`,
  );
  const reader = new pg.Client({ ...world.database.connection, user: role, password });
  await reader.connect();
  await reader.query(`set search_path = clock, pg_catalog; set timezone = 'Asia/Kathmandu'`);
  return {
    world,
    async read(sql) {
      const { rows } = await reader.query<{ row: Row }>(`select to_jsonb(answer) as row from (${sql}) as answer`);
      return rows.map(({ row }) => row);
    },
    async [Symbol.asyncDispose]() {
      await reader.end();
      await world.pool.query(`drop owned by ${role}; drop role ${role}`);
      await world[Symbol.asyncDispose]();
    },
  };
}
