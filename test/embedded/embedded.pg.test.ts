// The embedded Postgres, for real: in a folder of its own for each test, with processes that come, go and are killed.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sayError, statusOf } from '../../src/cli/exit-status.ts';
import { type Embedded, EmbeddedInUse, openEmbedded } from '../../src/embedded/embedded.ts';

let folder: string;
let opened: Embedded[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'embedded-'));
  opened = [];
});

afterEach(async () => {
  for (const each of opened) await each.close();
  // Whatever a killed process left.
  if (!(await isStopped())) await (await openEmbedded({ folder, adopt: true, durable: false })).close();
  await rm(folder, { recursive: true, force: true });
});

async function open(options: { adopt?: boolean; empty?: boolean } = {}): Promise<Embedded> {
  const embedded = await openEmbedded({ folder, durable: false, ...options });
  opened.push(embedded);
  return embedded;
}

test('a folder that cannot be made or written to is a matter of the settings: what to do is said', async () => {
  await writeFile(join(folder, 'file'), '');
  const error = await openEmbedded({ folder: join(folder, 'file', 'data') }).catch((caught: unknown) => caught);
  expect(statusOf(error)).toBe(2);
  expect(sayError(error)).toMatch(/^the embedded Postgres cannot write to \/\S+ \(ENOTDIR\): set DATABASE_URL, or /);
});

async function query(url: string, statement: string): Promise<unknown[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

/** Another process that holds the folder's server until it is killed. */
async function openElsewhere(): Promise<{ child: ChildProcess; started: boolean }> {
  const module = new URL('../../src/embedded/embedded.ts', import.meta.url).href;
  const code = `import { openEmbedded } from '${module}';
    const { started } = await openEmbedded({ folder: ${JSON.stringify(folder)}, durable: false });
    console.log(started);
    setInterval(() => {}, 60_000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  const line = await new Promise<string>((resolve) => createInterface(child.stdout).once('line', resolve));
  return { child, started: line === 'true' };
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

const serverPid = async () => Number((await readFile(join(folder, 'data/postmaster.pid'), 'utf8')).split('\n')[0]);
const isStopped = () =>
  serverPid().then(
    () => false,
    () => true,
  );

describe('an embedded Postgres', () => {
  test('starts, keeps its rows and its port over a restart, and stops', async () => {
    const first = await open();
    expect(first.started).toBe(true);
    await query(first.url, 'create table kept (id int); insert into kept values (7)');
    await first.close();
    expect(await isStopped()).toBe(true);

    const second = await open();
    expect(second.url).toBe(first.url);
    expect(second.psql).toBe(`psql ${second.url.split('?')[0]}`);
    expect(await query(second.url, 'select id from kept')).toEqual([{ id: 7 }]);
  });

  test('asks for its password', async () => {
    const { url } = await open();
    await expect(query(url.replace(/:[0-9a-f]{32}@/, ':wrong@'), 'select 1')).rejects.toThrow(
      /password authentication/,
    );
  });

  test('sorts by code point and knows upper case, on every machine', async () => {
    const { url } = await open();
    expect(await query(url, `select upper('é') as upper, 'a' > 'Z' as sorted`)).toEqual([{ upper: 'É', sorted: true }]);
  });

  test('is used together, and stopped by the last to leave', async () => {
    const first = await open();
    const second = await open();
    expect(second.started).toBe(false);
    await first.close();
    expect(await query(second.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await second.close();
    expect(await isStopped()).toBe(true);
  });

  test('opened by many at the same moment, is made and started once', async () => {
    const all = await Promise.all([open(), open(), open(), open()]);
    expect(all.filter((each) => each.started)).toHaveLength(1);
    expect(new Set(all.map((each) => each.url)).size).toBe(1);
  });

  test('outlives a killed process; whoever only visits leaves it running, who adopts it stops it', async () => {
    const { child, started } = await openElsewhere();
    expect(started).toBe(true);
    const pid = await serverPid();
    await kill(child);

    const visitor = await open();
    expect(visitor.started).toBe(false);
    await visitor.close();
    expect(await serverPid()).toBe(pid);

    const owner = await open({ adopt: true });
    expect(owner.started).toBe(false);
    await owner.close();
    expect(await isStopped()).toBe(true);
  });

  test('starts over the pid file of a dead server, and of one whose id another program has now', async () => {
    const first = await open();
    await query(first.url, 'create table kept (id int)');
    await first.close();
    const path = join(folder, 'data/postmaster.pid');
    for (const pid of [2 ** 22 + 1, process.pid]) {
      await writeFile(path, `${pid}\n${folder}/data\n1700000000\n1\n\n127.0.0.1\n       1     1\nready   \n`);
      const again = await open();
      expect(again.started).toBe(true);
      expect(await query(again.url, 'select * from kept')).toEqual([]);
      await again.close();
    }
  });

  test('takes another port where its own is taken', async () => {
    const first = await open();
    await first.close();
    const taken = createServer();
    const port = Number(new URL(first.url).port);
    await new Promise<void>((resolve) => taken.listen(port, '127.0.0.1', resolve));
    try {
      const second = await open();
      expect(Number(new URL(second.url).port)).toBeGreaterThan(port);
    } finally {
      taken.close();
    }
  });

  test('asked for empty, loses its rows, but not under another process', async () => {
    const first = await open();
    await query(first.url, 'create table gone (id int)');
    await expect(open({ empty: true })).rejects.toThrow(EmbeddedInUse);
    await first.close();
    const second = await open({ empty: true });
    expect(await query(second.url, `select to_regclass('gone') as gone`)).toEqual([{ gone: null }]);
  });
});
