// Postgres without installing one: a folder in, a running server and its URL out. Processes share the server of a
// folder, and the last one to close it stops it. Data survives restarts and, unless `durable` is false, crashes of the
// machine.

import { access, constants, mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { reasonOf } from '../lib/reason.ts';
import { EmbeddedError } from './binaries.ts';
import {
  type Cluster,
  connectionTo,
  ensureCluster,
  findServer,
  neutralOptions,
  removeLeftovers,
  startServer,
  stopServer,
} from './cluster.ts';
import { type Hold, holdFolder } from './holders.ts';
import { chooseServerUser } from './user.ts';

export interface EmbeddedOptions {
  /** Contains everything; created if missing. */
  folder: string;
  /** Also stop a server that a killed process left running. Without it, such a server is used and left running. */
  adopt?: boolean;
  /** Start with an empty database; refused if another process uses the folder. */
  empty?: boolean;
  /** False trades safety in a crash of the machine for speed. Default true. */
  durable?: boolean;
}

export interface Embedded {
  /** With password and everything that node-postgres needs, independent of PG* variables. */
  url: string;
  /** A shell command, with password. */
  psql: string;
  /** Whether this call started the server. */
  started: boolean;
  /** Stops the server, unless another process still uses it. */
  close(): Promise<void>;
}

/** The folder should be emptied, but another process uses it. Exit status 2. */
export class EmbeddedInUse extends EmbeddedError {
  override readonly name = 'EmbeddedInUse';
}

export const embeddedDatabase = 'conversation_sync';

/**
 * Opens the embedded Postgres of a folder; creates and starts it if needed, within 60 s. Throws EmbeddedInUse (only with
 * `empty`), or EmbeddedError with a message for users.
 */
export async function openEmbedded({
  folder,
  adopt = false,
  empty = false,
  durable = true,
}: EmbeddedOptions): Promise<Embedded> {
  const home = resolve(folder);
  await makeFolder(home);
  const hold = await holdFolder(home);
  try {
    const data = join(home, 'data');
    const cluster: Cluster = { folder: home, data, user: await chooseServerUser(data), durable };
    const others = await hold.others();
    if (empty) await discard(cluster, others);
    await removeLeftovers(cluster);
    await ensureCluster(cluster);
    const running = await findServer(cluster);
    const { port, started } = running === undefined ? await startServer(cluster) : { port: running, started: false };
    const owns = started || adopt || others.length > 0;
    await ensureDatabase(await connectionTo(cluster, port, 'postgres'));
    const { user, password } = await connectionTo(cluster, port, embeddedDatabase);
    const url = `postgres://${user}:${password}@127.0.0.1:${port}/${embeddedDatabase}`;
    const complete = `${url}?sslmode=disable&options=${encodeURIComponent(neutralOptions)}`;
    return { url: complete, psql: `psql ${url}`, started, close: closer(cluster, hold, owns) };
  } catch (error) {
    await hold.release();
    throw error;
  }
}

async function makeFolder(home: string): Promise<void> {
  try {
    await mkdir(home, { recursive: true });
    await access(home, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new EmbeddedError(
      `the embedded Postgres cannot write to ${home} (${reasonOf(error)}): set DATABASE_URL, or start in a folder that this user may write to`,
    );
  }
}

/** Stops the server unless another process uses it. */
function closer(cluster: Cluster, hold: Hold, owns: boolean): () => Promise<void> {
  let closed: Promise<void> | undefined;
  const close = async () => {
    await hold.release();
    if (owns && (await hold.others()).length === 0) await stopServer(cluster);
  };
  return () => {
    closed ??= close();
    return closed;
  };
}

async function discard(cluster: Cluster, others: number[]): Promise<void> {
  if (others.length > 0) {
    throw new EmbeddedInUse(`${cluster.folder} is in use by process ${others.join(', ')}: stop it first`);
  }
  await stopServer(cluster);
  await rm(cluster.data, { recursive: true, force: true });
}

async function ensureDatabase(connection: pg.ClientConfig): Promise<void> {
  const client = new pg.Client(connection);
  client.on('error', () => {});
  await client.connect();
  try {
    const found = await client.query('select from pg_database where datname = $1', [embeddedDatabase]);
    if (found.rowCount === 0) await client.query(`create database ${embeddedDatabase}`);
  } catch (error) {
    // Another process may have created it at the same time.
    const again = await client.query('select from pg_database where datname = $1', [embeddedDatabase]);
    if (again.rowCount === 0) throw error;
  } finally {
    await client.end();
  }
}
