// Postgres as the rest of the store uses it: a pool, and transactions that are tried again where that can help. Every
// wait has a limit. No session state: a transaction pooler will do.
// Drizzle is what the schema and its migrations are written with; at run time it would double the time a start takes.

import pg from 'pg';
import { storableParameter } from '../lib/storable.ts';
import { wait } from '../lib/wait.ts';
import { Unstorable } from '../sync/model.ts';
import { goodbyeMs, trackConnections } from './connection.ts';
import { DatabaseTrouble, translate } from './errors.ts';
import { nowInMicroseconds } from './instant.ts';
import { fixedSettings, liftedTimeouts } from './session.ts';

/**
 * One connection, and plain SQL over it: what is written is made of arrays, which no builder says better. Parameters are
 * made storable here, since texts from outside reach many a column: an API's error message, an id that a list shows.
 */
export interface Queries {
  /** `writes` is the table that people's data goes into: what a user's trigger on it refuses is that data's own trouble. */
  sql<Row extends pg.QueryResultRow>(text: string, parameters?: unknown[], writes?: string): Promise<Row[]>;
}

export interface Database {
  /** One statement, or a few that need not be atomic. Tried again where the trouble is passing. @throws DatabaseTrouble, Unstorable. */
  run<Result>(work: (queries: Queries) => Promise<Result>): Promise<Result>;
  /**
   * All or nothing. `work` may run more than once: also when it was committed and only the answer was lost.
   * It is given the database's time, whole microseconds since the epoch, as it was when the transaction began.
   */
  transaction<Result>(
    work: (queries: Queries, now: bigint) => Promise<Result>,
    options?: TransactionOptions,
  ): Promise<Result>;
  /** One statement, tried once, for who would rather hear of trouble within that time than wait. @throws DatabaseTrouble. */
  ask<Row extends pg.QueryResultRow>(text: string, answerMs: number): Promise<Row[]>;
  /** Ends every connection; what is still in flight after a second fails. */
  close(): Promise<void>;
}

export interface TransactionOptions {
  /**
   * Rows are looked up by their keys, a batch's worth of them. Postgres takes a table without statistics, which each is at
   * first, for one that is read faster whole: every load would then cost more than the one before.
   */
  byKeys?: boolean;
}

/** How long each wait for Postgres may take, in milliseconds. */
export interface DatabaseLimits {
  /** For a connection: from asking the pool to the server's welcome. */
  connectMs: number;
  /** For the answer to one statement and to those sent before it; past it the connection is given up. */
  answerMs: number;
  /** The same where it migrates: a large table may be rewritten, and another process's migration has to end first. */
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

/** Makes the pool; it connects at the first query. */
export function openDatabase(connection: pg.ClientConfig, changed: Partial<DatabaseLimits> = {}): Database {
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
  const pool = new pg.Pool({
    ...connection,
    Client: connections.Client,
    max: 5,
    // A user's own limit goes first, but for the one that means none.
    connectionTimeoutMillis: connection.connectionTimeoutMillis || limits.connectMs,
    query_timeout: limits.answerMs,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    // What is asked without waiting for the answer before is sent at once.
    pipeline: true,
  });
  // A connection lost while idle is replaced at the next query; without a listener it would end the process.
  pool.on('error', () => {});
  const closed = new AbortController();

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
    } catch (error) {
      // Refused data is looked for in many a transaction: a new connection for each would cost more than they do.
      if (error instanceof Unstorable) {
        broken = await client.query('rollback').then(
          () => false,
          () => true,
        );
      }
      throw error;
    } finally {
      client.off('error', onError);
      // After any other failure the session's state is not known; a new connection costs little.
      client.release(broken);
    }
  };

  const end = async () => {
    closed.abort();
    // What is in flight ends now or never: nobody waits for it any more.
    const late = setTimeout(connections.cut, goodbyeMs);
    await pool.end();
    await connections.ended();
    clearTimeout(late);
  };
  let ending: Promise<void> | undefined;

  const whole = <Result>(
    work: (queries: Queries, now: bigint) => Promise<Result>,
    { byKeys = false }: TransactionOptions = {},
  ) =>
    once(async (client) => {
      // Answered before anything is sent behind it: without a transaction each statement would stand for itself.
      const begun = [await client.query<{ now: string }>(byKeys ? byKeysBegin : plainBegin)].flat().at(-1)?.rows[0];
      if (begun === undefined) throw new Error('the database gave no time');
      const result = await work(queriesOn(client), BigInt(begun.now));
      // What a user's deferred trigger refuses.
      await client.query('commit').catch((error: unknown) => {
        throw translate(error, 'at COMMIT');
      });
      return result;
    });

  return {
    run(work) {
      const plain = () => once((client) => work(queriesOn(client)));
      // A transaction lifts the limits, and costs two answers more: only where it has to be.
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
        const query = { text, query_timeout: answerMs } as pg.QueryConfig;
        return await once(async (client) => (await client.query<Row>(query).catch(namedOn(client))).rows);
      } catch (error) {
        throw translate(error);
      }
    },
    close() {
      ending ??= end();
      return ending;
    },
  };
}

/** A limit of the role, the database or the server ended it. */
function isTimeout(error: unknown): boolean {
  return error instanceof pg.DatabaseError && /^(57014|25P04)$/.test(error.code ?? '');
}

/** Names the limit that ended a statement outside of a transaction. Always throws. */
function namedOn(client: pg.PoolClient): (error: unknown) => Promise<never> {
  return async (error) => {
    // After the other one there is no connection to ask on.
    if (!(error instanceof pg.DatabaseError && error.code === '57014')) throw error;
    const { rows } = await client.query<{ value: string }>(`select current_setting('statement_timeout') as value`);
    throw new DatabaseTrouble(`statement_timeout = ${rows[0]?.value} ended a statement; see doctor`, '57014', false);
  };
}

/** What fails only because another statement of its transaction failed before it, fails with the error of that one. */
function queriesOn(client: pg.PoolClient): Queries {
  let first: unknown;
  return {
    async sql<Row extends pg.QueryResultRow>(text: string, parameters: unknown[] = [], writes?: string) {
      try {
        return (await client.query<Row>(text, parameters.map(storableParameter))).rows;
      } catch (error) {
        first ??= writes === undefined ? error : translate(error, `in ${writes}`);
        throw first;
      }
    },
  };
}

/** Tries again what may well succeed in a moment, a few times. @throws the last error, as one of ours. */
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
