// Postgres as the rest of the store uses it: a pool, drizzle over it, and transactions that are tried again where that
// can help. Every wait has a limit. No session state: a transaction pooler will do.

import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import { wait } from '../lib/wait.ts';
import { DatabaseTrouble, translate } from './errors.ts';

/** One connection: drizzle for what its builder says best, plain SQL for what is made of arrays. */
export interface Queries {
  orm: NodePgDatabase;
  sql<Row extends pg.QueryResultRow>(text: string, parameters?: unknown[]): Promise<Row[]>;
}

export interface Database {
  /** One statement, or a few that need not be atomic. Tried again where the trouble is passing. @throws DatabaseTrouble, Unstorable. */
  run<Result>(work: (queries: Queries) => Promise<Result>): Promise<Result>;
  /** All or nothing. `work` may run more than once: also when it was committed and only the answer was lost. */
  transaction<Result>(work: (queries: Queries) => Promise<Result>): Promise<Result>;
  /** Ends every connection; what is in flight fails. */
  close(): Promise<void>;
}

const retryWaitsMs = [100, 400, 1600];
const queryTimeoutMs = 60_000;
/** Frees the lease's row from a worker that froze in the middle of a load. */
const begin = `begin; set local idle_in_transaction_session_timeout = '5s'; set local lock_timeout = '30s'`;

/** Makes the pool; it connects at the first query. */
export function openDatabase(connection: pg.ClientConfig): Database {
  const pool = new pg.Pool({
    ...connection,
    max: 5,
    connectionTimeoutMillis: 10_000,
    query_timeout: queryTimeoutMs,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
  });
  // A connection lost while idle is replaced at the next query; without a listener it would end the process.
  pool.on('error', () => {});

  const once = async <Result>(work: (client: pg.PoolClient) => Promise<Result>): Promise<Result> => {
    const client = await pool.connect();
    let broken = true;
    // Lost between two queries: the next one reports it.
    const onError = () => {};
    client.on('error', onError);
    try {
      const result = await work(client);
      broken = false;
      return result;
    } finally {
      client.off('error', onError);
      // After any failure the session's state is not known; a new connection costs little.
      client.release(broken);
    }
  };

  return {
    run: (work) => retrying(() => once((client) => work(queriesOn(client)))),
    transaction: (work) =>
      retrying(() =>
        once(async (client) => {
          await client.query(begin);
          const result = await work(queriesOn(client));
          await client.query('commit');
          return result;
        }),
      ),
    close: () => pool.end(),
  };
}

function queriesOn(client: pg.PoolClient): Queries {
  return {
    orm: drizzle(client),
    async sql<Row extends pg.QueryResultRow>(text: string, parameters: unknown[] = []) {
      return (await client.query<Row>(text, parameters)).rows;
    },
  };
}

async function retrying<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let tries = 0; ; tries++) {
    try {
      return await attempt();
    } catch (thrown) {
      const error = translate(thrown);
      const waitMs = retryWaitsMs[tries];
      if (!(error instanceof DatabaseTrouble && error.passing) || waitMs === undefined) throw error;
      await wait(waitMs);
    }
  }
}
