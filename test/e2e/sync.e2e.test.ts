// `sync` as a user meets it: what it stores, what it says, what it ends with. One database and one API, step by step.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from './process.ts';
import { momentsAgo, Stage } from './stage.ts';

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open({ conversations: 300, days: 40 });
});

afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

const sync = (...args: string[]) => stage.processes.finish(['sync', ...args], stage.env);
const day = (ago: number) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);

test('a dry run says how much it would be, and leaves every table empty', async () => {
  const { code, stdout, stderr } = await sync('--dry-run');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^Listed 300 conversations with \d+ requests\.\nA sync would fetch 300 details/);
  expect(stage.simulator.requests.byEndpoint.detail).toBe(0);
  expect(await stage.stored()).toBe(0);
});

test('single conversations are fetched alone; one that the API does not have is said so', async () => {
  const [one = '', two = ''] = stage.simulator.source.ids();
  const { code, stdout } = await sync('--id', one, '--id', two, '--id', one, '--id', 'conv_conversation_unknown');
  expect(code).toBe(1);
  expect(stdout).toBe(`${one}: stored\n${two}: stored\nconv_conversation_unknown: no such conversation at the API\n`);
  expect(await stage.stored()).toBe(2);
  expect(await stage.differencesOfStored()).toEqual([]);
});

test('a stretch of time is stored and nothing beside it', async () => {
  const [from, to] = [day(20), day(15)];
  const within = stage.simulator.source.all().filter(({ createdAt }) => createdAt >= from && createdAt < to);
  const before = await stage.stored();
  const { code } = await sync('--from', from, '--to', to);
  expect(code).toBe(0);
  expect(within.length).toBeGreaterThan(10);
  expect(await stage.stored()).toBe(before + within.length);
  expect(await stage.differencesOfStored()).toEqual([]);
});

test('everything is stored, value by value', async () => {
  const { code, stdout, stderr } = await sync();
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^\d+ listed, \d+ fetched, \d+ stored, \d+ results stored\.\n$/);
  expect(await stage.differences()).toEqual([]);
});

test('once more, with and without --reconcile: no detail is asked for, no row written', async () => {
  const written = await stage.rowsWritten();
  stage.simulator.requests.reset();
  for (const args of [[], ['--reconcile'], ['--dry-run'], ['--dry-run', '--reconcile'], ['--from', day(10)]]) {
    const { code, stdout } = await sync(...args);
    expect({ args, code }).toEqual({ args, code: 0 });
    expect(stdout).toMatch(/0 fetched, 0 stored|would fetch 0 details/);
  }
  expect(stage.simulator.requests.byEndpoint.detail).toBe(0);
  expect(await stage.rowsWritten()).toBe(written);
});

test('status says it, also to programs', async () => {
  const people = await stage.processes.finish(['status'], stage.env);
  expect(people).toMatchObject({ code: 0, stderr: '' });
  expect(people.stdout).toMatch(/^conversations +300 \(/m);
  expect(people.stdout).toMatch(/^history +since .+: complete$/m);
  const { code, stdout } = await stage.processes.finish(['status', '--json'], stage.env);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ conversations: 300, pendingWindows: [], quarantine: 0, worker: null });
});

test('status is 1 where no tick was complete for too long: what /readyz allows, or --max-age', async () => {
  const status = async (args: string[], env = {}) => {
    const { code, stdout } = await stage.processes.finish(['status', ...args], { ...stage.env, ...env });
    return { code, says: stdout.split('\n')[0] };
  };
  const { rows: before } = await stage.client.query('select id, completed_at::text from twilio_sync.windows');
  await stage.client.query(`update twilio_sync.windows set completed_at = now() - interval '80 minutes'`);
  const late = { code: 1, says: 'Out of sync: no worker has listed for 80 min' };
  expect(await status([])).toEqual(late);
  expect(await status(['--max-age', '79m'])).toEqual(late);
  expect(await status(['--max-age', '2h'])).toMatchObject({ code: 0 });
  expect(await status([], { SYNC_SCHEDULE: '0 * * * *' })).toMatchObject({ code: 0 });
  const { code, stdout } = await stage.processes.finish(['status', '--json'], stage.env);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    state: 'out_of_sync',
    code: 'no_worker',
    reason: 'no worker has listed for 80 min',
  });
  for (const { id, completed_at } of before)
    await stage.client.query('update twilio_sync.windows set completed_at = $2 where id = $1', [id, completed_at]);
  expect((await status([])).code).toBe(0);
});

test('a conversation that cannot be had leaves the rest in sync: exit status 3, and it is named nowhere but in quarantine', async () => {
  const broken = stage.simulator.source.create({ status: 'CLOSED', createdAt: momentsAgo() });
  const fault = stage.simulator.faults.add({ on: 'detail', id: broken.id, fault: { kind: 'status', status: 400 } });
  const { code, stdout } = await sync();
  expect(code).toBe(3);
  expect(stdout).toContain('1 in quarantine: see twilio_sync.quarantine');
  expect((await stage.processes.finish(['status'], stage.env)).code).toBe(3);
  fault.remove();
  expect(await sync('--id', broken.id)).toMatchObject({ code: 0, stdout: `${broken.id}: stored\n` });
  expect(await stage.differences()).toEqual([]);
});

test('too many missing: the brake holds, exit status 1, until it is let through', async () => {
  const { source } = stage.simulator;
  const gone = source.ids().slice(0, 60);
  for (const id of gone) source.remove(id);
  const { code, stdout } = await sync('--reconcile');
  expect(code).toBe(1);
  expect(stdout).toMatch(/Incomplete: reconcile: 60 of \d+ stored conversations were not listed/);
  const status = await stage.processes.finish(['status'], stage.env);
  expect(status.code).toBe(1);
  expect(status.stdout).toMatch(/--allow-mass-delete/);
  expect(await sync('--reconcile', '--allow-mass-delete')).toMatchObject({ code: 0 });
  expect(await stage.differences()).toEqual([]);
});

test('forget says what is stored, erases only what it is told to, and nothing brings it back', async () => {
  const forget = (...args: string[]) => stage.processes.finish(['forget', ...args], stage.env);
  const { source } = stage.simulator;
  const [id = '', other = ''] = source.ids();
  const before = await stage.stored();
  expect(await forget('--id', id, '--dry-run')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/: 1 row of conversations, /),
  });
  expect(await forget('--id', id)).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') });
  expect(await forget()).toMatchObject({ code: 2 });
  expect(await stage.stored()).toBe(before);
  expect(await forget('--id', id, '--yes')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/: erased 1 row of conv/),
  });
  source.say(id, 'And another thing');
  expect((await sync('--reconcile')).code).toBe(0);
  expect(await stage.stored()).toBe(before - 1);
  const asked = await sync('--id', id, '--id', other);
  expect(asked).toMatchObject({ code: 1, stdout: expect.stringContaining(`${id}: not stored, because it was erased`) });
  expect(await stage.stored()).toBe(before - 1);
});

test('a retention that takes much waits; a running worker is told to go on, and status says what is kept', async () => {
  const env = { ...stage.env, SYNC_RETENTION: '20d', SYNC_SCHEDULE: '* * * * * *' };
  const held = await stage.processes.finish(['sync'], env);
  expect(held).toMatchObject({ code: 1, stdout: expect.stringMatching(/SYNC_RETENTION: \d+ of \d+ stored/) });
  const before = await stage.stored();
  const worker = await stage.processes.start(['run'], env);
  await worker.saw(/this worker holds the lease/);
  const told = await stage.processes.finish(['sync', '--allow-mass-delete'], env);
  expect(told).toMatchObject({ code: 0, stdout: expect.stringContaining('Told the running worker') });
  await until(
    async () => (await stage.client.query('select from twilio_sync.retention where seconds is not null')).rowCount,
    (found) => found === 1,
  );
  await worker.saw(/"erased":[1-9]/);
  worker.kill('SIGTERM');
  expect((await worker.ended).code).toBe(0);
  expect(await stage.stored()).toBeLessThan(before);
  const { rows } = await stage.client.query(
    `select count(*)::int as old from twilio.conversations where created_at < date_trunc('day', now(), 'UTC') - interval '20 days' and status = 'CLOSED'`,
  );
  expect(rows).toEqual([{ old: 0 }]);
  const status = await stage.processes.finish(['status'], env);
  expect(status.stdout).toMatch(/^kept +conversations created in the last 20 days$/m);
});
