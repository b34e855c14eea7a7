// TLS by every spelling of it, against a server of its own that offers TLS and one that does not, with psql beside it: the
// same words in a URL mean the same to both.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chown, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DatabaseConfig, readConfig } from '../../src/config/config.ts';
import { type Embedded, openEmbedded } from '../../src/embedded/embedded.ts';
import { Connection, trackConnections } from '../../src/postgres/connection.ts';
import { certificate, privateKey } from '../twilio/test-certificate.ts';

const run = promisify(execFile);
const psqlVersion = await run('psql', ['--version']).then(
  ({ stdout }) => Number(/(\d+)/.exec(stdout)?.[1]),
  () => 0,
);

/** How a session is: encrypted, in clear, or not at all. */
type Outcome = 'tls' | 'clear' | 'refused';

interface Spelling {
  query: string;
  env?: Record<string, string>;
  /** One that anybody may be, that has to use TLS, that has to use none, or that has a certificate. */
  role?: 'either' | 'tls_only' | 'clear_only' | 'localhost';
  is: Outcome;
  /** What psql makes of it, where that is something else. */
  psql?: Outcome;
  /** The first version of psql that knows it. */
  since?: number;
}

const spellings: Spelling[] = [
  { query: '', is: 'tls' },
  { query: '', role: 'tls_only', is: 'tls' },
  { query: '', role: 'clear_only', is: 'clear' },
  { query: 'sslmode=disable', is: 'clear' },
  { query: 'sslmode=disable', role: 'tls_only', is: 'refused' },
  { query: 'sslmode=allow', is: 'clear' },
  { query: 'sslmode=allow', role: 'tls_only', is: 'tls' },
  { query: 'sslmode=allow', role: 'clear_only', is: 'clear' },
  { query: 'sslmode=prefer', is: 'tls' },
  { query: 'sslmode=prefer', role: 'clear_only', is: 'clear' },
  { query: 'sslmode=require', is: 'tls' },
  { query: 'sslmode=require', role: 'clear_only', is: 'refused' },
  { query: 'sslmode=no-verify', is: 'tls', psql: 'refused' },
  { query: 'sslmode=REQUIRE', is: 'refused' },
  { query: '', env: { PGSSLMODE: 'require' }, is: 'tls' },
  { query: '', env: { PGSSLMODE: 'disable' }, is: 'clear' },
  { query: 'ssl=true', is: 'tls' },
  { query: 'ssl=true', role: 'clear_only', is: 'refused' },
  // A provider's URL must not stop a worker: these are only told of.
  { query: 'ssl=1', is: 'tls', psql: 'refused' },
  { query: 'SSLMODE=disable', is: 'tls', psql: 'refused' },
  { query: 'pgbouncer=true', is: 'tls', psql: 'refused' },
  { query: 'sslrootcert=CA', is: 'tls' },
  { query: '', env: { PGSSLROOTCERT: 'CA' }, is: 'tls' },
  { query: 'sslmode=require&sslrootcert=CA', is: 'tls' },
  { query: 'sslmode=verify-ca&sslrootcert=CA', is: 'tls' },
  { query: 'sslmode=verify-full&sslrootcert=CA', is: 'tls' },
  { query: 'sslmode=verify-full', is: 'refused' },
  { query: 'sslmode=verify-ca', is: 'refused' },
  { query: 'sslrootcert=system', is: 'refused', since: 16 },
  { query: 'sslmode=require&sslrootcert=system', is: 'refused', since: 16 },
  { query: 'sslmode=verify-full&sslrootcert=system', is: 'refused', since: 16 },
  { query: 'sslcert=CERT&sslkey=KEY', role: 'localhost', is: 'tls' },
  { query: 'sslmode=verify-full&sslrootcert=CA&sslcert=CERT&sslkey=KEY', role: 'localhost', is: 'tls' },
  { query: '', role: 'localhost', is: 'refused' },
  { query: 'ssl_min_protocol_version=TLSv1.3&sslmode=require', is: 'tls' },
  // The server takes 1.3 alone: a handshake that fails, after which `prefer` goes on in clear.
  { query: 'ssl_max_protocol_version=TLSv1.2&sslmode=require', is: 'refused' },
  { query: 'ssl_max_protocol_version=TLSv1.2', is: 'clear' },
  { query: 'gssencmode=disable&channel_binding=prefer&target_session_attrs=any&keepalives=1', is: 'tls' },
  { query: 'hostaddr=127.0.0.1&host=elsewhere&sslmode=require', is: 'tls' },
  { query: 'hostaddr=127.0.0.1&host=elsewhere&sslmode=verify-full&sslrootcert=CA', is: 'refused' },
  { query: 'hostaddr=127.0.0.1&host=localhost&sslmode=verify-full&sslrootcert=CA', is: 'tls' },
];

const withoutTls: Spelling[] = [
  { query: '', is: 'clear' },
  { query: 'sslmode=prefer', is: 'clear' },
  { query: 'sslmode=allow', is: 'clear' },
  { query: 'ssl=true', is: 'refused' },
  { query: 'sslmode=require', is: 'refused' },
  { query: 'sslrootcert=CA', is: 'clear' },
];

const password = 'only-for-this-test';
let folder: string;
let server: Embedded;
let admin: pg.Client;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tls-'));
  server = await openEmbedded({ folder, durable: false });
  admin = new pg.Client(server.url);
  await admin.connect();
  const data = join(folder, 'data');
  const roles = ['either', 'tls_only', 'clear_only', 'localhost'];
  for (const role of roles) await admin.query(`create role ${role} login password '${password}'`);
  const access = [
    'host all postgres,either 127.0.0.1/32 scram-sha-256',
    'hostssl all tls_only 127.0.0.1/32 scram-sha-256',
    'hostnossl all clear_only 127.0.0.1/32 scram-sha-256',
    'hostssl all localhost 127.0.0.1/32 cert',
  ];
  const { uid, gid } = await stat(data);
  for (const [name, text] of Object.entries({
    'server.crt': certificate,
    'server.key': privateKey,
    'pg_hba.conf': `${access.join('\n')}\n`,
  })) {
    await writeFile(join(data, name), text, { mode: 0o600 });
    await chown(join(data, name), uid, gid);
  }
  // psql takes no key that others can read.
  for (const [name, text] of Object.entries({ CA: certificate, CERT: certificate, KEY: privateKey }))
    await writeFile(join(folder, name), text, { mode: 0o600 });
  await admin.query(`alter system set ssl_ca_file = 'server.crt'`);
  await admin.query(`alter system set ssl_min_protocol_version = 'TLSv1.3'`);
});

afterAll(async () => {
  await admin?.end();
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Takes effect for connections that begin after it. */
async function offerTls(offered: 'on' | 'off'): Promise<void> {
  await admin.query(`alter system set ssl = ${offered}`);
  await admin.query('select pg_reload_conf()');
  for (let attempt = 0; ; attempt++) {
    const { rows } = await admin.query(`show ssl`);
    if (rows[0].ssl === offered) return;
    if (attempt > 1000) throw new Error('the server does not take its new settings');
  }
}

const inFolder = (text: string) => text.replace(/=(CA|CERT|KEY)\b/g, (_, name) => `=${join(folder, name)}`);

function given({ query, env = {}, role = 'either' }: Spelling): { url: string; env: Record<string, string> } {
  const { port } = new URL(server.url);
  return {
    url: `postgres://${role}:${password}@127.0.0.1:${port}/conversation_sync?${inFolder(query)}`,
    env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, inFolder(`=${value}`).slice(1)])),
  };
}

const question = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()';

function configOf(spelling: Spelling): Extract<DatabaseConfig, { kind: 'server' }> {
  const { url, env } = given(spelling);
  const { database } = readConfig({ ...env, DATABASE_URL: url }, (path) => readFileSync(path, 'utf8'), ['database']);
  if (database.kind !== 'server') throw new Error('no server');
  return database;
}

async function ours(spelling: Spelling): Promise<Outcome> {
  let client: Connection | undefined;
  try {
    client = new Connection({ ...configOf(spelling).connection, connectionTimeoutMillis: 20_000 });
    client.on('error', () => {});
    await client.connect();
    const { rows } = await client.query<{ ssl: boolean }>(question);
    expect(client.tlsVersion).toBe(rows[0]?.ssl ? 'TLSv1.3' : null);
    return rows[0]?.ssl ? 'tls' : 'clear';
  } catch {
    return 'refused';
  } finally {
    await client?.leave();
  }
}

async function psqls(spelling: Spelling): Promise<Outcome> {
  const { url, env } = given(spelling);
  const rest = { PATH: process.env['PATH'] ?? '', HOME: folder, PGCONNECT_TIMEOUT: '20', ...env };
  try {
    const { stdout } = await run('psql', [url, '-XAtc', question], { env: rest });
    return stdout.trim() === 't' ? 'tls' : 'clear';
  } catch {
    return 'refused';
  }
}

const titled = (all: Spelling[]) =>
  all.map(
    (each) => [`?${each.query} ${Object.entries(each.env ?? {}).join()} as ${each.role ?? 'either'}`, each] as const,
  );

describe.each([
  ['a server that offers TLS', 'on', spellings],
  ['a server without TLS', 'off', withoutTls],
] as const)('%s', (_, offered, table) => {
  beforeAll(() => offerTls(offered));

  test.each(titled(table))('%s', async (_title, spelling) => {
    expect(await ours(spelling)).toBe(spelling.is);
  });

  test.skipIf(psqlVersion === 0)('psql means the same (needs psql)', async () => {
    const known = table.filter(({ since = 0 }) => since <= psqlVersion);
    const said: [Spelling, Outcome][] = [];
    for (const spelling of known) said.push([spelling, await psqls(spelling)]);
    expect(said).toEqual(known.map((spelling) => [spelling, spelling.psql ?? spelling.is]));
  });
});

test('a pool’s connections each begin with TLS, whatever became of the one before', async () => {
  const { connection } = configOf({ query: '', is: 'tls' });
  const connections = trackConnections();
  const pool = new pg.Pool({ ...connection, Client: connections.Client, maxUses: 1 });
  const encrypted = async () => (await pool.query<{ ssl: boolean }>(question)).rows[0]?.ssl;
  try {
    await offerTls('off');
    expect(await encrypted()).toBe(false);
    await offerTls('on');
    expect(await encrypted()).toBe(true);
  } finally {
    await pool.end();
    await connections.ended();
  }
});

test('a wrong password is not sent again in clear', async () => {
  await offerTls('on');
  const { connection } = configOf({ query: '', is: 'tls' });
  const client = new Connection({ ...connection, password: 'wrong' });
  await expect(client.connect()).rejects.toMatchObject({ code: '28P01' });
  expect(client.tlsVersion).toBe('TLSv1.3');
  await client.leave();
});
