// What cannot go well is said in a line or two that name what to put right, with the exit status of the contract.

import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/postgres/database.ts';
import { takeLease } from '../../src/postgres/lease.ts';
import type { Environment } from './process.ts';
import { Stage } from './stage.ts';

let stage: Stage;
const role = `e2e_${randomBytes(6).toString('hex')}`;
const password = randomBytes(12).toString('hex');

beforeAll(async () => {
  stage = await Stage.open({ conversations: 20, days: 10 });
  await stage.client.query(`create role ${role} login password '${password}'`);
});

afterAll(async () => {
  await stage.client.query(`drop owned by ${role}; drop role ${role}`);
  await stage[Symbol.asyncDispose]();
});

const finish = (args: string[], env: Environment = {}) => stage.processes.finish(args, { ...stage.env, ...env });

const asRole = (given = password) => {
  const url = new URL(stage.database.url);
  url.username = role;
  url.password = given;
  return url.href;
};

/** The stage's own URL but for the database's name. */
const asDatabase = (name: string) => {
  const url = new URL(stage.database.url);
  url.pathname = `/${name}`;
  return url.href;
};

/** Every command that needs a database, with one that cannot be used. */
async function refused(DATABASE_URL: string, commands: string[][]) {
  return await Promise.all(commands.map((args) => finish(args, { DATABASE_URL })));
}

describe('settings', () => {
  test('all of what is wrong is said at once, by name, before anything starts', async () => {
    const env = {
      TWILIO_ACCOUNT_SID: 'nonsense',
      TWILIO_API_KEY: 'SK0',
      SYNC_START: 'yesterday',
      SYNC_SHEDULE: '* * * * *',
      SYNC_MAX_CONCURRENCY: '0',
      DATABASE_URL: 'mysql://nowhere',
      LOG_LEVEL: 'loud',
    };
    for (const args of [['sync'], ['run']]) {
      const { code, stdout, stderr } = await stage.processes.finish(args, env);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      for (const name of Object.keys(env).filter((each) => each !== 'TWILIO_API_KEY')) expect(stderr).toContain(name);
      expect(stderr).toContain('TWILIO_API_SECRET');
      expect(stderr).toContain('did you mean SYNC_SCHEDULE?');
      expect(stderr.trim().split('\n')).toHaveLength(7);
    }
  });

  test('a command asks for those alone that it needs', async () => {
    const { code, stderr } = await stage.processes.finish(['migrate'], { DATABASE_URL: 'mysql://nowhere' });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^DATABASE_URL takes postgres:[^\n]+\n$/);
  });
});

describe('usage', () => {
  test.each([
    ['', /Usage: conversation-sync/],
    ['bogus', /unknown command 'bogus'/],
    ['sync --from nonsense', /'--from <time>' argument 'nonsense' is invalid\. It takes a date such as/],
    ['sync --to 2026-01-01', /--to needs --from/],
  ])('conversation-sync %s', async (line, says) => {
    const { code, stdout, stderr } = await stage.processes.finish(line.split(' ').filter(Boolean));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(says);
  });

  test('--help tells of every command and setting, --version the version', async () => {
    const { code, stdout, stderr } = await stage.processes.finish(['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const commands = ['run', 'sync', 'migrate', 'status', 'doctor', 'grant-reader', 'demo', 'simulate'];
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
    const { stdout: version } = await stage.processes.finish(['--version']);
    expect(version).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('the database', () => {
  const every = [['sync'], ['migrate'], ['status']];

  test('nobody there: exit status 1 and one line that says where', async () => {
    for (const ended of await refused('postgres://somebody@127.0.0.1:1/nothing', every)) {
      expect(ended).toMatchObject({ code: 1, stdout: '' });
      expect(ended.stderr).toBe('database: the server cannot be reached at 127.0.0.1, port 1 (ECONNREFUSED)\n');
    }
  });

  test('status --json says it in JSON, with the same exit status', async () => {
    const status = async (env: Environment) => {
      const { code, stdout, stderr } = await finish(['status', '--json'], env);
      return { code, stderr, says: stdout === '' ? null : JSON.parse(stdout) };
    };
    expect(await status({ DATABASE_URL: 'postgres://somebody@127.0.0.1:1/nothing' })).toEqual({
      code: 1,
      stderr: '',
      says: { error: 'database: the server cannot be reached at 127.0.0.1, port 1 (ECONNREFUSED)' },
    });
    expect(await status({ DATABASE_URL: stage.database.url })).toEqual({
      code: 1,
      stderr: '',
      says: { error: expect.stringContaining('run: conversation-sync migrate') },
    });
    expect(await status({ DATABASE_URL: asDatabase('e2e_not_there') })).toMatchObject({
      code: 2,
      says: { error: expect.stringContaining('there is no such database') },
    });
    const wrong = await status({ SYNC_SCHEDULE: 'often' });
    expect(wrong).toMatchObject({ code: 2, says: null });
    expect(wrong.stderr).toMatch(/^SYNC_SCHEDULE takes a cron expression/);
  });

  test('no such database, or a wrong password: exit status 2, also of run', async () => {
    for (const ended of await refused(asDatabase('e2e_not_there'), [...every, ['run']])) {
      expect(ended.code).toBe(2);
      expect(ended.stderr).toMatch(/^database: there is no such database; see DATABASE_URL or PGDATABASE \(3D000\)\n$/);
    }
    for (const ended of await refused(asRole('wrong-password'), [...every, ['run']])) {
      expect(ended.code).toBe(2);
      expect(ended.stderr).toMatch(/^database: the server refuses this user or password; [^\n]+ \(28P01\)\n$/);
    }
  });

  test('a connection that asks for what the server does not have: exit status 2, also of run', async () => {
    const url = new URL(stage.database.url);
    for (const options of ['-cclient_min_messages=nonsense', '-cno_such_setting=1']) {
      url.searchParams.set('options', options);
      for (const ended of await refused(url.href, [['sync'], ['run']])) {
        expect(ended.code).toBe(2);
        expect(ended.stderr).toMatch(/^database: the server refuses the connection; see options in [^\n]+\n$/);
        expect(ended.stderr).toContain(/\w+(?==)/.exec(options.slice(2))?.[0]);
      }
    }
  });

  test('not migrated: status says what to do', async () => {
    const { code, stdout, stderr } = await finish(['status']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^database: a table is missing; run: conversation-sync migrate \(\w+\)\n$/);
  });

  test('a user without CREATE: exit status 2, naming what it lacks, also of run', async () => {
    for (const ended of await refused(asRole(), [['sync'], ['migrate'], ['run']])) {
      expect(ended.code).toBe(2);
      expect(ended.stderr).toMatch(/^database: this user lacks rights: to migrate, CREATE on the database [^\n]+\n$/);
      expect(ended.stderr).toContain('permission denied for database');
    }
  });

  test('a user without rights on the tables: exit status 2', async () => {
    expect(await finish(['migrate'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Applied \d+ migrations?\.\n$/),
    });
    expect(await finish(['migrate'])).toMatchObject({ code: 0, stdout: 'The tables are up to date.\n' });
    const granting = await refused(asRole(), [['grant-reader', `${role}_reader`]]);
    expect(granting).toMatchObject([{ code: 2, stdout: '' }]);
    expect(granting[0]?.stderr).toMatch(
      /^this user may not create a reader [^\n]+\nAn administrator [^\n]+:\n {2}\S+ grant-reader \w+ --print\n$/,
    );
    const one = await refused(asRole(), [...every, ['run']]);
    // May read all there is, and write nothing.
    await stage.client.query(
      `grant usage on schema twilio, twilio_sync to ${role}; grant select on all tables in schema twilio, twilio_sync to ${role}`,
    );
    const two = await refused(asRole(), [['sync'], ['run']]);
    for (const ended of [...one, ...two]) {
      expect(ended.code).toBe(2);
      expect(ended.stderr).toMatch(
        /^database: this user lacks rights: [^\n]+permission denied for (schema|table) \w+ \(42501\)\n$/,
      );
    }
    expect(await stage.stored()).toBe(0);
  });

  test('a user from whom row-level security hides rows: exit status 2, also of run', async () => {
    await finish(['migrate']);
    await stage.client.query(`grant usage on schema twilio, twilio_sync to ${role};
      grant select, insert, update, delete on all tables in schema twilio, twilio_sync to ${role};
      alter table twilio.conversations enable row level security`);
    for (const ended of await refused(asRole(), [['sync'], ['verify'], ['retry'], ['run']])) {
      expect(ended.code).toBe(2);
      expect(ended.stderr).toMatch(/^row-level security hides rows of twilio\.conversations from this user: /);
    }
    await stage.client.query('alter table twilio.conversations disable row level security');
  });

  test('of another account: exit status 2, also of run', async () => {
    const TWILIO_ACCOUNT_SID = `AC${'1'.repeat(32)}`;
    // Mistyped at the very first try, which stores nothing: the right one is still taken.
    expect(await finish(['sync'], { TWILIO_ACCOUNT_SID })).toMatchObject({ code: 1 });
    expect(await finish(['sync'])).toMatchObject({ code: 0 });
    for (const args of [['sync'], ['sync', '--dry-run'], ['run']]) {
      const { code, stderr } = await finish(args, { TWILIO_ACCOUNT_SID });
      expect(code).toBe(2);
      expect(stderr).toMatch(/^this database holds the conversations of account AC0{32}, not of AC1{32}: [^\n]+\n$/);
    }
    const elsewhere = await finish(['sync'], { TWILIO_INTELLIGENCE_URL: 'http://127.0.0.1:1' });
    expect(elsewhere).toMatchObject({ code: 2, stderr: expect.stringMatching(/^this database was filled from http/) });
  });

  test('held by another worker: it says so and waits; Ctrl-C ends the wait', async () => {
    const database = openDatabase(stage.database.connection);
    expect(await takeLease(database, 'somebody else')).toHaveProperty('epoch');
    await database.close();
    await stage.client.query('begin; select from twilio_sync.lease for update');
    const waiting = await stage.processes.start(['sync'], stage.env);
    await waiting.saw(/Waiting for another worker \(somebody else\)/);
    waiting.kill('SIGINT');
    expect(await waiting.ended).toMatchObject({ code: 1, stderr: expect.stringContaining('interrupted') });
    await stage.client.query('rollback; update twilio_sync.lease set expires_at = 0');
  });
});

test('what is to be known of the way to the database is said once, and stops nothing', async () => {
  // This machine under a name that does not say so.
  const at = (query: string) => ({
    DATABASE_URL: stage.database.url.replace('127.0.0.1', '0.0.0.0').replace(/\?.*|$/, `?${query}`),
  });
  const { code, stderr } = await finish(['sync'], at('pgbouncer=true&SSLMODE=require'));
  expect(code).toBe(0);
  expect(stderr).toMatch(/pgbouncer is not a supported parameter\n.*SSLMODE .*did you mean sslmode/);
  expect(stderr.match(/not encrypted/g)).toHaveLength(1);
  expect(await finish(['sync'], at('sslmode=disable'))).toMatchObject({ code: 0, stderr: '' });
  const { stdout } = await finish(['doctor'], at('pgbouncer=true'));
  expect(stdout).toMatch(/^warn +settings +DATABASE_URL: pgbouncer/m);
  expect(stdout).toMatch(/^warn +encryption +none: /m);
});

describe('doctor', () => {
  test('all is well, for people and for programs', async () => {
    const { code, stdout, stderr } = await finish(['doctor']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^ok {7}settings [\s\S]*^ok {7}createdBefore [\s\S]*^ok {7}worker [^\n]+\n\nNo problems found\.\n$/m,
    );
    const { status, findings } = JSON.parse((await finish(['doctor', '--json'])).stdout);
    expect(status).toBe(0);
    expect(findings).toContainEqual(
      expect.objectContaining({ check: 'database', mark: 'ok', todo: null, passing: false }),
    );
  });

  test('a misspelt setting, a wrong token and a database that is away are all said', async () => {
    const env = {
      SYNC_SHEDULE: 'x',
      TWILIO_AUTH_TOKEN: 'not-the-token',
      DATABASE_URL: 'postgres://a:hidden@127.0.0.1:1/b',
    };
    const { code, stdout } = await finish(['doctor'], env);
    expect(code).toBe(2);
    expect(stdout.match(/^fail +(settings|credentials|database) /gm)).toHaveLength(3);
    expect(stdout).toMatch(/^skipped {2}encryption, version, encoding, .*: there is no connection$/m);
    expect(stdout).not.toMatch(/hidden|not-the-token/);
  });

  test('with nothing set it makes nothing', async () => {
    const folder = await stage.processes.folder();
    const { code, stdout } = await stage.processes.finish(['doctor'], {}, folder);
    expect(code).toBe(2);
    expect(stdout).toContain('TWILIO_ACCOUNT_SID is required');
    expect(stdout).toContain('the first command creates it');
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('the API', () => {
  test('a wrong key: exit status 1, and what to check', async () => {
    const { code, stdout, stderr } = await finish(['sync'], { TWILIO_AUTH_TOKEN: 'not-the-token' });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^GET [^\n]+ refused the key \(401, code 20003\)[^\n]*\nCheck TWILIO_API_KEY [^\n]+\n$/);
  });

  test('nobody there: exit status 1, and where', async () => {
    await stage.simulator.close();
    const { code, stdout, stderr } = await finish(['sync']);
    await stage.reopenApi();
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(
      /^(warn: request repeated [^\n]+\n)*GET http:\/\/127\.0\.0\.1:\d+\/\S+: no connection \(ECONNREFUSED[^\n]*\n$/,
    );
  });
});

test('an address in use: run says which, exit status 2', async () => {
  const { port } = new URL(stage.simulator.url);
  const { code, stderr } = await finish(['run'], { HTTP_PORT: port });
  expect(code).toBe(2);
  expect(stderr).toBe(`HTTP_HOST and HTTP_PORT: 127.0.0.1 port ${port} is in use by another program\n`);
});
