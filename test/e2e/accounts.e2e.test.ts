// Commands over the accounts of a file: each is synced into its own schema, one in trouble costs no other, and the exit status is the
// first that holds for any of them.

import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fillSource } from '../../src/simulator/seed.ts';
import { type Simulator, startSimulator } from '../../src/simulator/server.ts';
import { openEmptyDatabase, type TestDatabase } from '../database.ts';
import { differences } from '../oracle.ts';
import { type Environment, Processes } from './process.ts';
import { momentsAgo, underUsualName } from './stage.ts';

const days = 20;
const schemas = ['twilio_acme', 'twilio_bolt', 'twilio_core'];
const sids = schemas.map((_, index) => `AC${String(index + 1).repeat(32)}`);
const [acmeSid = '', boltSid = '', coreSid = ''] = sids;

const processes = new Processes();
const apis: Simulator[] = [];
let database: TestDatabase;
let client: pg.Client;
let folder: string;
let env: Environment;

beforeAll(async () => {
  database = await openEmptyDatabase();
  client = new pg.Client(database.connection);
  await client.connect();
  for (const [index, accountSid] of sids.entries()) {
    const api = await startSimulator({ credentials: { accountSid, authToken: `token-of-${index}` }, seed: index + 1 });
    fillSource(api.source, { conversations: 30 + 10 * index, days, untilMs: Date.now() - 3_600_000 });
    apis.push(api);
  }
  folder = await processes.folder();
  env = {
    SYNC_ACCOUNTS_FILE: join(folder, 'accounts.json'),
    DATABASE_URL: database.url,
    SYNC_START: new Date(Date.now() - (days + 5) * 86_400_000).toISOString().slice(0, 10),
    SYNC_REFRESH: '365d',
  };
  await writeAccounts();
  expect(await run('sync')).toMatchObject({ code: 0, stderr: '' });
});

beforeEach(async () => {
  await writeAccounts();
});

afterAll(async () => {
  await processes[Symbol.asyncDispose]();
  await client.end();
  for (const api of apis) await api.close();
  await database[Symbol.asyncDispose]();
});

const run = (...args: string[]) => processes.finish(args, env);

/** Writes the file; `changes` go into the entry of that schema. */
async function writeAccounts(changes: Record<string, object> = {}): Promise<void> {
  const accounts = schemas.map((schema, index) => ({
    accountSid: sids[index],
    authToken: `token-of-${index}`,
    url: apis[index]?.url,
    schema,
    ...changes[schema],
  }));
  await writeFile(env['SYNC_ACCOUNTS_FILE'] ?? '', JSON.stringify({ accounts }));
}

/** What differs between the tables of an account and its API. */
async function differencesOf(schema: string): Promise<string[]> {
  const source = apis[schemas.indexOf(schema)]?.source.all() ?? [];
  return await underUsualName(client, schema, () => differences(client, source));
}

const allDifferences = async () => (await inTurn(differencesOf)).flat();

/** One after the other: they rename schemas. */
async function inTurn<Result>(ask: (schema: string) => Promise<Result>): Promise<Result[]> {
  const answers: Result[] = [];
  for (const schema of schemas) answers.push(await ask(schema));
  return answers;
}

/** Something new in each account. */
function change(): void {
  for (const { source } of apis) source.create({ createdAt: momentsAgo() });
}

const headings = (output: string) => output.split('\n').filter((line) => line.startsWith('-- '));
const headingOf = (index: number) => `-- account ${sids[index]}, schema ${schemas[index]}`;
const every = [0, 1, 2].map(headingOf);

describe('without --account, all of them', () => {
  test('are synced, each into its schema, under its heading', async () => {
    change();
    const { code, stdout, stderr } = await run('sync');
    expect({ code, stderr, headings: headings(stdout) }).toEqual({ code: 0, stderr: '', headings: every });
    expect(await allDifferences()).toEqual([]);
    const { rows } = await client.query(`select nspname from pg_namespace where nspname like 'twilio%' order by 1`);
    expect(rows.map(({ nspname }) => nspname)).toEqual(schemas.flatMap((schema) => [schema, `${schema}_sync`]));
  });

  test('have their status in one JSON', async () => {
    const { code, stdout } = await run('status', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      accounts: schemas.map((schema, index) => ({
        account: sids[index],
        accountSid: sids[index],
        schema,
        state: 'in_sync',
      })),
    });
  });

  test.each([
    [['verify', '--full', '--json'], { drift: 0, checked: expect.any(Number) }],
    [['why', 'conv_none', '--json'], { known: false }],
    [['search-index', 'simple', '--json'], { configuration: 'simple' }],
    [['operator-views', '--json'], { views: expect.any(Array) }],
    [['doctor', '--json'], { status: 0, findings: expect.any(Array) }],
  ])('%j prints a list', async (args, each) => {
    const { code, stdout } = await run(...args);
    expect(JSON.parse(stdout)).toMatchObject({
      accounts: schemas.map((schema, index) => ({ account: sids[index], schema, ...each })),
    });
    expect(code).toBe(args[0] === 'why' ? 1 : 0);
  });

  test.each(['retry', 'status', 'doctor'])('%s says it of each', async (command) => {
    const { code, stdout } = await run(command);
    expect({ code, headings: headings(stdout) }).toEqual({ code: 0, headings: every });
  });

  test('migrate makes views over all of them, also of one whose entry is wrong now', async () => {
    await writeAccounts({ twilio_core: { start: 'soon' } });
    const first = await run('migrate', '--account', 'twilio_acme');
    expect({ ...first, headings: headings(first.stdout) }).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/Made \d+ views in schema twilio_all/),
      headings: [headingOf(0), '-- schema twilio_all'],
    });
    await writeAccounts();
    const again = await run('migrate');
    expect({ ...again, headings: headings(again.stdout) }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('The views over all accounts are up to date.'),
      headings: [...every, '-- schema twilio_all'],
    });
    const { rows } = await client.query(
      'select account_id, count(*)::int as stored from twilio_all.conversations group by 1 order by 1',
    );
    expect(rows).toEqual(sids.map((sid, index) => ({ account_id: sid, stored: apis[index]?.source.ids().length })));
  });

  test('grant-reader makes a reader of each, or of the views over all', async () => {
    const reads = async (role: string) => {
      const { rows } = await client.query<{ schema: string }>(
        `select schema from unnest($2::text[]) as schema where has_schema_privilege($1, schema, 'usage')`,
        [role, [...schemas, 'twilio_all']],
      );
      await client.query(`drop owned by ${role}; drop role ${role}`);
      return rows.map(({ schema }) => schema);
    };
    expect(await run('migrate')).toMatchObject({ code: 0 });
    expect(await run('grant-reader', 'reader_of_each')).toMatchObject({ code: 0, stderr: '' });
    expect(await reads('reader_of_each')).toEqual(schemas);
    expect(await run('grant-reader', 'reader_of_all', '--schema', 'twilio_all')).toMatchObject({ code: 0, stderr: '' });
    expect(await reads('reader_of_all')).toEqual(['twilio_all']);
    const both = ['--schema', 'twilio_all', '--account', acmeSid];
    expect(await run('grant-reader', 'reader_of_both', ...both)).toMatchObject({ code: 2 });
  });
});

describe('one in trouble costs no other', () => {
  test('a refused key is said of its account, and the others are synced', async () => {
    change();
    await writeAccounts({ twilio_acme: { authToken: 'another' } });
    const { code, stdout, stderr } = await run('sync');
    expect({ code, headings: headings(stdout) }).toEqual({ code: 1, headings: every });
    expect(stderr).toContain(`account ${acmeSid}, schema twilio_acme: `);
    expect(stderr).toContain('Check apiKey and apiSecret (or authToken): do they belong to accountSid');
    expect(stderr).not.toMatch(/another|twilio_bolt|twilio_core/);
    const checked = await run('doctor');
    expect(checked.code).toBe(2);
    expect(checked.stdout).toMatch(/fail .*\n.*accountSid and authToken/);
    expect((await inTurn(differencesOf)).map((found) => found.length > 0)).toEqual([true, false, false]);
    await writeAccounts();
    expect(await run('sync', '--account', acmeSid)).toMatchObject({ code: 0 });
    expect(await allDifferences()).toEqual([]);
  });

  test('a wrong entry is refused by name with status 2, and the others are synced', async () => {
    change();
    await writeAccounts({ twilio_bolt: { start: 'soon' } });
    const { code, stderr } = await run('sync');
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^accounts\[1\] \(AC2+, twilio_bolt\): start takes a date/),
    });
    expect((await inTurn(differencesOf)).map((found) => found.length > 0)).toEqual([false, true, false]);
    const { stdout, ...shown } = await run('status', '--json');
    expect(shown.code).toBe(2);
    const { accounts } = JSON.parse(stdout);
    expect(accounts).toHaveLength(3);
    expect(accounts).toContainEqual({
      account: boltSid,
      schema: 'twilio_bolt',
      error: expect.stringContaining('start takes'),
    });
    const checked = await run('doctor');
    expect(checked.code).toBe(2);
    expect(checked.stdout.match(/start takes a date/g)).toHaveLength(1);
    expect(checked.stdout.match(/No problems found/g)).toHaveLength(2);
  });

  test('a file that is none is refused as a whole', async () => {
    await writeFile(env['SYNC_ACCOUNTS_FILE'] ?? '', '{');
    for (const command of ['sync', 'status', 'doctor']) {
      const { code, output } = await run(command);
      expect(code, command).toBe(2);
      expect(output).toContain('is not JSON');
    }
  });

  test('a difference in one of them counts before what is in quarantine in another', async () => {
    const { source, faults } = apis[2] as Simulator;
    const { id } = source.create({ createdAt: momentsAgo() });
    const fault = faults.add({ on: 'detail', id, fault: { kind: 'status', status: 400 } });
    try {
      expect(await run('sync')).toMatchObject({ code: 3 });
      await client.query(`update twilio_acme.communications set text = 'drifted'
        where (conversation_id, id) = (select conversation_id, id from twilio_acme.communications limit 1)`);
      expect(await run('verify', '--full')).toMatchObject({ code: 4 });
      expect(await run('verify', '--full', '--account', coreSid)).toMatchObject({ code: 3 });
    } finally {
      fault.remove();
    }
    expect(await run('retry')).toMatchObject({ code: 0 });
    expect(await run('verify', '--full', '--repair')).toMatchObject({ code: 0 });
    expect(await allDifferences()).toEqual([]);
  });
});

describe('--account', () => {
  test('by SID or by schema, leaves the others as they are', async () => {
    change();
    for (const [index, account] of [acmeSid, 'twilio_bolt'].entries()) {
      const { code, stdout } = await run('sync', '--account', account);
      expect({ code, headings: headings(stdout) }).toEqual({ code: 0, headings: [headingOf(index)] });
    }
    expect((await inTurn(differencesOf)).map((found) => found.length > 0)).toEqual([false, false, true]);
    const { code, stderr } = await processes.finish(['sync', '--account', coreSid], { ...env, LOG_LEVEL: 'info' });
    expect(code).toBe(0);
    expect(stderr).toMatch(new RegExp(`^info: .*\\(account ${coreSid}`, 'm'));
  });

  test('has to say whose conversation `sync --id` is to fetch', async () => {
    const [id = ''] = apis[1]?.source.ids() ?? [];
    const refused = await run('sync', '--id', id);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('choose the account with --account') });
    const { code, stdout } = await run('sync', '--id', id, '--account', 'twilio_bolt');
    expect({ code, headings: headings(stdout) }).toEqual({ code: 0, headings: [headingOf(1)] });
  });

  test('forgets in that account alone', async () => {
    const [id = ''] = apis[1]?.source.ids() ?? [];
    const forgotten = () =>
      inTurn(async (schema) => (await client.query(`select from ${schema}_sync.tombstones`)).rowCount);
    const { code, stdout } = await run('forget', '--id', id, '--yes', '--account', 'twilio_bolt');
    expect({ code, headings: headings(stdout) }).toEqual({ code: 0, headings: [headingOf(1)] });
    expect(await forgotten()).toEqual([0, 1, 0]);
    const everywhere = await run('forget', '--id', 'conv_of_nobody', '--yes');
    expect({ code: everywhere.code, headings: headings(everywhere.stdout) }).toEqual({ code: 0, headings: every });
    expect(await forgotten()).toEqual([1, 2, 1]);
    const file = join(folder, 'tombstones.json');
    const refused = await run('forget', '--export', file);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('choose the account with --account') });
    expect(await run('forget', '--export', file, '--account', boltSid)).toMatchObject({ code: 0 });
  });

  test('doctor sends its webhooks to the URL of the account', async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const more = { WEBHOOK_PORT: '8081', WEBHOOK_URL: `http://127.0.0.1:${port}/hooks?of=all` };
    try {
      const { stdout } = await processes.finish(['doctor', '--webhook', '--account', boltSid], { ...env, ...more });
      expect(stdout).toMatch(/fail +webhook/);
      expect(asked).toEqual([expect.stringMatching(new RegExp(`^/hooks/${boltSid}\\?of=all`))]);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test('of an account that there is not', async () => {
    for (const command of ['status', 'doctor'])
      expect(await run(command, '--account', 'twilio_acne')).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('did you mean twilio_acme?'),
      });
  });

  test('without a file, of the one account there is', async () => {
    const { SYNC_ACCOUNTS_FILE: _, ...bare } = env;
    const single = {
      ...bare,
      TWILIO_ACCOUNT_SID: acmeSid,
      TWILIO_AUTH_TOKEN: 'token-of-0',
      SYNC_SCHEMA: 'twilio_acme',
      TWILIO_INTELLIGENCE_URL: apis[0]?.url ?? '',
    };
    const of = (...args: string[]) => processes.finish(args, single);
    for (const account of [acmeSid, 'twilio_acme']) {
      const { code, stdout } = await of('status', '--json', '--account', account);
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ state: 'in_sync' });
    }
    for (const command of ['status', 'doctor', 'sync'])
      expect(await of(command, '--account', boltSid)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(`the one account is ${acmeSid}, schema twilio_acme`),
      });
    const both = await processes.finish(['status'], { ...single, ...env });
    expect(both).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('TWILIO_ACCOUNT_SID and SYNC_ACCOUNTS_FILE'),
    });
  });
});
