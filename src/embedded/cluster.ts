// The data folder of an embedded Postgres and its server: create, start, find, stop. Any number of processes may do this
// at the same time: a new cluster appears by a rename, and Postgres itself allows only one server per folder. The server
// listens on 127.0.0.1 only, with a random password that is kept with the data, readable only by its owner.

import { createHash, randomBytes } from 'node:crypto';
import { chown, mkdir, readdir, readFile, readlink, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { reasonOf } from '../lib/reason.ts';
import { wait } from '../lib/wait.ts';
import { EmbeddedError, runProgram, type ServerUser } from './binaries.ts';
import { isAlive } from './holders.ts';

export interface Cluster {
  /** Contains everything; the data is in its subfolder `data`. */
  folder: string;
  data: string;
  user: ServerUser;
  /** False: no fsync, for data that is not needed after a crash of the machine. */
  durable: boolean;
}

const startTimeoutS = 60;
const passwordFile = 'conversation-sync.password';
const settingsFile = 'conversation-sync.conf';

/** Creates the cluster if there is none. If two processes do so at once, one result is kept. */
export async function ensureCluster({ folder, data, user, durable }: Cluster): Promise<void> {
  if (await exists(join(data, 'PG_VERSION'))) return;
  const fresh = join(folder, `new-${randomBytes(6).toString('hex')}`);
  const password = `${fresh}.password`;
  try {
    await mkdir(fresh, { mode: 0o700 });
    await writeFile(password, randomBytes(16).toString('hex'), { mode: 0o600 });
    if (user.uid !== undefined && user.gid !== undefined) {
      for (const path of [fresh, password]) await chown(path, user.uid, user.gid);
    }
    // Text sorts by code point, with Unicode's upper and lower case: the same on every machine.
    const locale = ['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'];
    const access = ['--username=postgres', `--pwfile=${password}`, '--auth=scram-sha-256'];
    const rest = durable ? ['--no-instructions'] : ['--no-instructions', '--no-sync'];
    await runProgram('initdb', [`--pgdata=${fresh}`, ...locale, ...access, ...rest], folder, user);
    await writeFile(join(fresh, 'postgresql.conf'), `\ninclude_if_exists '${settingsFile}'\n`, { flag: 'a' });
    await rename(password, join(fresh, passwordFile));
    await rename(fresh, data);
  } catch (error) {
    if (!(await exists(join(data, 'PG_VERSION')))) throw error;
  } finally {
    for (const path of [fresh, password]) await rm(path, { recursive: true, force: true });
  }
}

/** Removes what processes left behind that died while they created a cluster. That takes seconds, so after ten minutes nobody needs it. */
export async function removeLeftovers({ folder }: Cluster): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const left = name.startsWith('new-') ? await stat(path).catch(() => undefined) : undefined;
    if (left && Date.now() - left.mtimeMs > 600_000) await rm(path, { recursive: true, force: true });
  }
}

/** Starts the server on its last port, or the next free one. `started` is false if another process was faster. */
export async function startServer(cluster: Cluster): Promise<{ port: number; started: boolean }> {
  const { data, user } = cluster;
  const log = join(data, 'server.log');
  await rename(log, `${log}.1`).catch(() => undefined);
  let port = await lastPort(data);
  for (let attempt = 1; ; attempt++, port++) {
    await writeSettings(cluster, port);
    try {
      const options = ['start', '--wait', `--timeout=${startTimeoutS}`, `--pgdata=${data}`, `--log=${log}`, '--silent'];
      await runProgram('pg_ctl', options, data, user);
      return { port, started: true };
    } catch (error) {
      const running = await findServer(cluster);
      if (running !== undefined) return { port: running, started: false };
      const said = await readFile(log, 'utf8').catch(() => '');
      if (attempt < 20 && said.includes('could not bind')) continue;
      const reason = said.split('\n').findLast((line) => line.includes('FATAL')) ?? (error as Error).message;
      throw new EmbeddedError(`embedded Postgres did not start: ${reason}; see ${log}`, { cause: error });
    }
  }
}

/** The port of the running server; undefined if there is none. Waits for one that is starting or stopping. */
export async function findServer({ data }: Cluster): Promise<number | undefined> {
  const deadline = performance.now() + startTimeoutS * 1000;
  for (;;) {
    const [pid, , , port] = (await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => ''))
      .split('\n')
      .map(Number);
    if (!pid || !isAlive(pid)) return undefined;
    if (await isForeign(pid, data)) {
      // The process id of a dead server now belongs to another program. Postgres would take that for a running server.
      await rm(join(data, 'postmaster.pid'), { force: true });
      return undefined;
    }
    try {
      if (port) {
        const client = new pg.Client(await connectionTo({ data }, port, 'postgres'));
        // Without a listener, a server that stops now would end this process.
        client.on('error', () => {});
        await client.connect();
        await client.end();
        return port;
      }
    } catch (error) {
      // 57P03: starting up or shutting down.
      if (!['57P03', 'ECONNREFUSED', 'ECONNRESET'].includes(reasonOf(error)) && performance.now() > deadline)
        throw error;
    }
    if (performance.now() > deadline)
      throw new EmbeddedError(`embedded Postgres (process ${pid}) does not answer; data in ${data}`);
    await wait(50);
  }
}

/** The port of the running server by its pid file. Does not wait or change anything. */
export async function probeServer({ data }: Pick<Cluster, 'data'>): Promise<number | undefined> {
  const [pid, , , port] = (await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => ''))
    .split('\n')
    .map(Number);
  if (!pid || !port || !isAlive(pid) || (await isForeign(pid, data))) return undefined;
  return port;
}

/** Stops the server; open transactions are rolled back. Does nothing if none runs. */
export async function stopServer(cluster: Cluster): Promise<void> {
  const { data, user } = cluster;
  if (!(await exists(join(data, 'postmaster.pid')))) return;
  try {
    await runProgram('pg_ctl', ['stop', '--mode=fast', '--wait', `--pgdata=${data}`, '--silent'], data, user);
  } catch (error) {
    if ((await findServer(cluster)) !== undefined) throw error;
  }
}

/** Options without effect: with them, node-postgres ignores PGOPTIONS. */
export const neutralOptions = '-cclient_min_messages=notice';

/** A complete configuration to connect to the server: nothing is taken from the environment. */
export async function connectionTo({ data }: Pick<Cluster, 'data'>, port: number, database: string) {
  const password = await readFile(join(data, passwordFile), 'utf8');
  const server = { host: '127.0.0.1', port, user: 'postgres', password, database, connectionTimeoutMillis: 10_000 };
  return { ...server, ssl: false, sslnegotiation: 'postgres' as const, options: neutralOptions };
}

async function writeSettings({ data, user, durable }: Cluster, port: number): Promise<void> {
  const unsafe = durable ? [] : ['fsync = off', 'synchronous_commit = off', 'full_page_writes = off'];
  const lines = [
    `port = ${port}`,
    "listen_addresses = '127.0.0.1'",
    // The path of a socket is limited to 107 bytes; the folder's path may be longer.
    "unix_socket_directories = ''",
    'max_connections = 100',
    "shared_buffers = '64MB'",
    'log_checkpoints = off',
    // Statements and details of errors may contain people's words.
    'log_min_error_statement = panic',
    'log_error_verbosity = terse',
    ...unsafe,
  ];
  const fresh = join(data, `${settingsFile}.${randomBytes(4).toString('hex')}`);
  await writeFile(fresh, `# Written at each start.\n${lines.join('\n')}\n`, { mode: 0o600 });
  if (user.uid !== undefined && user.gid !== undefined) await chown(fresh, user.uid, user.gid);
  await rename(fresh, join(data, settingsFile));
}

/** The port of the last start, so that a psql command stays valid. The first one is derived from the path, below the range of ephemeral ports. */
async function lastPort(data: string): Promise<number> {
  const settings = await readFile(join(data, settingsFile), 'utf8').catch(() => '');
  const found = /^port = (\d+)$/m.exec(settings)?.[1];
  return found === undefined
    ? 20_000 + (createHash('sha256').update(data).digest().readUInt16BE() % 10_000)
    : Number(found);
}

/** Whether the process is certainly not the server of this data: the working directory of a server is its data folder. */
async function isForeign(pid: number, data: string): Promise<boolean> {
  const folder = await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
  return folder !== undefined && folder !== (await realpath(data));
}

async function exists(path: string): Promise<boolean> {
  return (await readFile(path).catch(() => undefined)) !== undefined;
}
