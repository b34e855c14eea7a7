// Notifications of stored changes: for what was stored, when it is committed, and for nothing else. The listener in
// docs/deploy.md runs as it stands there.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { documentOf, root } from '../readme.ts';
import { World } from '../world.ts';

const minute = 60_000;
let world: World;
let client: pg.Client;
let heard: string[];

beforeEach(async () => {
  world = await World.open({ conversations: 30, days: 10, results: true, notify: true });
  client = new pg.Client(world.database.connection);
  await client.connect();
  heard = [];
  client.on('notification', ({ payload = '' }) => heard.push(payload));
  await client.query('listen conversation_sync');
});

afterEach(async () => {
  await client.end();
  await world[Symbol.asyncDispose]();
});

/** What was notified since the last time, in the order of ids. Notifications come before the answer to a statement. */
async function notified(): Promise<string[]> {
  await client.query('select');
  return [...new Set(heard.splice(0))].sort();
}

/** The conversations that have changed since the last time. */
let since = '-infinity';
async function changed(): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(
    'select id from twilio.conversations where synced_at > $1 order by id collate "C"',
    [since],
  );
  since = (await client.query('select max(synced_at)::text as at from twilio.conversations')).rows[0].at;
  return rows.map(({ id }) => id);
}

test('of each change that is stored, and of nothing else', async () => {
  since = '-infinity';
  await world.sync();
  expect(await notified()).toEqual(await changed());
  expect((await client.query('select from twilio.conversations')).rowCount).toBe(30);

  world.nowMs += minute;
  await world.sync({ reconcile: true });
  expect(await notified()).toEqual([]);

  const [first = '', second = '', third = '', fourth = ''] = world.source.ids();
  world.source.say(first, 'One more');
  world.source.remove(second);
  world.source.addResult(third, { silent: true });
  world.source.put({ ...world.source.get(fourth), participants: [] });
  const { id } = world.source.create();
  world.nowMs += minute;
  await world.sync({ reconcile: true });
  const ids = await notified();
  expect(ids).toEqual(await changed());
  expect(ids).toEqual(expect.arrayContaining([first, second, third, id]));

  // A result whose conversation does not name it yet: its content alone is stored.
  world.source.addResult(first, { link: false });
  world.nowMs += minute;
  await world.pass('new');
  expect(await notified()).toEqual([first]);
  expect(await changed()).toEqual([first]);
});

test('not of what was not committed', async () => {
  const context = await world.context();
  world.supersede();
  await world.context();
  const { store } = context;
  await expect(store.load([], null, world.nowMs / 1000)).rejects.toThrow('another worker');
  expect(await notified()).toEqual([]);
});

test('the listener in docs/deploy.md hears of a change', async () => {
  const code = documentOf('docs/deploy.md').block('Notifications', 'js');
  const listener = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: root,
    env: { PATH: process.env['PATH'], DATABASE_URL: world.database.url },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  let changed = Promise.withResolvers<void>();
  listener.stdout.on('data', (chunk) => {
    said += chunk;
    changed.resolve();
    changed = Promise.withResolvers();
  });
  const untilSaid = async (text: string) => {
    while (!said.includes(text)) await changed.promise;
  };
  try {
    await untilSaid('listening');
    await world.sync();
    const { id } = world.source.create({ status: 'INACTIVE' });
    world.nowMs += minute;
    await world.sync();
    await untilSaid(`${id} INACTIVE`);
    expect(code.split('\n').filter((line) => line !== '')).toHaveLength(10);
  } finally {
    listener.kill();
    await once(listener, 'exit');
  }
});
