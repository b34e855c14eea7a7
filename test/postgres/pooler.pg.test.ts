// The first connection of a process, where something refuses it: a pooler or a server that is full is tried again, whatever
// a person has to put right is said in the pooler's own words. With a PgBouncer where there is one, else with what it says.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Connection } from '../../src/config/connection-string.ts';
import { openConfigured } from '../../src/database.ts';
import { chooseServerUser } from '../../src/embedded/user.ts';
import { openDatabase } from '../../src/postgres/database.ts';
import { beat, createReplicas, leave } from '../../src/postgres/replicas.ts';
import { openTestDatabase, type TestDatabase } from '../database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

async function prepare(connection: Connection): Promise<number> {
  await using opened = await openConfigured({ kind: 'server', schema: 'twilio', connection });
  return await opened.prepare();
}

/** In front of the database; refuses so many connections first. */
async function refusing(count: number, code: string, message: string): Promise<Server> {
  const fields = ['SFATAL', 'VFATAL', `C${code}`, `M${message}`].map((field) => `${field}\0`).join('');
  const body = Buffer.from(`${fields}\0`);
  const refusal = Buffer.concat([Buffer.from('E'), Buffer.alloc(4), body]);
  refusal.writeInt32BE(body.length + 4, 1);
  let left = count;
  const server = createServer((near) => {
    near.on('error', () => {});
    if (left-- > 0) {
      near.once('data', () => near.end(refusal));
      return;
    }
    const far = connect(database.connection.port, database.connection.host).on('error', () => near.destroy());
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

const behind = (server: Server): Connection => ({
  ...database.connection,
  host: '127.0.0.1',
  port: (server.address() as AddressInfo).port,
});

describe('the first connection', () => {
  test.each([
    ['XX000', 'Max client connections reached'],
    ['08P01', 'no more connections allowed (max_client_conn)'],
    ['53300', 'sorry, too many clients already'],
    ['57P03', 'the database system is starting up'],
  ])('is tried again after %s, %s', async (code, message) => {
    await using server = await refusing(2, code, message);
    expect(await prepare(behind(server))).toBe(0);
  });

  test('is not where a person has to put something right', async () => {
    await using server = await refusing(9, 'XX000', 'Tenant or user not found');
    await expect(prepare(behind(server))).rejects.toMatchObject({
      misconfigured: true,
      message: 'database: the server or its pooler refuses the connection: Tenant or user not found (XX000)',
    });
  });
});

const run = promisify(execFile);
const installed = await run('pgbouncer', ['--version']).then(
  () => true,
  () => false,
);

describe.skipIf(!installed)('a PgBouncer (needs pgbouncer)', () => {
  let folder: string;
  let pooler: ChildProcess;
  let through: Connection;

  beforeAll(async () => {
    const { host, port, user, password } = database.connection;
    // A port that was free a moment ago.
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const own = (probe.address() as AddressInfo).port;
    await new Promise((resolve) => probe.close(resolve));
    folder = await mkdtemp(join(tmpdir(), 'pooler-'));
    await chmod(folder, 0o755);
    const lines = [
      '[databases]',
      `* = host=${host} port=${port}`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${own}`,
      'unix_socket_dir =',
      'auth_type = scram-sha-256',
      `auth_file = ${join(folder, 'users')}`,
      'pool_mode = transaction',
    ];
    await writeFile(join(folder, 'pgbouncer.ini'), `${lines.join('\n')}\n`);
    await writeFile(join(folder, 'users'), `"${user}" "${String(password)}"\n`);
    pooler = spawn('pgbouncer', [join(folder, 'pgbouncer.ini')], {
      stdio: ['ignore', 'ignore', 'pipe'],
      ...(await chooseServerUser(join(folder, 'data'))),
    });
    let said = '';
    await new Promise<void>((resolve, reject) => {
      pooler.stderr?.on('data', (text) => {
        said += text;
        if (said.includes('process up')) resolve();
      });
      pooler.once('exit', () => reject(new Error(said)));
      pooler.once('error', reject);
    });
    // The tests' server may be spoken to with options, which PgBouncer does not take.
    const { options: _, ...rest } = database.connection;
    through = { ...rest, host: '127.0.0.1', port: own };
  });

  afterAll(async () => {
    if (pooler?.exitCode === null) {
      pooler.kill('SIGINT');
      await once(pooler, 'exit');
    }
    await rm(folder, { recursive: true, force: true });
  });

  test('lets a good connection through', async () => {
    expect(await prepare(through)).toBe(0);
  });

  test('replicas that begin at once through it count each other', async () => {
    const processes = ['a', 'b', 'c'].map((name) => ({ name, database: openDatabase(through) }));
    try {
      await Promise.all(processes.map((each) => createReplicas(each.database)));
      await Promise.all(processes.map((each) => beat(each.database, each.name)));
      const counts = await Promise.all(processes.map((each) => beat(each.database, each.name)));
      expect(counts).toEqual([3, 3, 3]);
      await Promise.all(processes.map((each) => leave(each.database, each.name)));
    } finally {
      await Promise.all(processes.map((each) => each.database.close()));
    }
  });

  test.each<[string, Partial<Connection>, RegExp]>([
    ['a wrong password', { password: 'wrong' }, /: SASL authentication failed \(08P01\)$/],
    ['a user it does not know', { user: 'nobody' }, /: SASL authentication failed \(08P01\)$/],
    ['a startup parameter it does not take', { options: '-c search_path=x' }, /unsupported startup parameter/],
  ])('%s is said in its words, and is a setting’s trouble', async (_, wrong, words) => {
    await expect(prepare({ ...through, ...wrong })).rejects.toMatchObject({
      misconfigured: true,
      message: expect.stringMatching(words),
    });
  });
});
