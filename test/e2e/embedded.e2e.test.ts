// With no database configured: the embedded one, used by several commands at once, kept over restarts; and the demo.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fillSource } from '../../src/simulator/seed.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import { type Environment, Processes, until } from './process.ts';

const processes = new Processes();
let simulator: Simulator;
let env: Environment;

beforeAll(async () => {
  simulator = await startSimulator();
  fillSource(simulator.source, { conversations: 100, days: 20, untilMs: Date.now() - 3_600_000 });
  const { accountSid, authToken } = simulator.credentials;
  env = {
    TWILIO_INTELLIGENCE_URL: simulator.url,
    TWILIO_ACCOUNT_SID: accountSid,
    TWILIO_AUTH_TOKEN: authToken,
    SYNC_START: new Date(Date.now() - 25 * 86_400_000).toISOString().slice(0, 10),
    SYNC_REFRESH: '365d',
    HTTP_PORT: '0',
  };
});

afterAll(async () => {
  await processes[Symbol.asyncDispose]();
  await simulator.close();
});

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  client.on('error', () => {});
  await client.connect();
  return client;
}

const runsIn = (data: string) => existsSync(join(data, 'postmaster.pid'));

test('sync twice in one folder keeps its rows; run and status use one server, which ends with the last of them', async () => {
  const folder = await processes.folder();
  const data = join(folder, 'data/postgres/data');
  const empty = await processes.finish(['status'], env, folder);
  expect(empty).toMatchObject({ code: 1, stdout: '' });
  expect(empty.stderr).toMatch(/run: conversation-sync migrate/);
  expect(await processes.finish(['sync'], env, folder)).toMatchObject({ code: 0, stderr: '' });
  expect(runsIn(data)).toBe(false);
  simulator.requests.reset();
  expect(await processes.finish(['sync'], env, folder)).toMatchObject({ code: 0, stderr: '' });
  expect(simulator.requests.byEndpoint.detail).toBe(0);

  const worker = await processes.start(['run'], env, folder);
  await worker.saw(/"msg":"in sync"/);
  const { code, stdout } = await processes.finish(['status', '--json'], env, folder);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ conversations: 100, worker: expect.stringContaining(String(worker.pid)) });

  const granted = await processes.finish(['grant-reader', 'Weekly reports'], env, folder);
  expect(granted).toMatchObject({ code: 0, stderr: '' });
  const [, password = ''] = /^Password {2}(\S+) {2}\(shown only now\)$/m.exec(granted.stdout) ?? [];
  const [, url = ''] = /^Connect {3}psql '([^']+)'$/m.exec(granted.stdout) ?? [];
  const reader = await connect(url.replace('@', `:${password}@`));
  expect((await reader.query('select id from twilio.conversations')).rowCount).toBe(100);
  await expect(reader.query('select from twilio_sync.windows')).rejects.toMatchObject({ code: '42501' });
  await reader.end();
  expect(await processes.finish(['grant-reader', 'Weekly reports'], env, folder)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/existed and is up to date[\s\S]*unchanged/),
  });
  expect(runsIn(data)).toBe(true);
  worker.kill('SIGTERM');
  expect(await worker.ended).toMatchObject({ code: 0 });
  expect(runsIn(data)).toBe(false);
});

test('demo: rows at once, a psql line that works, no second one beside it, and nothing left at its end', async () => {
  const folder = await processes.folder();
  // It looks at nothing real, however wrong that is.
  const nothingOfIt = {
    DATABASE_URL: 'nonsense',
    PGHOST: '192.0.2.1',
    TWILIO_ACCOUNT_SID: 'nonsense',
    SYNC_START: '?',
  };
  const first = await processes.start(['demo', '--conversations', '200', '--days', '20'], nothingOfIt, folder);
  const [, url = ''] = await first.saw(/psql (postgres:\/\/\S+)/);
  const [, worker = ''] = await first.saw(/Status page +(http:\/\/\S+\/)\n/);
  const client = await connect(url);
  try {
    const count = async () =>
      (await client.query<{ count: number }>(`select count(*)::int as count from twilio.conversations`)).rows[0]?.count;
    await until(
      () => count().catch(() => 0),
      (stored) => (stored ?? 0) >= 200,
    );
    const second = await processes.finish(['demo'], {}, folder);
    expect(second.code).toBe(2);
    expect(second.output).toMatch(/data\/demo is in use by process \d+: stop it first/);
    await first.saw(
      /\d+ conversations \(\d+ open\), \d+ communications, \d+ operator results; in sync up to \d+ s ago/,
    );
    expect((await fetch(`${worker}readyz`)).status).toBe(200);
    expect(await (await fetch(worker)).text()).toMatch(/<title>In sync · conversation-sync<\/title>/);
    expect(await count()).toBeGreaterThanOrEqual(200);
  } finally {
    await client.end();
  }
  first.kill('SIGINT');
  const { code, stderr } = await first.ended;
  expect(code).toBe(0);
  expect(stderr).toBe('SIGINT: ending\n');
  expect(runsIn(join(folder, 'data/demo/data'))).toBe(false);
  await expect(connect(url)).rejects.toThrow(/ECONNREFUSED/);
});

test('simulate: what it prints is what lets a sync in', async () => {
  const api = await processes.start([
    'simulate',
    '--port',
    '0',
    '--conversations',
    '30',
    '--days',
    '5',
    '--no-traffic',
  ]);
  const [, line = ''] = await api.saw(/^ {2}(TWILIO_INTELLIGENCE_URL=\S+)$/m);
  const [, key = ''] = await api.saw(/^ {2}or (TWILIO_API_KEY=\S+ TWILIO_API_SECRET=\S+)$/m);
  const printed = Object.fromEntries([line, ...key.split(' ')].map((each) => each.split('=')));
  const { TWILIO_AUTH_TOKEN: _, ...rest } = env;
  const folder = await processes.folder();
  const { code, stdout } = await processes.finish(['sync'], { ...rest, ...printed }, folder);
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/ 30 stored\b/) });
  api.kill('SIGINT');
  expect(await api.ended).toMatchObject({ code: 0 });
});
