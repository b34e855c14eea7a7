// The connection pool, and transactions that are retried if that can help. Every wait has a limit. No session state is used, so
// transaction poolers work.
// Drizzle describes the schema and its migrations. At run time it would double the time of a start.

import pg from 'pg';
import { storableParameter } from '../lib/storable.ts';
import { wait } from '../lib/wait.ts';
import { Unstorable } from '../sync/model.ts';
import { type ConnectionConfig, goodbyeMs, trackConnections } from './connection.ts';
import { DatabaseTrouble, translate } from './errors.ts';
import { nowInMicroseconds } from './instant.ts';
import { createSchemaNames, writtenFor } from './schemas.ts';
import { fixedSettings, liftedTimeouts } from './session.ts';
import { createTurns, mostConnections } from './turns.ts';

/**
 * Plain SQL on one connection. Parameters are made storable here, because texts from outside reach many columns: the API's error
 * messages, ids of list items.
 */
export interface Queries {
  /** `writes` is the table that data is written to. If somebody's trigger on it refuses, the error is Unstorable. */
  sql<Row extends pg.QueryResultRow>(text: string, parameters?: unknown[], writes?: string): Promise<Row[]>;
}

export interface Database {
  /** One statement, or a few that need not be atomic. Retried if the error is temporary. @throws DatabaseTrouble, Unstorable. */
  run<Result>(work: (queries: Queries) => Promise<Result>): Promise<Result>;
  /**
   * One transaction. `work` may run more than once, also if it was committed and only the answer was lost.
   * It gets the database's time at the start of the transaction, in whole microseconds since 1970.
   */
  transaction<Result>(
    work: (queries: Queries, now: bigint) => Promise<Result>,
    options?: TransactionOptions,
  ): Promise<Result>;
  /** One statement, tried once, with a limit of its own. @throws DatabaseTrouble. */
  ask<Row extends pg.QueryResultRow>(text: string, answerMs: number): Promise<Row[]>;
  /** The same connections, with the schemas of another account in every statement. */
  under(schema: string): Database;
  /** From now on, so many accounts share the connections. */
  share(accounts: number): void;
  /** Ends every connection, those of all schemas. Statements that still run after a second fail. */
  close(): Promise<void>;
}

export interface TransactionOptions {
  /**
   * Rows are looked up by their keys. Without statistics, as every table is at first, Postgres reads the whole table instead, so
   * that each load costs more than the one before.
   */
  byKeys?: boolean;
}

/** How long each wait for Postgres may take, in milliseconds. */
export interface DatabaseLimits {
  /** For a connection: from asking the pool until it is ready. */
  connectMs: number;
  /** For the answer to a statement and to those sent before it. After that, the connection is cut. */
  answerMs: number;
  /** The same during a migration: a large table may be rewritten, and another process's migration has to end first. */
  migrationMs: number;
  /** For a lock, within a transaction. */
  lockMs: number;
  /** Between two statements of a transaction. Frees the lease's row from a worker that froze in the middle of a load. */
  idleInTransactionMs: number;
}

export const databaseLimits: Readonly<DatabaseLimits> = {
  connectMs: 10_000,
  answerMs: 60_000,
  migrationMs: 600_000,
  lockMs: 30_000,
  idleInTransactionMs: 5_000,
};

/** The planner's settings for a transaction that looks rows up by their keys. */
const hints = ['seqscan', 'hashjoin', 'mergejoin']
  .map((way) => `set local enable_${way} = off`)
  .concat('set local jit = off');

const retryWaitsMs = [100, 400, 1600];

/** Makes the pool, for the schema of the connection. It connects with the first query. */
export function openDatabase(connection: ConnectionConfig, changed: Partial<DatabaseLimits> = {}): Database {
  const { schema: ownSchema = writtenFor, ...way } = connection;
  const limits = { ...databaseLimits, ...changed };
  const begin = (planner: string[]) =>
    [
      'begin',
      ...liftedTimeouts,
      `set local idle_in_transaction_session_timeout = ${limits.idleInTransactionMs}`,
      `set local lock_timeout = ${limits.lockMs}`,
      ...planner,
      ...fixedSettings,
      `select ${nowInMicroseconds} as now`,
    ].join('; ');
  const [plainBegin, byKeysBegin] = [begin([]), begin(hints)];
  const connections = trackConnections();
  const turns = createTurns();
  const pool = new pg.Pool({
    // Without a schema: the names are put into each statement, since the next one on a connection may be of another account.
    ...way,
    Client: connections.Client,
    max: mostConnections,
    // A user's own limit takes precedence, except 0, which means none.
    connectionTimeoutMillis: connection.connectionTimeoutMillis || limits.connectMs,
    query_timeout: limits.answerMs,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    // Statements are sent at once, without waiting for the previous answer.
    pipeline: true,
  });
  // A connection that is lost while idle is replaced with the next query. Without a listener it would end the process.
  pool.on('error', () => {});
  const closed = new AbortController();

  const once = async <Result>(schema: string, work: (client: pg.PoolClient) => Promise<Result>): Promise<Result> => {
    const endTurn = await turns.take(schema);
    try {
      return await onClient(await pool.connect(), work);
    } finally {
      endTurn();
    }
  };
  const onClient = async <Result>(client: pg.PoolClient, work: (client: pg.PoolClient) => Promise<Result>) => {
    let broken = true;
    // If it is lost between two queries, the next one reports it.
    const onError = () => {};
    client.on('error', onError);
    try {
      const result = await work(client);
      broken = false;
      return result;
    } catch (error) {
      // Finding refused data takes many transactions: a new connection for each would cost more than they do.
      if (error instanceof Unstorable) {
        broken = await client.query('rollback').then(
          () => false,
          () => true,
        );
      }
      throw error;
    } finally {
      client.off('error', onError);
      // After any other failure the state of the session is not known. A new connection costs little.
      client.release(broken);
    }
  };

  const end = async () => {
    closed.abort();
    // Nobody waits for running statements any more.
    const late = setTimeout(connections.cut, goodbyeMs);
    await pool.end();
    await connections.ended();
    clearTimeout(late);
  };
  let ending: Promise<void> | undefined;

  const under = (schema: string): Database => {
    const named = createSchemaNames(schema);
    const whole = <Result>(
      work: (queries: Queries, now: bigint) => Promise<Result>,
      { byKeys = false }: TransactionOptions = {},
    ) =>
      once(schema, async (client) => {
        // `begin` is answered before anything else is sent: without a transaction each statement would commit by itself.
        const begun = [await client.query<{ now: string }>(byKeys ? byKeysBegin : plainBegin)].flat().at(-1)?.rows[0];
        if (begun === undefined) throw new Error('the database gave no time');
        const result = await work(queriesOn(client, named), BigInt(begun.now));
        // A user's deferred trigger or constraint may refuse here.
        await client.query('commit').catch((error: unknown) => {
          throw translate(error, 'at COMMIT');
        });
        return result;
      });
    return {
      run(work) {
        const plain = () => once(schema, (client) => work(queriesOn(client, named)));
        // A transaction lifts the limits, but costs two more round trips: only if it is needed.
        const lifted = (error: unknown) => {
          if (isTimeout(error)) return whole(work);
          throw error;
        };
        return retrying(() => plain().catch(lifted), closed.signal);
      },
      transaction: (work, options) => retrying(() => whole(work, options), closed.signal),
      async ask<Row extends pg.QueryResultRow>(text: string, answerMs: number) {
        try {
          // Not in the driver's types: the limit of this query alone.
          const query = { text: named(text), query_timeout: answerMs } as pg.QueryConfig;
          return await once(schema, async (client) => (await client.query<Row>(query).catch(namedOn(client))).rows);
        } catch (error) {
          throw translate(error);
        }
      },
      under,
      share: turns.share,
      close() {
        ending ??= end();
        return ending;
      },
    };
  };
  return under(ownSchema);
}

/** Whether a limit of the role, the database or the server ended a statement. */
function isTimeout(error: unknown): boolean {
  return error instanceof pg.DatabaseError && /^(57014|25P04)$/.test(error.code ?? '');
}

/** Names the limit that ended a statement outside of a transaction. Always throws. */
function namedOn(client: pg.PoolClient): (error: unknown) => Promise<never> {
  return async (error) => {
    // After the other one there is no connection left to ask on.
    if (!(error instanceof pg.DatabaseError && error.code === '57014')) throw error;
    const { rows } = await client.query<{ value: string }>(`select current_setting('statement_timeout') as value`);
    throw new DatabaseTrouble(`statement_timeout = ${rows[0]?.value} ended a statement; see doctor`, '57014', false);
  };
}

/** If a statement failed only because an earlier one of its transaction did, the error is that of the earlier one. */
function queriesOn(client: pg.PoolClient, named: (text: string) => string): Queries {
  let first: unknown;
  return {
    async sql<Row extends pg.QueryResultRow>(text: string, parameters: unknown[] = [], writes?: string) {
      try {
        return (await client.query<Row>(named(text), parameters.map(storableParameter))).rows;
      } catch (error) {
        first ??= writes === undefined ? error : translate(error, `in ${writes}`);
        throw first;
      }
    },
  };
}

/** Retries temporary errors a few times. @throws the last error, as one of ours. */
export async function retrying<Result>(attempt: () => Promise<Result>, closed: AbortSignal): Promise<Result> {
  for (let tries = 0; ; tries++) {
    try {
      return await attempt();
    } catch (thrown) {
      const error = translate(thrown);
      const waitMs = retryWaitsMs[tries];
      if (!(error instanceof DatabaseTrouble && error.passing) || waitMs === undefined) throw error;
      if (closed.aborted) throw error;
      await wait(waitMs, closed).catch(() => {
        throw error;
      });
    }
  }
}
